/** A gateway that shares its store with nobody: the order of conversations stands in its lanes, and what it does not know is over. */
import type { Clock } from '../contracts/clock.ts'
import type { Store } from '../contracts/store.ts'
import type { TurnEvent } from '../contracts/turn.ts'
import { newId } from '../std/ids.ts'
import type { Company, CompanyParts, Place, RunEnd } from './company.ts'
import type { Gateway } from './gateway.ts'
import type { Task } from './lanes.ts'
import type { RunningTurn } from './running-turns.ts'
import { waitsUntil } from './waiting-turns.ts'

export function alone(store: Store, clock: Clock): Place {
  return { id: newId('run', clock.now()), clock, leases: store.turns.leases, record: null, company: (parts) => new Alone(parts, clock) }
}

class Alone implements Company {
  readonly canLeave = false
  readonly view = null
  readonly #parts: CompanyParts
  readonly #clock: Clock

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
    if (how === 'waiting') return () => this.#parts.waiting.park(turnId, sessionKey)
  }

  untaken(running: RunningTurn, error: unknown, end: TurnEvent): void {
    const { isAbandoned, log } = this.#parts
    if (!isAbandoned()) log.error('turn.unread', { turn: running.turnId, error })
    running.emit(end)
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

  abort(target: Parameters<Gateway['abort']>[0], reason: string): number {
    const { turns, waiting } = this.#parts
    const count = turns.abort(
      (turn) => ('turnId' in target ? turn.turnId === target.turnId : turn.sessionKey === target.sessionKey && target.sessionKey !== null),
      reason,
    )
    waiting.wakeCancelled()
    return count
  }

  async recover(): Promise<number> {
    const { store, desk, adopt, log } = this.#parts
    await store.approvals.cancelOrphans(this.#clock.now())
    await desk.expire()
    const unfinished = (await store.turns.unfinished()).filter(({ owner }) => owner === null || !store.turns.leases.isShared)
    for (const turn of unfinished) adopt(turn, await waitsUntil(store, turn.turnId))
    if (unfinished.length > 0) log.info('turns.recovered', { count: unfinished.length })
    return unfinished.length
  }

  leave(): Promise<void> {
    const { watch, log } = this.#parts
    return watch.close().catch((error: unknown) => log.warn('turn.unmoved', { error }))
  }
}
