/** HTTP to the outside over undici, which is loaded when the first request leaves. No redirects, no proxies from the environment, no compression. */
import type { Agent, Dispatcher } from 'undici'
import type { Cleared } from '../contracts/cleared.ts'
import type { EgressRequest, EgressResponse, Transport } from '../contracts/egress.ts'
import { AppError } from '../contracts/errors.ts'
import { Answer } from './answer.ts'

const CONNECT_MS = 10_000
const HEADERS_MS = 30_000
const IDLE_MS = 90_000
const MAX_BODY_BYTES = 64 * 1024 * 1024
/** Below the five seconds after which common servers close an idle connection without a word. */
const KEEP_ALIVE_MS = 4000

export interface TransportOptions {
  /** Certificate authorities of public hosts, in PEM, instead of the built-in ones. */
  readonly ca?: string
}

/**
 * Configured origins share connections that are kept alive; each exchange with a public host has a connection of its own. `close` ends every connection; what still runs
 * fails with `net/unreachable`.
 */
export function createTransport(options: TransportOptions = {}): Transport & { close(): Promise<void> } {
  let agent: Promise<Agent> | null = null
  const pinned = new Set<Dispatcher>()

  const send = async (request: Cleared<EgressRequest>, signal: AbortSignal): Promise<EgressResponse> => {
    signal.throwIfAborted()
    if ('hosts' in request.policy) return sendPinned(request, signal)
    agent ??= createAgent()
    const loaded = await agent
    signal.throwIfAborted()
    return dispatch(loaded, request, signal)
  }

  const sendPinned = async (request: EgressRequest, signal: AbortSignal): Promise<EgressResponse> => {
    const { origin } = request.url
    if (request.pinned === undefined || request.pinned.length === 0) throw new AppError('net/refused', `the addresses of ${origin} were not checked`)
    const { openPinned } = await import('./pinned-client.ts')
    const client = await openPinned(origin, request.pinned, { connectTimeoutMs: CONNECT_MS, ...options })
    signal.throwIfAborted()
    pinned.add(client)
    return dispatch(client, request, signal, () => {
      pinned.delete(client)
      // Not from inside its own callback.
      queueMicrotask(() => void client.destroy())
    })
  }

  const close = async (): Promise<void> => {
    const open = agent
    agent = null
    await Promise.all([...pinned].map((client) => client.destroy()))
    await (await open)?.destroy()
  }
  return Object.assign(send, { close })
}

async function createAgent(): Promise<Agent> {
  const { default: UndiciAgent } = await import('undici/lib/dispatcher/agent.js')
  // One connection for each running request: closing it is how the other side learns of a cancellation, whatever protocol version it would prefer.
  return new UndiciAgent({ connect: { timeout: CONNECT_MS }, keepAliveTimeout: KEEP_ALIVE_MS, allowH2: false, pipelining: 1 })
}

function dispatch(dispatcher: Dispatcher, request: EgressRequest, signal: AbortSignal, onEnd?: () => void): Promise<EgressResponse> {
  const { url } = request
  return new Promise((resolve, reject) => {
    const answer = new Answer(url.origin, request.maxBodyBytes ?? MAX_BODY_BYTES, signal, { resolve, reject }, onEnd)
    // What is wrong with the request is told to the answer too.
    dispatcher.dispatch(
      {
        origin: url.origin,
        path: url.pathname + url.search,
        method: request.method,
        headers: { 'user-agent': 'carapace', ...request.headers, ...request.credentials, 'accept-encoding': 'identity' },
        body: request.body ?? null,
        headersTimeout: request.headersTimeoutMs ?? HEADERS_MS,
        bodyTimeout: request.idleTimeoutMs ?? IDLE_MS,
      },
      answer,
    )
  })
}
