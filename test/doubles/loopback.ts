import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Loopback {
  readonly url: URL
  readonly server: Server
  /** Ends every connection and the server. */
  readonly close: () => Promise<void>
}

/** An error that it throws ends the connection. */
export type Listener = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>

/** A real HTTP server on a free port of 127.0.0.1. */
export async function startLoopback(listener: Listener): Promise<Loopback> {
  const server = createServer((request, response) => {
    new Promise((resolve) => resolve(listener(request, response))).catch((error: Error) => response.destroy(error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    server,
    url: new URL(`http://127.0.0.1:${portOf(server.address())}`),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port')
  return address.port
}
