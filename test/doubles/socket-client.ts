/** A client of `/ws` that keeps every frame, for tests of the wire itself. */
import { WebSocket, type ClientOptions } from 'ws'
import { serverFrame } from '../../src/contracts/ws-protocol.ts'
import type * as z from 'zod'
import { TOKEN, type OpenDoors } from './open-doors.ts'

export type ServerFrame = z.infer<typeof serverFrame>

export interface SocketClient {
  readonly socket: WebSocket
  readonly frames: readonly ServerFrame[]
  /** Resolves with the code when it ended. */
  readonly closed: Promise<number>
  send(frame: unknown): void
  /** Sends a request and resolves with its response. */
  call(method: string, params?: unknown, id?: string): Promise<Extract<ServerFrame, { type: 'res' }>>
  /** The payload of a response that must be fine. */
  result<T>(method: string, schema: z.ZodType<T>, params?: unknown): Promise<T>
  /** The first frame, past or coming, that fits. */
  frame(fits: (frame: ServerFrame) => boolean): Promise<ServerFrame>
  event(name: string, fits?: (payload: unknown) => boolean): Promise<unknown>
  close(): Promise<number>
}

export const CONNECT = { minProtocol: 3, maxProtocol: 3, client: { id: 'test', version: '1', platform: 'linux', mode: 'test' } }

/** Opens the socket without the handshake. */
export async function openSocket(
  doors: Pick<OpenDoors, 'port'>,
  options: ClientOptions = { headers: { authorization: `Bearer ${TOKEN}` } },
  protocols: readonly string[] = [],
): Promise<SocketClient> {
  const socket = new WebSocket(`ws://127.0.0.1:${doors.port}/ws`, [...protocols], options)
  const frames: ServerFrame[] = []
  const waiting = new Set<() => void>()
  const closed = new Promise<number>((resolve) => socket.once('close', (code) => resolve(code)))
  socket.on('message', (data) => {
    if (!Buffer.isBuffer(data)) return
    frames.push(serverFrame.parse(JSON.parse(data.toString())))
    for (const check of waiting) check()
  })
  const opening = Promise.withResolvers<void>()
  socket.once('open', () => opening.resolve())
  socket.on('error', (error) => opening.reject(error))
  await opening.promise
  let count = 0

  const client: SocketClient = {
    socket,
    frames,
    closed,
    send: (frame) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    frame(fits) {
      const { promise, resolve, reject } = Promise.withResolvers<ServerFrame>()
      const check = () => {
        const found = frames.find(fits)
        if (found === undefined) return
        waiting.delete(check)
        resolve(found)
      }
      waiting.add(check)
      check()
      void closed.then((code) => reject(new Error(`closed with ${code}`)))
      return promise
    },
    async call(method, params, id = `r${++count}`) {
      client.send({ type: 'req', id, method, params })
      const found = await client.frame((frame) => frame.type === 'res' && frame.id === id)
      if (found.type !== 'res') throw new Error('not a response')
      return found
    },
    async result(method, schema, params) {
      const response = await client.call(method, params)
      if (!response.ok) throw new Error(`${response.error?.code}: ${response.error?.message}`)
      return schema.parse(response.payload)
    },
    async event(name, fits = () => true) {
      const found = await client.frame((frame) => frame.type === 'event' && frame.event === name && fits(frame.payload))
      return found.type === 'event' ? found.payload : null
    },
    close() {
      socket.close()
      return closed
    },
  }
  return client
}

/** Opens the socket and shakes hands. */
export async function connectSocket(doors: Pick<OpenDoors, 'port'>, more: Readonly<Record<string, unknown>> = {}, token = TOKEN): Promise<SocketClient> {
  const client = await openSocket(doors, { headers: { authorization: `Bearer ${token}` } })
  const response = await client.call('connect', { ...CONNECT, ...more })
  if (!response.ok) throw new Error(response.error?.message)
  return client
}

/** The status of an upgrade that is refused before 101. */
export async function refusedUpgrade(doors: OpenDoors, headers: Readonly<Record<string, string>>, protocols: readonly string[] = []): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const socket = new WebSocket(`ws://127.0.0.1:${doors.port}/ws`, [...protocols], { headers: { ...headers } })
  socket.once('unexpected-response', (_, response) => {
    response.resume()
    resolve(response.statusCode ?? 0)
    socket.terminate()
  })
  socket.once('open', () => reject(new Error('the upgrade was accepted')))
  socket.on('error', () => undefined)
  return promise
}
