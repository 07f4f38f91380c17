/**
 * Composes a protocol with framing, endpoint and authentication into a `Provider`. One request per call, no retry; whatever goes wrong becomes one `error` event;
 * every message that leaves is scrubbed of the credentials and of the address in use.
 */
import type { AdapterDeps } from '../../contracts/adapter.ts'
import type { EgressRequest, EgressResponse } from '../../contracts/egress.ts'
import { AppError } from '../../contracts/errors.ts'
import type { ModelEvent, ModelFault, ModelInfo, ModelRequest, Provider, ProviderTraits } from '../../contracts/provider.ts'
import type { Secret } from '../../contracts/secret.ts'
import { faultError } from './fault-error.ts'
import { appendMerged } from './merge-deltas.ts'
import type { Decoder, Framer, Framing, Protocol } from './protocol.ts'
import { readAtMost, readRest } from './read-body.ts'
import { parseJson } from './read-json.ts'
import { retryAfterMs } from './retry-after.ts'
import { scrub } from './scrub.ts'
import { writeBody } from './write-body.ts'

export type HeaderValues = Readonly<Record<string, string>>

/** A request as it will leave, for whoever signs it. */
export interface OutgoingRequest {
  readonly method: 'GET' | 'POST'
  readonly url: URL
  readonly headers: HeaderValues
  /** Empty for GET. */
  readonly body: string
}

export interface ProviderSpec {
  readonly id: string
  readonly traits: ProviderTraits
  readonly protocol: Protocol
  readonly framing: Framing
  /** A URL that `readBaseUrl` let pass; protocol paths are appended to its path. */
  readonly baseUrl: URL
  /** Credentials in use: never shown, whoever repeats them. */
  readonly secrets: readonly Secret[]
  /** Headers that prove who we are; the others are final when it is called. */
  authorize(request: OutgoingRequest): HeaderValues | Promise<HeaderValues>
  readonly extraHeaders?: HeaderValues
  readonly models: ModelCatalog
  /** Milliseconds until the answer begins, and between its chunks; 120,000 by default. A local server may have to load its model first. */
  readonly patienceMs?: number
}

/** Where a vendor lists its models. */
export interface ModelCatalog {
  /** The provider's own base URL by default. */
  readonly baseUrl?: URL
  /** May carry a query. */
  readonly path: string
  /** null when this is not a list of models. */
  read(answer: unknown): readonly ModelInfo[] | null
}

const ERROR_BODY_BYTES = 64 * 1024
const LISTING_BYTES = 8 * 1024 * 1024
const LISTING_PATIENCE_MS = 15_000
const PATIENCE_MS = 120_000

export function defineProvider(spec: ProviderSpec, deps: AdapterDeps): Provider {
  return {
    id: spec.id,
    traits: spec.traits,
    stream: (request, signal) => streamAnswer(new Exchange(spec, deps, signal), request, signal),
    listModels: (signal) => listModels(new Exchange(spec, deps, signal)),
  }
}

