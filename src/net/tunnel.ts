/** One TCP connection to addresses that were checked before; the name is not looked up again. */
import type { Socket } from 'node:net'
import type { TunnelTransport } from '../contracts/egress.ts'
import { AppError } from '../contracts/errors.ts'
import { netError } from './net-error.ts'

const CONNECT_MS = 10_000
const HTTPS_PORT = 443

export const openTunnel: TunnelTransport = async ({ url, pinned = [] }, signal) => {
  const { connect } = await import('node:net')
  let fault: unknown = new AppError('net/refused', `the addresses of ${url.origin} were not checked`)
  for (const address of pinned.slice(0, 4)) {
    signal.throwIfAborted()
    const socket = connect({ host: address, port: url.port === '' ? HTTPS_PORT : Number(url.port), timeout: CONNECT_MS })
    try {
      await connected(socket, signal)
      socket.setTimeout(0)
      return socket
    } catch (error) {
      socket.destroy()
      fault = error
    }
  }
  throw fault instanceof AppError ? fault : netError(fault, url.origin)
}

function connected(socket: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort)
      resolve()
    })
    socket.once('timeout', () => reject(Object.assign(new Error('the time is up'), { code: 'ETIMEDOUT' })))
    socket.once('error', reject)
    signal.addEventListener('abort', abort, { once: true })
  })
}
