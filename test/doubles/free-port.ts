import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below the ports that systems give to outgoing connections: none of those takes it meanwhile. */
const [FIRST, COUNT] = [10_000, 20_000]
const MAX_TRIES = 100

/** A port of 127.0.0.1 that was free a moment ago, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = FIRST + Math.floor(Math.random() * COUNT)
    const listener = createServer()
    const listening = once(listener, 'listening').then(
      () => true,
      () => false,
    )
    listener.listen(port, '127.0.0.1')
    const isFree = await listening
    if (!isFree) continue
    await new Promise((closed) => listener.close(closed))
    return port
  }
  throw new Error('no port is free')
}
