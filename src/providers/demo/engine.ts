/**
 * The main thread's side of the demo model: starts the worker at the first question and ends it when nothing was asked for a while, so that the weights cost memory only
 * while they are used. An idle worker never keeps the process alive.
 */
import { Worker } from 'node:worker_threads'
import type { Locations } from './locations.ts'
import { isReply } from './worker-protocol.ts'
import type { Job, Reply } from './worker-protocol.ts'

/** Calls back once after `ms`; returns the way to call it off. */
export type StartTimer = (callback: () => void, ms: number) => () => void

/** `busy`: too many questions wait. `stopped`: the worker ended before it answered. */
export type Outcome = Reply | { readonly kind: 'busy' | 'cancelled' | 'stopped' }

export interface EngineOptions {
  readonly locations: Locations
  readonly startTimer?: StartTimer
}

interface Pending {
  readonly cancel: Int32Array
  readonly settle: (outcome: Outcome) => void
}

const IDLE_MS = 60_000
const MAX_WAITING = 16

export class DemoEngine {
  readonly #locations: Locations
  readonly #startTimer: StartTimer
  /** Asked of the worker and not answered yet; a cancelled job stays until the worker has passed over it. */
  readonly #pending = new Map<number, Pending>()
  #worker: Worker | null = null
  #stopTimer: () => void = () => {}
  #lastId = 0

  constructor({ locations, startTimer = unreferencedTimer }: EngineOptions) {
    this.#locations = locations
    this.#startTimer = startTimer
  }

  get isRunning(): boolean {
    return this.#worker !== null
  }

  /** Never rejects. An abort settles it at once, and the worker stops before its next token. */
  async ask(text: string, maxTokens: number, signal: AbortSignal): Promise<Outcome> {
    if (signal.aborted) return { kind: 'cancelled' }
    if (this.#pending.size > MAX_WAITING) return { kind: 'busy' }
    const worker = this.#started()
    if (worker === null) return { kind: 'stopped' }
    const { promise, resolve } = Promise.withResolvers<Outcome>()
    const job: Job = { id: ++this.#lastId, text, maxTokens, cancel: new Int32Array(new SharedArrayBuffer(4)) }
    const onAbort = () => {
      Atomics.store(job.cancel, 0, 1)
      resolve({ kind: 'cancelled' })
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#pending.set(job.id, { cancel: job.cancel, settle: resolve })
    this.#stopTimer()
    worker.ref()
    worker.postMessage(job, [])
    const outcome = await promise
    signal.removeEventListener('abort', onAbort)
    return outcome
  }

  /** Ends the worker; what it was asked settles as `stopped`. */
  async close(): Promise<void> {
    const worker = this.#worker
    this.#forget()
    await worker?.terminate()
  }

  /** Null where the system gives no thread. */
  #started(): Worker | null {
    try {
      this.#worker ??= this.#start()
    } catch {
      return null
    }
    return this.#worker
  }

  #start(): Worker {
    const { worker: url, model } = this.#locations
    const worker = new Worker(url, {
      name: 'demo-model',
      workerData: model,
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 },
    })
    // Events of a worker that was replaced meanwhile say nothing about the one that runs.
    const gone = () => {
      if (this.#worker === worker) this.#forget()
    }
    worker.on('message', (reply: unknown) => {
      if (this.#worker === worker && isReply(reply)) this.#take(reply)
    })
    worker.on('error', gone)
    worker.on('exit', gone)
    return worker
  }

  #take(reply: Reply): void {
    this.#pending.get(reply.id)?.settle(reply)
    this.#pending.delete(reply.id)
    if (this.#pending.size > 0) return
    this.#worker?.unref()
    // A worker without a usable file is of no use: the next question starts another, which finds a repaired file.
    if (reply.kind === 'unusable') void this.close()
    else this.#stopTimer = this.#startTimer(() => void this.close(), IDLE_MS)
  }

  #forget(): void {
    this.#worker = null
    this.#stopTimer()
    for (const { settle } of this.#pending.values()) settle({ kind: 'stopped' })
    this.#pending.clear()
  }
}

function unreferencedTimer(callback: () => void, ms: number): () => void {
  const timer = setTimeout(callback, ms)
  timer.unref()
  return () => clearTimeout(timer)
}
