/** A client of our own gateway: WebSocket protocol 3 over loopback or a given host. */
import type { IncomingMessage } from 'node:http'
import type { WebSocket } from 'ws'
import * as z from 'zod/mini'
import { connectText } from '../contracts/device.ts'
import { AppError, type ErrorCode } from '../contracts/errors.ts'
import type { Secret } from '../contracts/secret.ts'
import { closeCodes, PROTOCOL_VERSION, serverFrame, wsLimits } from '../contracts/ws-protocol.ts'
import { helloOk } from '../contracts/ws/connection.ts'
import { isLoopbackHost } from '../std/base-url.ts'
import { keyId, signText, type SigningKey } from '../std/ed25519.ts'
import { answerError } from './answer-error.ts'

export interface GatewayClient {
  readonly url: string
  /**
   * Sends one request; rejects with an AppError made from the response's error, or `gateway/unreachable`. Waits 30 s for the answer; with a signal, as long as the
   * signal lets it.
   */
  call(method: string, params?: unknown, signal?: AbortSignal): Promise<unknown>
  /** Every event frame; returns the way to stop. */
  onEvent(listener: (event: string, payload: unknown) => void): () => void
  /** Resolves when the connection has ended, from whichever side. */
  readonly closed: Promise<void>
  close(): Promise<void>
}

export interface ConnectOptions {
  /** `http:`, `https:`, `ws:` or `wss:`; the path is ours. Plain text reaches loopback addresses only. */
  readonly url: string
  readonly token: Secret
  /** Where the token is that of a device: its key, and the scopes that it asks for. */
  readonly device?: DeviceKey
  /** Our own version, for the gateway's log. */
  readonly version: string
  readonly signal: AbortSignal
}

export interface DeviceKey extends SigningKey {
  readonly scopes: readonly string[]
}

/** Rejects with `gateway/unreachable`, `net/refused`, or what the gateway answers to a wrong token (`auth/…`). */
export async function connectGateway(options: ConnectOptions): Promise<GatewayClient> {
  const url = socketUrl(options.url)
  options.signal.throwIfAborted()
  const { WebSocket } = await import('ws')
  const socket = new WebSocket(url, {
    headers: { authorization: `Bearer ${options.token.reveal()}` },
    handshakeTimeout: wsLimits.handshakeMs,
    maxPayload: MAX_ANSWER_BYTES,
    perMessageDeflate: false,
    followRedirects: false,
  })
  const connection = new Connection(socket, url)
  const onAbort = () => socket.terminate()
  options.signal.addEventListener('abort', onAbort, { once: true })
  try {
    await connection.handshake(options)
    return connection
  } catch (error) {
    socket.terminate()
    throw options.signal.aborted ? aborted(options.signal) : error
  } finally {
    options.signal.removeEventListener('abort', onAbort)
  }
}

const PROTOCOLS = new Set(['http:', 'https:', 'ws:', 'wss:'])
const CALL_MS = 30_000
const CLIENT_ID = 'cli'
const CLIENT_MODE = 'cli'
const challenge = z.object({ nonce: z.string() })
const CLOSE_MS = 1000
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
/** The gateway says something at least every 30 s; after three silences it is gone. */
const SILENCE_MS = 3 * wsLimits.tickIntervalMs

export function socketUrl(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : null
  if (url === null || !PROTOCOLS.has(url.protocol)) throw new AppError('gateway/unreachable', 'this is not the address of a gateway')
  const isPlain = url.protocol === 'http:' || url.protocol === 'ws:'
  if (isPlain && !isLoopbackHost(url.hostname)) {
    throw new AppError('net/refused', `${url.hostname} would see the token in plain text`, {
      hint: 'use a tunnel to a local port, for example `ssh -L 18789:127.0.0.1:18789 HOST`, and connect to 127.0.0.1',
    })
  }
  return `${isPlain ? 'ws' : 'wss'}://${url.host}/ws`
}

interface Pending {
  readonly resolve: (payload: unknown) => void
  readonly reject: (error: unknown) => void
}

class Connection implements GatewayClient {
  readonly url: string
  readonly closed: Promise<void>
  readonly #socket: WebSocket
  readonly #pending = new Map<string, Pending>()
  readonly #listeners = new Set<(event: string, payload: unknown) => void>()
  readonly #challenged: Promise<string>
  #nextId = 1
  #end: AppError | null = null
  #silence: NodeJS.Timeout

