/** A listener that only notes whether somebody came. */
import { once } from 'node:events'

export interface ProbeListener {
  readonly port: number
  close(): void
}

export async function openProbeListener(): Promise<ProbeListener> {
  const { createServer } = await import('node:net')
  const server = createServer((socket) => void socket.destroy())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return { port: typeof address === 'object' && address !== null ? address.port : 0, close: () => void server.close() }
}
