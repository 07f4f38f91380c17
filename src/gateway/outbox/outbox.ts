/**
 * Messages on their way out: kept before anybody is told that they are accepted, sent one after the other in each lane, tried again as the failure asks for. Lanes go side by side, so
 * that a destination that does not answer holds up nobody else. What ends this process leaves everything to the next.
 */
import { newId } from '../../std/ids.ts'
import type { AuditTrail } from '../../contracts/audit.ts'
import type { AcceptedMessage, DestinationInfo, Messages, OutgoingMessage, SendOutcome, TextTraits } from '../../contracts/destination.ts'
import { AppError } from '../../contracts/errors.ts'
import type { OutboxEntry, QueuedPart } from '../../contracts/outbox.ts'
import { Circuit } from './circuit.ts'
import { deliverPart, type Delivered, type DeliveryDeps } from './deliver-part.ts'
import { HeldParts } from './held-parts.ts'
import { measure } from './text-units.ts'

export interface OutboxDeps extends DeliveryDeps {
  readonly audit: Pick<AuditTrail, 'note'>
  readonly bounds?: Partial<OutboxBounds>
}

interface OutboxBounds {
  /** Of each destination. */
  readonly waitingParts: number
  readonly waitingBytes: number
  /** A message that could not be delivered for so long is dead. */
  readonly maxAgeMs: number
}

const DAY_MS = 86_400_000
const BOUNDS: OutboxBounds = { waitingParts: 2000, waitingBytes: 16 * 1024 * 1024, maxAgeMs: DAY_MS }
const MAX_TEXT_BYTES = 64 * 1024
const MAX_LANES_AT_ONCE = 32
const AFTER_FAULT_MS = 5000
/** Where others share the database, one of them may have died with something in its hands. */
const LOOK_MS = 2000
/** A clock that was set back must not make it wait for ever. */
const MAX_WAIT_MS = 3_600_000

type Listener = (delivered: Delivered | { readonly kind: 'finished' }) => void

export class Outbox implements Messages {
  readonly destinations: readonly DestinationInfo[]
  readonly #deps: OutboxDeps
  readonly #bounds: OutboxBounds
  readonly #lanes = new Map<string, Promise<void>>()
  readonly #circuits = new Map<string, Circuit>()
  readonly #listeners = new Map<string, Set<Listener>>()
  readonly #stopping = new AbortController()
  readonly #abandoning = new AbortController()
  #timer = new AbortController()
  #isStarted = false
  /** Null where no other process waits to take over. */
  #held: HeldParts | null = null
  #isLooking = false
  #looksAgain = false
  #quietUntil = 0

  constructor(deps: OutboxDeps) {
    this.#deps = deps
    this.#bounds = { ...BOUNDS, ...deps.bounds }
    this.destinations = deps.destinations.all.map(({ name, kind, format, host, signed, keyed }) => ({ name, kind, format, host, signed, keyed }))
  }