  constructor(socket: WebSocket, url: string) {
    this.#socket = socket
    this.url = url
    this.#silence = setTimeout(() => this.#fail(this.#unreachable('it fell silent')), SILENCE_MS).unref()
    const challenged = Promise.withResolvers<string>()
    const closed = Promise.withResolvers<void>()
    this.#challenged = challenged.promise
    this.closed = closed.promise
    this.#listeners.add((event, payload) => event === 'connect.challenge' && challenged.resolve(challenge.safeParse(payload).data?.nonce ?? ''))
    socket.on('unexpected-response', (_request, response: IncomingMessage) => this.#fail(refusal(response, this.#where())))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      this.#fail(this.#unreachable(error.code === 'ECONNREFUSED' ? 'nothing listens there' : 'the connection failed')),
    )
    socket.on('ping', () => this.#silence.refresh())
    socket.on('message', (data, isBinary) => this.#receive(isBinary || !(data instanceof Buffer) ? '' : data.toString('utf8')))
    socket.on('close', (code) => {
      this.#fail(this.#unreachable(code === closeCodes.restart ? 'the gateway stopped' : `the connection was closed (${code})`))
      clearTimeout(this.#silence)
      challenged.reject(this.#end)
      closed.resolve()
    })
  }

  async handshake({ version, token, device }: ConnectOptions): Promise<void> {
    const timeout = AbortSignal.timeout(wsLimits.handshakeMs)
    const late = () => this.#fail(this.#unreachable('it does not answer as a gateway'))
    timeout.addEventListener('abort', late, { once: true })
    const nonce = await this.#challenged.finally(() => timeout.removeEventListener('abort', late))
    const hello = await this.call('connect', {
      minProtocol: PROTOCOL_VERSION,
      maxProtocol: PROTOCOL_VERSION,
      client: { id: CLIENT_ID, version: version.slice(0, 64), platform: process.platform, mode: CLIENT_MODE },
      ...(device === undefined ? {} : proofOf(device, token.reveal(), nonce)),
      // `chat` would repeat what `agent` says.
      events: ['agent', 'approval', 'logs', 'tick'],
    })
    if (!helloOk.safeParse(hello).success) throw this.#unreachable('it answers in a way that we do not understand')
  }

  call(method: string, params?: unknown, signal: AbortSignal = AbortSignal.timeout(CALL_MS)): Promise<unknown> {
    if (this.#end !== null) return Promise.reject(this.#end)
    if (this.#pending.size >= wsLimits.maxInFlight) return Promise.reject(new AppError('request/rate-limited', 'too many requests wait for an answer'))
    if (signal.aborted) return Promise.reject(aborted(signal))
    const frame = JSON.stringify({ type: 'req', id: String(this.#nextId), method, params })
    if (Buffer.byteLength(frame) > wsLimits.policyPayload)
      return Promise.reject(new AppError('request/too-large', `at most ${wsLimits.policyPayload / 1024} kB`))
    const id = String(this.#nextId++)
    return new Promise((resolve, reject) => {
      const settle = () => {
        this.#pending.delete(id)
        signal.removeEventListener('abort', onAbort)
      }
      const onAbort = () => {
        settle()
        reject(aborted(signal))
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#pending.set(id, {
        resolve: (payload) => (settle(), resolve(payload)),
        reject: (error) => (settle(), reject(error)),
      })
      this.#socket.send(frame)
    })
  }

  onEvent(listener: (event: string, payload: unknown) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#end ??= this.#unreachable('the connection is closed')
    this.#socket.close(closeCodes.normal)
    const timer = setTimeout(() => this.#socket.terminate(), CLOSE_MS)
    await this.closed
    clearTimeout(timer)
  }

  #receive(text: string): void {
    this.#silence.refresh()
    const frame = serverFrame.safeParse(parseJson(text))
    if (!frame.success) return this.#fail(this.#unreachable('it sent what we do not understand'))
    if (frame.data.type === 'event') {
      for (const listener of this.#listeners) listener(frame.data.event, frame.data.payload)
      return
    }
    const pending = this.#pending.get(frame.data.id)
    if (frame.data.ok) pending?.resolve(frame.data.payload)
    else pending?.reject(answerError(frame.data.error))
  }

  /** Ends everything, once; the first reason stays. */
  #fail(error: AppError): void {
    if (this.#end === null) this.#end = error
    for (const pending of this.#pending.values()) pending.reject(this.#end)
    this.#socket.terminate()
  }

  #where(): string {
    return new URL(this.url).host
  }

  #unreachable(why: string): AppError {
    return new AppError('gateway/unreachable', `${this.#where()}, ${why}`, { hint: 'start one with `cara start`, or name another with --host and --port' })
  }
}

/** What the device signs over the challenge of this connection. */
function proofOf(device: DeviceKey, token: string, nonce: string) {
  const { publicKey, scopes } = device
  const [deviceId, signedAt] = [keyId(publicKey), Date.now()]
  const signature = signText(device, connectText({ deviceId, clientId: CLIENT_ID, mode: CLIENT_MODE, role: 'operator', scopes, signedAt, token, nonce }))
  return { scopes, auth: { token }, device: { id: deviceId, publicKey, signature, signedAt, nonce } }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function aborted(signal: AbortSignal): unknown {
  const reason: unknown = signal.reason
  return reason instanceof DOMException && reason.name === 'TimeoutError' ? new AppError('gateway/unreachable', 'it did not answer in time') : reason
}

/** An upgrade that is answered by plain HTTP. The status tells enough; the body is not read. */
function refusal(response: IncomingMessage, host: string): AppError {
  const codes: Readonly<Record<number, ErrorCode>> = {
    401: 'auth/unauthorized',
    403: 'request/origin-refused',
    421: 'request/host-unknown',
    429: 'auth/locked-out',
    503: 'gateway/stopping',
  }
  const code = codes[response.statusCode ?? 0]
  if (code === 'auth/unauthorized')
    return new AppError(code, undefined, {
      hint: 'set CARAPACE_GATEWAY_TOKEN, or use the state folder that this gateway was started with (CARAPACE_STATE_DIR)',
    })
  return code === undefined ? new AppError('gateway/unreachable', `${host} answers, but not as a gateway`) : new AppError(code)
}
