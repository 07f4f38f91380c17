/**
 * One WebSocket client: challenge, connect, then requests that run concurrently. Every limit of `wsLimits` is kept here. A client that reads too slowly is told so
 * and closed; nothing waits for it.
 */
import { randomBytes } from 'node:crypto'
import type { WebSocket } from 'ws'
import { AppError, exposed } from '../../contracts/errors.ts'
import { covers, type Principal } from '../../contracts/principal.ts'
import type { Scope } from '../../contracts/scope.ts'
import { closeCodes, wsLimits, type RequestFrame } from '../../contracts/ws-protocol.ts'
import { TokenBuckets } from '../../guard/stages/request/rate-limits.ts'
import type { CallConnection, Method } from '../method.ts'
import type { ServerDeps } from '../server-deps.ts'
import { readFrame } from './frames.ts'
import { readConnect } from './handshake.ts'

const CLOSE_MS = 1000
/** So long may a peer that does not answer the close keep the socket. */
const REVOKED_MS = 250
const MAX_STRIKES = 3
/** Events that come whether or not they were asked for. */
const ALWAYS = new Set(['connect.challenge', 'shutdown', 'state.drop'])

export interface ConnectionHome {
  readonly deps: ServerDeps
  readonly methods: ReadonlyMap<string, Method>
  readonly isDraining: () => boolean
  /** Counts a request while it runs. */
  readonly enter: () => () => void
  readonly ready: (connection: Connection) => void
  readonly count: () => number
  /** Somebody at this address could not prove who he is. */
  readonly failed: (address: string) => void
}

export class Connection {
  readonly id: string
  readonly #home: ConnectionHome
  readonly #address: string
  readonly #socket: WebSocket
  readonly #held: Principal
  /** Of this connection alone, which has one `connect`. */
  readonly #nonce = randomBytes(16).toString('base64url')
  readonly #ended = new AbortController()
  readonly #rate = new TokenBuckets(wsLimits.messageRate, wsLimits.messageBurst)
  readonly #running = new Set<string>()
  readonly #handshake: NodeJS.Timeout
  readonly #view: CallConnection
  /** Who it is, with the scopes that the handshake granted; null before it. */
  #granted: Principal | null = null
  #wanted: ReadonlySet<string> | null = null
  #strikes = 0
  #sequence = 0
  #isAlive = true
  #stopFollowing: () => void = () => undefined