  async accept({ to, text: asked, key, purpose, turnId, sessionId, until }: OutgoingMessage): Promise<AcceptedMessage> {
    const { destinations, store, clock } = this.#deps
    const destination = destinations.find(to)
    const { text } = destinations.clear(asked)
    if (Buffer.byteLength(text) > MAX_TEXT_BYTES) throw new AppError('message/too-long', `${Buffer.byteLength(text)} bytes`, { hint: 'At most 64 KiB' })
    const parts = await cut(text, destination.traits)
    const createdAt = clock.now()
    const expiresAt = Math.min(until ?? Number.MAX_SAFE_INTEGER, createdAt + this.#bounds.maxAgeMs)
    const message = { id: newId('out', createdAt), key, to, lane: to, purpose, turnId, sessionId, parts, createdAt, expiresAt }
    const kept = await store.accept(message, { parts: this.#bounds.waitingParts, bytes: this.#bounds.waitingBytes })
    if (kept.kind === 'full') throw new AppError('message/queue-full', to, { hint: 'The owner can look at what waits, and drop it: cara outbox' })
    if (kept.kind === 'new') this.wake()
    return { id: kept.id, outcome: (patienceMs, signal) => this.#outcome(kept.id, patienceMs, signal) }
  }

  /** Takes up what an earlier process left. `isShared`: other processes use the database, and hold what they hold. */
  async start(isShared: boolean): Promise<void> {
    const { store } = this.#deps
    if (!isShared && (await store.heads()).some(({ leaseUntil }) => leaseUntil !== null)) await store.releaseAll()
    this.#isStarted = true
    this.#held = isShared ? new HeldParts(this.#deps) : null
    this.wake()
  }

  /** Something may be due. */
  wake(): void {
    if (this.#isStarted && !this.#stopping.signal.aborted) void this.#look()
  }

  /** When what goes to this destination is tried again, where it is left alone. */
  pausedUntil(to: string): number {
    return this.#circuits.get(to)?.pausedUntil ?? 0
  }

  /** The owner says that it works again. */
  resume(to: string): void {
    this.#circuits.delete(to)
    this.wake()
  }

  /** Begins nothing more, and lets what is on its way end for `ms`. */
  async close(ms: number): Promise<void> {
    this.#stopping.abort()
    this.#timer.abort()
    const ended = Promise.all(this.#lanes.values())
    const patience = new AbortController()
    await Promise.race([ended, this.#deps.clock.sleep(ms, patience.signal).catch(() => undefined)])
    patience.abort()
    this.#abandoning.abort()
    await ended
  }

  async #look(): Promise<void> {
    this.#looksAgain = true
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      while (this.#looksAgain && !this.#stopping.signal.aborted) {
        this.#looksAgain = false
        await this.#startDue()
      }
    } catch (error) {
      this.#failed(error)
    } finally {
      this.#isLooking = false
    }
  }

  async #startDue(): Promise<void> {
    const { store, clock } = this.#deps
    const heads = await store.heads()
    const now = clock.now()
    let next = this.#held === null ? Number.MAX_SAFE_INTEGER : now + LOOK_MS
    for (const { lane, to, dueAt, leaseUntil } of heads) {
      if (this.#lanes.has(lane)) continue
      const at = Math.max(dueAt, leaseUntil ?? 0, this.pausedUntil(to), this.#quietUntil)
      if (at > now) next = Math.min(next, at)
      // The first lane that ends looks again.
      else if (this.#lanes.size < MAX_LANES_AT_ONCE) this.#lanes.set(lane, this.#empty(lane))
    }
    this.#wakeAt(next)
  }

  /** Sends what is due in a lane, in its order. */
  async #empty(lane: string): Promise<void> {
    const { store, clock } = this.#deps
    try {
      while (!this.#stopping.signal.aborted) {
        const part = await store.head(lane)
        const now = clock.now()
        if (part === null || Math.max(part.dueAt, part.leaseUntil ?? 0, this.pausedUntil(part.to)) > now) break
        const delivered = await deliverPart(part, this.#deps, this.#held, this.#abandoning.signal)
        // Another process was faster, and goes on with this lane.
        if (delivered.kind === 'lost') break
        await this.#tell(part, delivered)
      }
    } catch (error) {
      // How it ended is not kept: when the lease is over, it is tried again as one whose outcome is unknown.
      this.#failed(error)
    } finally {
      this.#lanes.delete(lane)
      this.wake()
    }
  }

  async #tell(part: QueuedPart, delivered: Delivered): Promise<void> {
    const circuit = this.#circuits.get(part.to) ?? new Circuit(this.#deps.clock)
    this.#circuits.set(part.to, circuit)
    if (delivered.kind === 'later') circuit.failed(delivered.askedUntil)
    else if (delivered.kind === 'dead' && !delivered.hasAnswered) circuit.failed(0)
    else circuit.succeeded()
    const isOver = delivered.kind === 'dead' || (delivered.kind === 'sent' && part.part === part.parts)
    if (isOver) {
      const entry = await this.#deps.store.get(part.id)
      if (entry !== null) this.#deps.audit.note({ kind: 'message-completed', outcome: delivered.kind === 'sent' ? 'ok' : 'failed', ...this.#facts(entry) })
    }
    for (const listener of this.#listeners.get(part.id) ?? []) listener(isOver ? { kind: 'finished' } : delivered)
  }

  #facts({ id: entry, key: id, to, turnId: turn, attempts, mayRepeat, createdAt }: OutboxEntry) {
    const host = this.destinations.find(({ name }) => name === to)?.host ?? ''
    return { id, entry, to, host, turn, attempts, mayRepeat, ms: this.#deps.clock.now() - createdAt }
  }

  async #outcome(id: string, patienceMs: number, signal: AbortSignal): Promise<SendOutcome> {
    signal.throwIfAborted()
    const { store, clock } = this.#deps
    const news = Promise.withResolvers<void>()
    const listener: Listener = ({ kind }) => (kind === 'sent' ? undefined : news.resolve())
    const listeners = this.#listeners.get(id) ?? new Set()
    this.#listeners.set(id, listeners.add(listener))
    const patience = new AbortController()
    const abort = () => patience.abort()
    signal.addEventListener('abort', abort, { once: true })
    try {
      const before = outcomeOf(await store.get(id))
      if (before.status === 'sent' || before.why !== null) return before
      await Promise.race([news.promise, clock.sleep(patienceMs, patience.signal).catch(() => undefined)])
      signal.throwIfAborted()
      return outcomeOf(await store.get(id))
    } finally {
      patience.abort()
      signal.removeEventListener('abort', abort)
      listeners.delete(listener)
      if (listeners.size === 0) this.#listeners.delete(id)
    }
  }

  #failed(error: unknown): void {
    if (this.#abandoning.signal.aborted) return
    this.#deps.log.error('outbox.fault', { error })
    this.#quietUntil = this.#deps.clock.now() + AFTER_FAULT_MS
    this.#wakeAt(this.#quietUntil)
  }

  #wakeAt(time: number): void {
    this.#timer.abort()
    if (time === Number.MAX_SAFE_INTEGER || this.#stopping.signal.aborted) return
    this.#timer = new AbortController()
    const ms = Math.min(MAX_WAIT_MS, Math.max(1, time - this.#deps.clock.now()))
    this.#deps.clock.sleep(ms, this.#timer.signal).then(
      () => this.wake(),
      () => undefined,
    )
  }
}

async function cut(text: string, traits: TextTraits): Promise<readonly string[]> {
  if (measure(text, traits.unit) <= traits.maxText) return [text]
  const { splitText } = await import('./split-text.ts')
  // No platform takes a message of nothing but space.
  return splitText(text, traits).flatMap((piece) => (piece.text.trim() === '' ? [] : [piece.text]))
}

function outcomeOf(entry: OutboxEntry | null): SendOutcome {
  if (entry === null || entry.status === 'dead' || entry.status === 'dropped') {
    const why = entry === null || entry.status === 'dropped' ? 'the owner dropped it' : entry.why
    throw new AppError('message/undelivered', `${entry?.to ?? 'message'}: ${why}`, { hint: `The owner can look at it: cara outbox show ${entry?.id ?? ''}` })
  }
  return entry.status === 'sent' ? { status: 'sent' } : { status: 'queued', why: entry.why }
}
