/**
 * One answer on its way in: undici's callbacks on one side, a promise of the head and a single-use iterable of the body on the other. Chunks that arrive together
 * are handed on together. A slow reader pauses the connection; a reader that leaves, an abort, or too many bytes close it. What came before a failure of the network
 * is still handed on (it may be the whole answer); an abort ends at once.
 */
import type { Dispatcher } from 'undici'
import type { EgressResponse } from '../contracts/egress.ts'
import { AppError } from '../contracts/errors.ts'
import { netError } from './net-error.ts'

const MAX_WAITING_BYTES = 256 * 1024

type Step = IteratorResult<Uint8Array, undefined>
interface Waiting<T> {
  resolve(value: T): void
  reject(error: unknown): void
}

export class Answer implements Dispatcher.DispatchHandler {
  readonly #origin: string
  readonly #maxBytes: number
  readonly #signal: AbortSignal
  readonly #onEnd: () => void
  readonly #onAbort = (): void => {
    this.#waiting = []
    this.#fail(this.#signal.reason)
  }
  #controller: Dispatcher.DispatchController | null = null
  #head: Waiting<EgressResponse> | null
  #reader: Waiting<Step> | null = null
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #totalBytes = 0
  #state: 'open' | 'ended' | 'failed' = 'open'
  #error: unknown

  /** `onEnd` is called once, when the exchange is over for the network, well or badly. */
  constructor(origin: string, maxBytes: number, signal: AbortSignal, head: Waiting<EgressResponse>, onEnd: () => void = () => undefined) {
    this.#origin = origin
    this.#maxBytes = maxBytes
    this.#signal = signal
    this.#head = head
    this.#onEnd = onEnd
    signal.addEventListener('abort', this.#onAbort)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#state === 'failed') this.#close()
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Readonly<Record<string, string | string[] | undefined>>): void {
    if (status < 200) return
    const flat: Record<string, string> = {}
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) flat[name] = typeof value === 'string' ? value : value.join(', ')
    const encoding = flat['content-encoding'] ?? 'identity'
    if (encoding !== 'identity') return this.#fail(new AppError('net/unreachable', `${this.#origin} answered in an encoding that was not asked for`))
    this.#head?.resolve({ status, headers: flat, body: { [Symbol.asyncIterator]: () => this.#reading() } })
    this.#head = null
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#state !== 'open') return
    this.#totalBytes += chunk.length
    if (this.#totalBytes > this.#maxBytes) return this.#fail(new AppError('net/too-large', `${this.#origin} sent more than ${this.#maxBytes} bytes`))
    this.#waiting.push(chunk)
    this.#waitingBytes += chunk.length
    if (this.#waitingBytes > MAX_WAITING_BYTES) controller.pause()
    // The reader runs after every chunk of this read has been pushed, and takes them all.
    if (this.#reader !== null && this.#waiting.length === 1) queueMicrotask(() => this.#serve())
  }

  onResponseEnd(): void {
    if (this.#state !== 'open') return
    this.#finish('ended')
    this.#serve()
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(netError(error, this.#origin))
  }

  #reading(): AsyncIterator<Uint8Array, undefined> {
    return {
      next: () =>
        new Promise<Step>((resolve, reject) => {
          this.#reader = { resolve, reject }
          this.#serve()
        }),
      return: async () => {
        if (this.#state === 'open') {
          this.#finish('ended')
          this.#close()
        }
        this.#waiting = []
        return { done: true, value: undefined }
      },
    }
  }

  #serve(): void {
    const reader = this.#reader
    if (reader === null) return
    const [first] = this.#waiting
    if (first !== undefined) reader.resolve({ done: false, value: this.#waiting.length === 1 ? first : Buffer.concat(this.#waiting, this.#waitingBytes) })
    else if (this.#state === 'failed') reader.reject(this.#error)
    else if (this.#state === 'ended') reader.resolve({ done: true, value: undefined })
    else return
    this.#reader = null
    this.#waiting = []
    this.#waitingBytes = 0
    if (this.#state === 'open' && this.#controller?.paused === true) this.#controller.resume()
  }

  #fail(error: unknown): void {
    if (this.#state !== 'open') return
    this.#error = error
    this.#finish('failed')
    this.#close()
    this.#head?.reject(error)
    this.#head = null
    this.#serve()
  }

  #finish(state: 'ended' | 'failed'): void {
    this.#state = state
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#onEnd()
  }

  #close(): void {
    this.#controller?.abort(new Error('closed by the reader'))
  }
}
