/** A way to a server that can be cut and restored, and that can lose one answer or one question. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface CutProxy {
  readonly port: number
  /** Ends every connection, and refuses new ones until `restore`. */
  cut(): void
  restore(): void
  /** Silence: connections stay open, and nothing passes until `restore`. What was on the way is lost, and its connections with it. */
  silence(): void
  /**
   * The next message that contains these bytes: `question` loses it, `answer` delivers it and loses what the server says to it. Either way that connection ends.
   * Resolves when it has happened.
   */
  lose(what: 'question' | 'answer', bytes: string): Promise<void>
  close(): Promise<void>
}

/** Time for the server to do what it was asked; nobody waits for it elsewhere. */
const ANSWER_MS = 150

export async function cutProxy(target: number): Promise<CutProxy> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let state: 'open' | 'cut' | 'silent' = 'open'
  let loss: { readonly what: 'question' | 'answer'; readonly bytes: string; readonly done: () => void } | null = null
  const end = (pair: readonly [Socket, Socket]) => {
    pairs.delete(pair)
    for (const socket of pair) socket.destroy()
  }
  const server = createServer((client) => {
    if (state === 'cut') return void client.destroy()
    const upstream = connect(target, '127.0.0.1')
    const pair = [client, upstream] as const
    pairs.add(pair)
    let isLost = false
    client.on('data', (chunk) => {
      if (state === 'silent' || isLost) return
      if (loss !== null && chunk.includes(loss.bytes)) {
        const { what, done } = loss
        loss = null
        isLost = true
        if (what === 'answer') upstream.write(chunk)
        setTimeout(
          () => {
            end(pair)
            done()
          },
          what === 'answer' ? ANSWER_MS : 0,
        )
        return
      }
      upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      if (state !== 'silent' && !isLost) client.write(chunk)
    })
    for (const socket of pair) socket.on('error', () => end(pair)).on('close', () => end(pair))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  const endAll = () => {
    for (const pair of pairs) end(pair)
  }
  return {
    port: address.port,
    cut() {
      state = 'cut'
      endAll()
    },
    restore() {
      if (state === 'silent') endAll()
      state = 'open'
    },
    silence() {
      state = 'silent'
    },
    lose: (what, bytes) => new Promise((resolve) => (loss = { what, bytes, done: resolve })),
    async close() {
      endAll()
      server.close()
      await once(server, 'close')
    },
  }
}
