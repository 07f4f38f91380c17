/** A gateway that shares its store with nobody: the order of conversations stands in its lanes, and what it does not know is over. */
import type { Clock } from '../contracts/clock.ts'
import { AppError, exposed } from '../contracts/errors.ts'
import type { Store } from '../contracts/store.ts'
import { newId } from '../std/ids.ts'
import type { Company, CompanyParts, LeftRun, Place, RunEnd } from './company.ts'
import type { Gateway } from './gateway.ts'
import { failedEnd } from './handle-message.ts'
import { isUnavailable } from './insist.ts'
import { isPromised, nobodyHears } from './intake.ts'
import type { Task } from './lanes.ts'
import type { RunningTurn } from './running-turns.ts'
import { UnkeptTurns } from './unkept-turns.ts'
import { waitsUntil } from './waiting-turns.ts'

export function alone(store: Store, clock: Clock): Place {
  return { id: newId('run', clock.now()), clock, leases: store.turns.leases, record: null, company: (parts) => new Alone(parts, clock) }
}

class Alone implements Company {
  readonly view = null
  readonly #parts: CompanyParts
  readonly #clock: Clock
  readonly #unkept = new UnkeptTurns()

  constructor(parts: CompanyParts, clock: Clock) {
    this.#parts = parts
    this.#clock = clock
  }

  notReady(): readonly string[] {
    return []
  }

  laneOf(sessionKey: string | null): string | null {
    return sessionKey
  }

  admit(): null {
    return null
  }

  letGo(): void {}

  async waitBehind(): Promise<void> {}

  carry(): void {}

  wantsPieces({ wantsPieces }: RunningTurn): () => boolean {
    return wantsPieces
  }

  ended({ turnId }: { readonly turnId: string }, { sessionKey }: RunningTurn, how: RunEnd): void | (() => void) {
    this.#unkept.over(turnId)
    if (how === 'waiting') return () => this.#parts.waiting.park(turnId, sessionKey)
  }

  /** What only could not be written keeps its lane until it is taken up. */
  left({ request }: LeftRun, running: RunningTurn, error: unknown): void | (() => void) {
    const isStopping = this.#parts.isAbandoned()
    const isOpen = isUnavailable(error) && !isStopping
    // Whoever could not ask for it again hears of no later end.
    const goesOn = isOpen && isPromised(request)
    running.emit(failedEnd(running, isStopping ? new AppError('turn/interrupted') : goesOn ? unkept(error) : error))
    if (!isOpen) return this.#unkept.over(running.turnId)
    const keep = this.#takeUpLater(running)
    if (!goesOn) this.#parts.turns.get(running.turnId)?.controller.abort(nobodyHears())
    return keep
  }

  untaken(running: RunningTurn, error: unknown): void | (() => void) {
    const { isAbandoned, log } = this.#parts
    if (!isAbandoned()) log.error('turn.unread', { turn: running.turnId, error })
    if (isUnavailable(error) && !isAbandoned()) return this.#takeUpLater(running)
    this.#unkept.over(running.turnId)
    running.emit(failedEnd(running, error))
  }

  givesUp(turnId: string): AppError | null {
    return this.#unkept.givesUp(turnId)
  }

  hurry(turnId: string): boolean {
    if (!this.#unkept.has(turnId)) return false
    this.#parts.waiting.wake(turnId)
    return true
  }

  #takeUpLater({ turnId, sessionKey, credential, controller: { signal } }: RunningTurn): () => void {
    const { turns, waiting } = this.#parts
    const until = this.#clock.now() + this.#unkept.pause(turnId)
    const again = turns.get(turnId) ?? turns.add({ turnId, sessionKey }, null, credential)
    if (signal.aborted) again.controller.abort(signal.reason)
    return () => waiting.keep(turnId, sessionKey, until)
  }

  enter(sessionKey: string | null, task: Task): void {
    this.#parts.lanes.enter(sessionKey, task, true)
  }

  asked(): void {}

  answered(turnIds: readonly string[]): void {
    for (const turnId of turnIds) void this.wake(turnId)
  }

  async takeOver(turnIds: readonly string[]): Promise<void> {
    for (const turnId of turnIds) await this.takeUp(turnId)
  }

  wake(turnId: string): Promise<void> {
    return this.#parts.waiting.look(turnId)
  }

  async takeUp(turnId: string): Promise<void> {
    const { turns, store, adopt } = this.#parts
    const turn = turns.get(turnId) === undefined ? await store.turns.open(turnId) : null
    if (turn !== null) adopt(turn)
  }

  isRunning(turnId: string): boolean {
    return this.#parts.turns.get(turnId) !== undefined
  }

  mayWait(turnId: string): boolean {
    return this.#parts.waiting.has(turnId)
  }

  find(): undefined {
    return undefined
  }

  async events(): Promise<[]> {
    return []
  }

  /** Whoever hears that it was cancelled may count on it: the next process would not take it up either. */
  async abort(target: Parameters<Gateway['abort']>[0], reason: string): Promise<number> {
    const { turns, waiting, store, log } = this.#parts
    const aborted = turns.abort(
      (turn) => ('turnId' in target ? turn.turnId === target.turnId : turn.sessionKey === target.sessionKey && target.sessionKey !== null),
      reason,
    )
    waiting.wakeCancelled()
    // Where it cannot be kept, it is cancelled all the same, as long as this process lives.
    if (aborted.length > 0) await store.turns.cancel(aborted).catch((error: unknown) => log.warn('turn.uncancelled', { turns: aborted, error }))
    return aborted.length
  }

  async recover(): Promise<number> {
    const { store, desk, adopt, log } = this.#parts
    await store.approvals.cancelOrphans(this.#clock.now())
    await desk.expire()
    const unfinished = (await store.turns.unfinished()).filter(({ owner }) => owner === null || !store.turns.leases.isShared)
    for (const turn of unfinished) adopt(turn, turn.isCancelled ? null : await waitsUntil(store, turn.turnId))
    if (unfinished.length > 0) log.info('turns.recovered', { count: unfinished.length })
    return unfinished.length
  }

  leave(): Promise<void> {
    const { watch, log } = this.#parts
    return watch.close().catch((error: unknown) => log.warn('turn.unmoved', { error }))
  }
}

function unkept(error: unknown): AppError {
  const { message, hint } = exposed(error)
  return new AppError('turn/unkept', message, hint === undefined ? {} : { hint })
}