  constructor(id: string, socket: WebSocket, { held, address }: { readonly held: Principal; readonly address: string }, home: ConnectionHome) {
    this.id = id
    this.#address = address
    this.#socket = socket
    this.#held = held
    this.#home = home
    const handshakeMs = Math.min(wsLimits.handshakeMs, home.deps.config.requestTimeoutMs)
    this.#handshake = setTimeout(() => this.close(closeCodes.normal, 'handshake timeout'), handshakeMs)
    this.#view = {
      sendEvent: (event, payload) => this.sendEvent(event, JSON.stringify(payload)),
      follow: (stop) => {
        this.#stopFollowing()
        this.#stopFollowing = stop
      },
      unfollow: () => this.#unfollow(),
      get count() {
        return home.count()
      },
    }
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary))
    socket.on('pong', () => (this.#isAlive = true))
    // The close that follows is all that matters.
    socket.on('error', () => undefined)
    socket.once('close', () => this.#end())
    this.sendEvent('connect.challenge', JSON.stringify({ nonce: this.#nonce, ts: home.deps.now() }))
  }

  /** `payload` is JSON text, so that a broadcast is written once for all. */
  sendEvent(event: string, payload: string): void {
    if (!this.#wants(event)) return
    if (this.#socket.bufferedAmount > wsLimits.maxBufferedBytes) return this.#tooSlow(event)
    this.#send(`{"type":"event","event":${JSON.stringify(event)},"payload":${payload},"seq":${++this.#sequence}}`)
  }

  mayRead(): boolean {
    return this.may('operator.read')
  }

  may(scope: Scope): boolean {
    return this.#granted !== null && covers(this.#granted.scopes, scope)
  }

  /** Its credential was taken away: nothing more is heard or said. */
  endUnlessCurrent(): void {
    if (this.#home.deps.access.isCurrent(this.#held)) return
    this.close(closeCodes.policy, 'the credential has ended', REVOKED_MS)
  }

  /** Whether the peer answered since the last time; asks it again. */
  checkAlive(): void {
    if (!this.#isAlive) return this.#socket.terminate()
    this.#isAlive = false
    this.#socket.ping()
  }

  close(code: number, reason: string, graceMs: number = CLOSE_MS): void {
    this.#socket.close(code, reason)
    setTimeout(() => this.#socket.terminate(), graceMs).unref()
  }

  get closed(): Promise<void> {
    if (this.#ended.signal.aborted) return Promise.resolve()
    return new Promise((resolve) => this.#ended.signal.addEventListener('abort', () => resolve(), { once: true }))
  }

  #wants(event: string): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN) return false
    return ALWAYS.has(event) || (this.#granted !== null && (this.#wanted === null || this.#wanted.has(event)))
  }

  #send(text: string): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(text)
  }

  #tooSlow(event: string): void {
    this.#send(`{"type":"event","event":"state.drop","payload":${JSON.stringify({ dropped: 1, event, reason: 'slow client' })},"seq":${++this.#sequence}}`)
    this.close(closeCodes.policy, 'slow client')
  }

  #receive(data: WebSocket.RawData, isBinary: boolean): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    const waitMs = this.#rate.take('', this.#home.deps.now())
    if (waitMs > 0 && ++this.#strikes >= MAX_STRIKES) return this.close(closeCodes.policy, 'too many messages')
    const frame = isBinary ? null : readFrame(data)
    if (frame === null) return this.close(closeCodes.protocol, 'not a request frame')
    // Whoever is not answered waits in vain.
    if (waitMs > 0) return this.#refuse(frame.id, new AppError('request/rate-limited', undefined, { retryAfterMs: waitMs }))
    // Sessions and devices run out while nobody tells.
    if (!this.#home.deps.access.isInUse(this.#held)) {
      this.#refuse(frame.id, new AppError('auth/ended'))
      return this.close(closeCodes.policy, 'the credential has ended', REVOKED_MS)
    }
    if (this.#granted === null) this.#connect(frame, this.#held)
    else void this.#serve(frame, this.#granted)
  }

  #connect(frame: RequestFrame, held: Principal): void {
    const greeting = readConnect(frame, held, { connId: this.id, nonce: this.#nonce }, this.#home)
    if ('error' in greeting) {
      if (greeting.error.code === 'auth/device-proof') this.#home.failed(this.#address)
      this.#refuse(frame.id, greeting.error)
      return this.close(greeting.code, greeting.error.message.slice(0, 100))
    }
    clearTimeout(this.#handshake)
    this.#granted = { ...held, scopes: greeting.scopes }
    this.#wanted = greeting.wanted
    this.#answer(frame.id, greeting.hello)
    this.#home.ready(this)
  }

  async #serve({ id, method: name, params }: RequestFrame, principal: Principal): Promise<void> {
    const method = this.#home.methods.get(name)
    const refusal = this.#refusal(id, name, method, principal.scopes)
    if (method === undefined || refusal !== null) return this.#refuse(id, refusal ?? new AppError('request/not-found', name))
    this.#running.add(id)
    const leave = this.#home.enter()
    try {
      this.#answer(id, await method.call(params, { deps: this.#home.deps, connection: this.#view, principal, signal: this.#ended.signal }))
    } catch (error) {
      if (this.#ended.signal.aborted) return
      if (!(error instanceof AppError)) this.#home.deps.log.error('server.defect', { method: name, error })
      this.#refuse(id, exposed(error))
    } finally {
      this.#running.delete(id)
      leave()
    }
  }

  #refusal(id: string, name: string, method: Method | undefined, scopes: readonly Scope[]): AppError | null {
    if (method === undefined) return new AppError('request/not-found', name.slice(0, 64))
    if (!covers(scopes, method.scope)) return new AppError('auth/forbidden', method.scope)
    if (this.#running.has(id)) return new AppError('request/invalid', 'a request with this id is running')
    if (this.#running.size >= wsLimits.maxInFlight) return new AppError('request/rate-limited', `at most ${wsLimits.maxInFlight} requests at once`)
    if (this.#home.isDraining() && method.scope !== 'operator.read') return new AppError('gateway/stopping')
    return null
  }

  #answer(id: string, payload: unknown): void {
    this.#respond({ type: 'res', id, ok: true, payload })
  }

  #refuse(id: string, error: AppError): void {
    const { code, message, retryable, hint, retryAfterMs } = error
    const details =
      hint === undefined && retryAfterMs === undefined
        ? {}
        : { details: { ...(hint === undefined ? {} : { hint }), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } }
    this.#respond({ type: 'res', id, ok: false, error: { code, message, retryable, ...details } })
  }

  #respond(frame: object): void {
    if (this.#socket.bufferedAmount > wsLimits.maxBufferedBytes) return this.#tooSlow('res')
    this.#send(JSON.stringify(frame))
  }

  #unfollow(): void {
    this.#stopFollowing()
    this.#stopFollowing = () => undefined
  }

  #end(): void {
    clearTimeout(this.#handshake)
    this.#unfollow()
    this.#ended.abort(new AppError('turn/interrupted', 'the connection ended'))
  }
}
