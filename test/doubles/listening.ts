import { once } from 'node:events'
import type { Server } from 'node:net'

/** The free port of 127.0.0.1 at which the server listens from now on. */
export async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port')
  return address.port
}
