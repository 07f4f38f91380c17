/**
 * A gateway is alone with its store, or shares it with others. Everything that differs stands behind these two: `Place` is what it starts with, `Company` what becomes of its turns. Which
 * it is decides whoever makes the gateway; nobody else asks.
 */
import type { Clock } from '../contracts/clock.ts'
import type { KeptEvent } from '../contracts/cluster.ts'
import type { Log } from '../contracts/log.ts'
import type { Store, StoredTurn } from '../contracts/store.ts'
import type { TurnLeases } from '../contracts/turn-lease.ts'
import type { AppError } from '../contracts/errors.ts'
import type { TurnEvent } from '../contracts/turn.ts'
import type { ApprovalDesk } from './approval-desk.ts'
import type { ClusterView, Gateway, TurnAddress } from './gateway.ts'
import type { LaneLimits, Lanes, Task } from './lanes.ts'
import type { LeaseWatch } from './lease-watch.ts'
import type { RunningTurn, RunningTurns } from './running-turns.ts'
import type { WaitingTurns } from './waiting-turns.ts'

export interface Place {
  /** Of one run of this process: whoever owns a turn. */
  readonly id: string
  /** By which leases are compared. */
  readonly clock: Clock
  readonly leases: TurnLeases
  /** Keeps events where other nodes can read them, and then tells those who listen to all turns; null where they hear them at once. */
  readonly record: ((turn: TurnAddress, event: TurnEvent) => void) | null
  company(parts: CompanyParts): Company
}

export interface CompanyParts {
  readonly store: Store
  readonly lanes: Lanes
  readonly turns: RunningTurns
  readonly waiting: WaitingTurns
  readonly watch: LeaseWatch
  readonly desk: ApprovalDesk
  /** Goes on with a turn that another process, or an earlier one, left: when there is a place, or then. */
  readonly adopt: (turn: Omit<StoredTurn, 'steps'>, until?: number | null) => void
  readonly goOn: (turnId: string) => ReturnType<Task>
  /** Nothing new begins. */
  readonly isStopping: () => boolean
  /** What runs is left as it is. */
  readonly isAbandoned: () => boolean
  readonly limits: LaneLimits
  readonly log: Log
}

export type RunEnd = 'finished' | 'waiting'

export type LeftRun = Pick<StoredTurn, 'turnId' | 'sessionId' | 'request'>

export interface Company {
  /** What doors may know of the nodes; null for one that is alone. */
  readonly view: ClusterView | null
  /** Why nothing new begins here. */
  notReady(): readonly string[]
  /** The lane that keeps the order of a conversation in this process; null where it stands in the store. */
  laneOf(sessionKey: string | null): string | null
  /** Whether there is room for one more; null where that is not to be waited for. Throws `gateway/stopping`, `turn/queue-full`. */
  admit(turnId: string, sessionKey: string | null): Promise<void> | null
  /** The turn is not for this process to run. */
  letGo(turnId: string): Promise<void> | void
  /** Something comes before it elsewhere: whoever waits here hears how it goes. */
  waitBehind(turnId: string): Promise<void>
  /** Its run begins here. */
  carry(turn: RunningTurn, fence: number): void
  wantsPieces(turn: RunningTurn): () => boolean
  ended(turn: { readonly turnId: string; readonly sessionId: string | null }, running: RunningTurn, how: RunEnd): ReturnType<Task> | void | (() => void)
  /** How it ended could not be kept, for this reason: it stays open, and whoever waits here is told what is known. */
  left(turn: LeftRun, running: RunningTurn, error: unknown): ReturnType<Task> | void | (() => void)
  /** It could not be taken up, for this reason. */
  untaken(running: RunningTurn, error: unknown): ReturnType<Task> | void | (() => void)
  /** With what a turn that was taken up must end, since it was tried too often; null where it may go on. */
  givesUp(turnId: string): AppError | null
  /** One that waits until the store may work again goes on now; false where it is none. */
  hurry(turnId: string): boolean
  /** A turn that was taken up waits for a place. */
  enter(sessionKey: string | null, task: Task): void
  /** The owner was asked. */
  asked(approvalIds: readonly string[]): void
  answered(turnIds: readonly string[], approvalIds: readonly string[]): void
  /** Their owners let them lapse, or were taken for dead. */
  takeOver(turnIds: readonly string[]): Promise<void>
  /** What it waited for may have come. */
  wake(turnId: string): Promise<void>
  /** It was open, or is again, and nobody carries it on. */
  takeUp(turnId: string): Promise<void>
  /** Whether it is known without the store that this turn runs. */
  isRunning(turnId: string): boolean
  /** Whether the turn may wait for the owner. */
  mayWait(turnId: string): boolean
  /** A turn that somebody asks about and that is not known here; undefined when it has ended. */
  find(turnId: string): Promise<RunningTurn | undefined> | undefined
  events(turnId: string, seq: number): Promise<readonly KeptEvent[]>
  abort(...args: Parameters<Gateway['abort']>): ReturnType<Gateway['abort']>
  /** At the start: what was left is taken up; says how many. */
  recover(): Promise<number>
  /** The last thing at the stop: what is left belongs to whoever comes next. Never throws. */
  leave(): Promise<void>
}