async function* streamAnswer(exchange: Exchange, request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent, void, void> {
  const { protocol, framing, baseUrl } = exchange.spec
  try {
    const response = await exchange.send('POST', urlBelow(baseUrl, protocol.path(request)), writeBody(protocol.encode(request)), framing.accept)
    if (!isStream(response)) {
      yield { type: 'error', fault: exchange.report(await exchange.readFault(response)) }
      return
    }
    const framer = framing.framer()
    const decoder = protocol.decoder(request)
    const chunks = response.body[Symbol.asyncIterator]()
    try {
      for (let chunk = await chunks.next(); chunk.done !== true; chunk = await chunks.next()) {
        for (const event of decodeChunk(framer, decoder, chunk.value)) {
          signal.throwIfAborted()
          // The connection can serve the next call only when this answer has been read to its end.
          if (event.type === 'finish') await readRest(chunks)
          yield exchange.cleaned(event)
          if (event.type === 'finish' || event.type === 'error') return
        }
      }
    } finally {
      await chunks.return?.()
    }
    for (const event of decoder.end()) yield exchange.cleaned(event)
  } catch (error) {
    yield { type: 'error', fault: exchange.report(exchange.faultOf(error)) }
  }
}

function decodeChunk(framer: Framer, decoder: Decoder, bytes: Uint8Array): readonly ModelEvent[] {
  const events: ModelEvent[] = []
  for (const frame of framer.push(bytes)) for (const event of decoder.push(frame)) appendMerged(events, event)
  return events
}

async function listModels(exchange: Exchange): Promise<readonly ModelInfo[]> {
  const { models, baseUrl } = exchange.spec
  let fault: ModelFault
  try {
    const response = await exchange.send('GET', urlBelow(models.baseUrl ?? baseUrl, models.path), '', 'application/json')
    if (response.status === 200) {
      const listed = models.read(parseJson(await readAtMost(response.body, LISTING_BYTES)))
      if (listed !== null) return listed
      fault = { kind: 'network', message: 'the answer is not a list of models' }
    } else fault = await exchange.readFault(response)
  } catch (error) {
    fault = exchange.faultOf(error)
  }
  throw faultError(fault)
}

/** One request and everything that must not be said about it. */
class Exchange {
  readonly spec: ProviderSpec
  readonly #deps: AdapterDeps
  readonly #signal: AbortSignal
  #url: URL | null = null

  constructor(spec: ProviderSpec, deps: AdapterDeps, signal: AbortSignal) {
    this.spec = spec
    this.#deps = deps
    this.#signal = signal
  }

  async send(method: 'GET' | 'POST', url: URL, body: string, accept: string): Promise<EgressResponse> {
    this.#signal.throwIfAborted()
    this.#url = url
    const headers = { ...this.spec.extraHeaders, accept, ...(method === 'POST' ? { 'content-type': 'application/json' } : {}) }
    const proof = await this.spec.authorize({ method, url, headers, body })
    const patience = method === 'GET' ? LISTING_PATIENCE_MS : (this.spec.patienceMs ?? PATIENCE_MS)
    const request: EgressRequest = {
      method,
      url,
      headers: { ...headers, ...proof },
      ...(method === 'POST' ? { body } : {}),
      headersTimeoutMs: patience,
      idleTimeoutMs: patience,
      policy: { origins: [this.#placeFor(method).origin] },
    }
    return this.#deps.fetch(request, this.#signal)
  }

  /** Where such a request may go, whatever its URL says: listings have a place of their own with some vendors. */
  #placeFor(method: 'GET' | 'POST'): URL {
    const { baseUrl, models } = this.spec
    return method === 'GET' ? (models.baseUrl ?? baseUrl) : baseUrl
  }

  async readFault(response: EgressResponse): Promise<ModelFault> {
    const { status, headers } = response
    const body = await readAtMost(response.body, ERROR_BODY_BYTES)
    if (status >= 300 && status < 400) {
      return { kind: 'bad-request', status, message: 'the server answered with a redirect: set `baseUrl` to the address it moved to' }
    }
    const fault = this.spec.protocol.fault(status, headers, body)
    const wait = fault.retryAfterMs ?? (fault.kind === 'rate-limit' || fault.kind === 'overloaded' ? retryAfterMs(headers, this.#deps.now()) : undefined)
    return this.#scrubbed({ status, ...fault, ...(wait === undefined ? {} : { retryAfterMs: wait }) })
  }

  /** Anything thrown on the way: an abort of the caller, trouble of the network, or a defect, of which nothing is shown. */
  faultOf(error: unknown): ModelFault {
    if (this.#signal.aborted) return { kind: 'cancelled', message: 'the call was cancelled' }
    if (!(error instanceof AppError)) return { kind: 'network', message: 'the exchange with the model server failed' }
    const kind = error.code === 'provider/auth' ? 'auth' : error.code === 'net/refused' ? 'bad-request' : 'network'
    return this.#scrubbed({ kind, message: error.message })
  }

  cleaned(event: ModelEvent): ModelEvent {
    return event.type === 'error' ? { type: 'error', fault: this.report(this.#scrubbed(event.fault)) } : event
  }

  report(fault: ModelFault): ModelFault {
    if (fault.kind !== 'cancelled') this.#deps.log.warn('provider.fault', { provider: this.spec.id, kind: fault.kind, status: fault.status })
    return fault
  }

  #scrubbed(fault: ModelFault): ModelFault {
    const message = scrub(fault.message, [...this.spec.secrets.map((secret) => secret.reveal().trim()), ...hidden(this.#url)])
    return { ...fault, message: message === '' ? 'the model server gave no reason' : message }
  }
}

/** The parts of an address that nobody needs to see; a vendor may repeat them in its error. */
function hidden(url: URL | null): readonly string[] {
  return url === null ? [] : [url.pathname + url.search, url.pathname, url.search.slice(1)]
}

function urlBelow(base: URL, path: string): URL {
  return new URL(base.href.replace(/\/+$/, '') + path)
}

/** Some servers answer a mistake with status 200 and a JSON object. */
function isStream(response: EgressResponse): boolean {
  return response.status === 200 && !(response.headers['content-type'] ?? '').startsWith('application/json')
}
