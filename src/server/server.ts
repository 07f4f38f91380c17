/**
 * The doors for programs: plain HTTP with a table of routes, and WebSocket. Every request and every upgrade passes the request checkpoint on its head alone; what is
 * refused is answered and closed without its body being read.
 */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { AppError, exposed } from '../contracts/errors.ts'
import type { Principal } from '../contracts/principal.ts'
import type { Tailnet } from '../guard/identity/tailnet.ts'
import { createRequestGuard, type RequestGuard, type RequestHead } from '../guard/request.ts'
import { refusalError } from '../guard/run-checkpoint.ts'
import { Strangers } from './connections.ts'
import { Drain } from './drain.ts'
import { allowCrossOrigin, isPreflight } from './cross-origin.ts'
import { normalisePath } from './path.ts'
import { readHead, readTailnetLogin } from './request-head.ts'
import { rawAnswer, refuseUpgrade, securityHeaders, sendError } from './respond.ts'
import type { Route } from './route.ts'
import { routes } from './routes/registry.ts'
import type { ServerDeps } from './server-deps.ts'
import type { SocketDoor } from './ws/door.ts'

const WS_PATH = '/ws'
const LINGER_MS = 250
/** Answers after which a stranger has to connect anew. */
const CLOSING = new Set([401, 403, 408, 413, 421, 429])

export interface GatewayServer {
  /** Port 0 lets the system choose. */
  listen(host: string, port: number): Promise<{ readonly port: number }>
  /** Takes no new connections, gives running requests and turns `graceMs`, then closes everything. Idempotent. */
  close(graceMs: number): Promise<void>
}

export function createServer(deps: ServerDeps, table: readonly Route[] = routes): GatewayServer {
  const server = new Doors(deps, table)
  return { listen: (host, port) => server.listen(host, port), close: (graceMs) => server.close(graceMs) }
}

class Doors {
  readonly #deps: ServerDeps
  readonly #routes: ReadonlyMap<string, Route>
  readonly #guard: RequestGuard
  readonly #http: Server
  readonly #strangers = new Strangers()
  readonly #drain: Drain
  #socketDoor: Promise<SocketDoor> | null = null
  #closing: Promise<void> | null = null
  #port = 0

