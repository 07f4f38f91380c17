/** One request over a WebSocket of its own, as a web page or a command does it. */
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { PROTOCOL_VERSION, serverFrame } from '../../src/contracts/ws-protocol.ts'
import type { Gateway } from '../support/servers.ts'

const PATIENCE_MS = 60_000
const CONNECT = {
  minProtocol: PROTOCOL_VERSION,
  maxProtocol: PROTOCOL_VERSION,
  client: { id: 'test', version: '1', platform: 'linux', mode: 'test' },
}

export async function askOverSocket({ port, token }: Gateway, method: string, params: unknown): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { headers: { authorization: `Bearer ${token}` } })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const patience = setTimeout(() => reject(new Error('no answer over the socket')), PATIENCE_MS)
  const send = (id: string, name: string, values: unknown) => socket.send(JSON.stringify({ type: 'req', id, method: name, params: values }))
  socket.on('error', reject)
  socket.on('close', () => reject(new Error('the socket was closed early')))
  socket.on('message', (data) => {
    if (!Buffer.isBuffer(data)) return reject(new Error('a frame that is no text'))
    const frame = serverFrame.parse(JSON.parse(data.toString()))
    if (frame.type === 'event') {
      if (frame.event === 'connect.challenge') send('1', 'connect', CONNECT)
      return
    }
    if (!frame.ok) return reject(new Error(`the socket answered ${frame.error?.code}: ${frame.error?.message}`))
    if (frame.id === '1') send('2', method, params)
    else resolve()
  })
  try {
    await promise
  } finally {
    clearTimeout(patience)
    socket.removeAllListeners('close')
    socket.removeAllListeners('error').on('error', () => undefined)
    socket.close()
    if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close')
  }
}