  constructor(deps: ServerDeps, table: readonly Route[]) {
    this.#deps = deps
    this.#routes = new Map(table.map((route) => [route.path, route]))
    this.#guard = createRequestGuard({ ...deps.config, access: deps.access, readForwarded: deps.readForwarded, report: deps.report, now: deps.now })
    this.#drain = new Drain(deps.gateway)
    const { requestTimeoutMs } = deps.config
    this.#http = createHttpServer({
      maxHeaderSize: 16 * 1024,
      headersTimeout: Math.min(10_000, requestTimeoutMs),
      // The body reader answers 408 first; this only ends what never reached a handler.
      requestTimeout: requestTimeoutMs + 5000,
      connectionsCheckingInterval: Math.min(5000, requestTimeoutMs),
      keepAliveTimeout: 5000,
      // The guard answers for a missing Host, too.
      requireHostHeader: false,
      shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === 'websocket',
    })
    // Node drops headers over a count, so one that the guard looks for could hide behind others. The size above is the limit.
    this.#http.maxHeadersCount = 0
    this.#http.on('connection', (socket) => this.#strangers.add(socket))
    this.#http.on('request', (request, response) => this.#receive(request, response, false))
    this.#http.on('checkContinue', (request, response) => this.#receive(request, response, true))
    this.#http.on('upgrade', (request, socket, head) => this.#receiveUpgrade(request, socket, head))
    this.#http.on('clientError', answerBroken)
  }

  async listen(host: string, port: number): Promise<{ readonly port: number }> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const fail = (error: NodeJS.ErrnoException) => reject(listenError(error, host, port))
    this.#http.once('error', fail)
    this.#http.listen({ host, port }, resolve)
    await promise
    this.#http.off('error', fail)
    const address = this.#http.address()
    if (address !== null && typeof address === 'object') this.#port = address.port
    return { port: this.#port }
  }

  close(graceMs: number): Promise<void> {
    return (this.#closing ??= this.#close(graceMs))
  }

  async #close(graceMs: number): Promise<void> {
    const closed = Promise.withResolvers<void>()
    this.#http.close(() => closed.resolve())
    this.#http.closeIdleConnections()
    await this.#drain.begin(graceMs)
    await (await this.#socketDoor?.catch(() => null))?.close()
    this.#http.closeAllConnections()
    await closed.promise
  }

  /** Whatever breaks, even the guard itself, ends this one request and nothing else. */
  #receive(request: IncomingMessage, response: ServerResponse, waitsForContinue: boolean): void {
    // Writing to a connection that has just ended is no defect.
    response.on('error', ignore)
    this.#answer(request, response, waitsForContinue).catch((error: unknown) => this.#fault(null, error, request, response))
  }

  #receiveUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    this.#upgrade(request, socket, head).catch((error: unknown) => {
      this.#log(WS_PATH, error)
      refuseUpgrade(socket, exposed(error))
    })
  }

  async #answer(request: IncomingMessage, response: ServerResponse, waitsForContinue: boolean): Promise<void> {
    const path = normalisePath(request.url ?? '')
    const route = path === null ? undefined : this.#routes.get(path)
    const preflight = isPreflight(request)
    // What does not exist is told only to those who may read.
    const scope = preflight ? 'public' : (route?.scope ?? 'operator.read')
    const isAttempt = !preflight && route?.isAttempt === true
    const head = readHead(request, { path, scope, isAttempt, isUpgrade: false })
    const decision = this.#guard(head, this.#port, this.#deps.tailnet === null ? null : await this.#askTailnet(this.#deps.tailnet, request, head))
    if (!decision.ok) return refuse(request, response, refusalError(decision.refusal))
    const facts = decision.value
    if (facts.credential === 'right') this.#strangers.release(request.socket)
    allowCrossOrigin(facts, this.#deps.config.allowedOrigins, response)
    if (preflight) return void response.writeHead(204, securityHeaders).end()
    if (route === undefined) return refuse(request, response, new AppError('request/not-found'))
    if (facts.method !== route.method && !(facts.method === 'HEAD' && route.method === 'GET')) {
      response.setHeader('allow', route.method)
      return refuse(request, response, new AppError('request/method'))
    }
    if (this.#drain.isDraining) return refuse(request, response, new AppError('gateway/stopping'))
    if (waitsForContinue) response.writeContinue()
    const done = this.#drain.enter()
    try {
      await route.handle({ request, response, facts, deps: this.#deps })
    } catch (error) {
      this.#fault(route.path, error, request, response)
    } finally {
      done()
    }
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, first: Buffer): Promise<void> {
    const path = normalisePath(request.url ?? '')
    const head = readHead(request, { path, scope: 'operator.read', isAttempt: false, isUpgrade: true })
    const decision = this.#guard(head, this.#port, this.#deps.tailnet === null ? null : await this.#askTailnet(this.#deps.tailnet, request, head))
    if (!decision.ok) throw refusalError(decision.refusal)
    this.#strangers.release(request.socket)
    if (path !== WS_PATH) throw new AppError('request/not-found')
    // The WebSocket code is loaded by the first who needs it.
    this.#socketDoor ??= import('./ws/door.ts').then(({ SocketDoor }) => new SocketDoor(this.#deps, this.#drain))
    const door = await this.#socketDoor
    if (this.#drain.isDraining) throw new AppError('gateway/stopping')
    door.accept(request, socket, first, decision.value)
  }

  /** Only where the request shows no credential of ours. */
  async #askTailnet(tailnet: Tailnet, request: IncomingMessage, { token, session, forwarded, address }: RequestHead): Promise<Principal | null> {
    const login = readTailnetLogin(request)
    const { remotePort, localPort } = request.socket
    if (login === null || token !== null || session !== null || forwarded === null || forwarded.for === null || forwarded.fault !== null) return null
    if (remotePort === undefined || localPort === undefined) return null
    return tailnet.identify({ peerAddress: address, peerPort: remotePort, ownPort: localPort, client: forwarded.for.trim(), login })
  }

  #fault(path: string | null, error: unknown, request: IncomingMessage, response: ServerResponse): void {
    this.#log(path, error)
    if (!response.headersSent) refuse(request, response, exposed(error))
    else response.destroy()
  }

  #log(path: string | null, error: unknown): void {
    if (error instanceof AppError) this.#deps.log.debug('server.refused', { path, code: error.code })
    else this.#deps.log.error('server.defect', { path, error })
  }
}

function ignore(): void {}

/** Answers and closes. A body that is still coming stays unread, and its sender gets a moment to see the answer before the connection breaks. */
function refuse(request: IncomingMessage, response: ServerResponse, error: AppError): void {
  if (response.destroyed || response.headersSent) return
  const headers = {
    ...(CLOSING.has(error.status) || !request.complete ? { connection: 'close' } : {}),
    ...(error.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  }
  if (request.complete || !hasBody(request)) return sendError(response, error, headers)
  request.pause()
  sendError(response, error, headers, 'linger')
  setTimeout(() => request.socket.destroy(), LINGER_MS).unref()
}

function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): unknown {
  const where = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const say = (why: string, hint: string) => new AppError('server/address', `${where}, ${why}`, { hint, cause: error })
  switch (error.code) {
    case 'EADDRINUSE':
      return say('another program uses this port', 'choose another with --port or `gateway.port` (0 for any that is free), or use the gateway that runs there')
    case 'EACCES':
      return say('this port needs more rights', 'choose one above 1023 with --port or `gateway.port`')
    case 'EADDRNOTAVAIL':
    case 'EINVAL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return say('this is no address of this machine', 'set `gateway.host` to 127.0.0.1, or to an address that this machine has')
    default:
      return error
  }
}

/** What is not HTTP. */
function answerBroken(error: NodeJS.ErrnoException, socket: Duplex): void {
  const fits = socket.writable && socket instanceof Socket && socket.bytesWritten === 0
  if (fits && error.code === 'ERR_HTTP_REQUEST_TIMEOUT') socket.end(rawAnswer(new AppError('request/timeout')))
  else if (fits && error.code === 'HPE_HEADER_OVERFLOW') socket.end(rawAnswer(new AppError('request/headers-too-large')))
  else if (fits) socket.end(rawAnswer(new AppError('request/invalid', 'this is not HTTP')))
  setTimeout(() => socket.destroy(), fits ? LINGER_MS : 0).unref()
}
