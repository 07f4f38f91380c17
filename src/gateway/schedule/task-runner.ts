/**
 * Runs tasks, and follows their turns. How one stands is read from its row and its turn in the store, never from what this process remembers; whether a try runs is decided by the commit that
 * accepts its turn (`TaskClaim`).
 */
import type { CoreConfig } from '../../config/schema.ts'
import type { Clock } from '../../contracts/clock.ts'
import { exposed } from '../../contracts/errors.ts'
import type { Log } from '../../contracts/log.ts'
import type { Store } from '../../contracts/store.ts'
import type { Task, TaskTurn } from '../../contracts/task.ts'
import type { TurnEvent } from '../../contracts/turn.ts'
import type { Gateway } from '../gateway.ts'
import type { TaskBook } from './task-book.ts'
import { taskMessage } from './task-message.ts'
import { afterRefusal, afterTurn, MAX_WAIT_MS, refuseTry, type Circumstances } from './task-outcome.ts'

export interface TaskRunnerDeps {
  readonly gateway: Pick<Gateway, 'submit' | 'abort' | 'subscribe'>
  readonly store: Pick<Store, 'tasks' | 'turns'>
  readonly taskBook: TaskBook
  readonly config: Pick<CoreConfig['cron'], 'maxConcurrentRuns'>
  readonly maySend: (credential: string) => boolean
  readonly clock: Clock
  readonly log: Log
}

/** A turn that is cancelled may take a moment. */
const ABORT_AGAIN_MS = 30_000
const MAX_RUNNING = 1000
/** The turn waits, goes on, or is over. */
const HEARD: ReadonlySet<TurnEvent['type']> = new Set(['approval-requested', 'turn-started', 'turn-finished'])

export class TaskRunner {
  readonly #deps: TaskRunnerDeps
  /** The task of each turn that goes on. */
  #turns = new Map<string, string>()
  /** Turns that wait behind others of their conversation: their time begins with them. */
  readonly #behind = new Set<string>()
  #unsubscribe: () => void = () => undefined
  #hasBegun = false

  constructor(deps: TaskRunnerDeps) {
    this.#deps = deps
  }

  start(): void {
    this.#unsubscribe = this.#deps.gateway.subscribe(({ turnId }, { type }) => {
      const id = this.#turns.get(turnId)
      if (id !== undefined && HEARD.has(type)) void this.#followNow(id, type === 'turn-started' && this.#behind.delete(turnId))
    }, 'answers')
  }

  stop(): void {
    this.#unsubscribe()
  }

  /** Another configuration holds. */
  unblock(): Promise<void> {
    return this.#deps.store.tasks.unblock(this.#deps.clock.now())
  }

  /** After a clock was set. */
  async rewind(): Promise<void> {
    const now = this.#deps.clock.now()
    await this.#deps.store.tasks.rewind(now, now + MAX_WAIT_MS)
  }

  /** Says whether all that is due was done, or waits for an end. `runsDue`: whether tries begin here. The first one takes up what an earlier process left. */
  async look(runsDue: boolean): Promise<boolean> {
    const { store, clock, config, taskBook } = this.#deps
    if (!this.#hasBegun) await this.#takeUp()
    for (const { task, turn } of await store.tasks.outdated()) await this.#follow(task, turn)
    this.#turns = new Map(await store.tasks.turns())
    await taskBook.lookForOpen()
    if (!runsDue) return true
    for (const task of await store.tasks.overdue(clock.now())) await this.#endRun(task)
    let isDone = true
    const places = config.maxConcurrentRuns - (await store.tasks.running())
    for (const task of places > 0 ? await store.tasks.due(clock.now(), places) : []) {
      if (!(await this.#attempt(task))) isDone = false
    }
    return isDone
  }

  /** The configuration may be another one. Where nobody else can use the store, what ran when an earlier process ended has its time again. */
  async #takeUp(): Promise<void> {
    const { store } = this.#deps
    await this.unblock()
    await this.rewind()
    const running = store.turns.leases.isShared ? [] : await store.tasks.list({ state: 'running', limit: MAX_RUNNING })
    for (const task of running) await this.#giveTime(task)
    this.#hasBegun = true
  }

  /** False where it is to be looked at again, soon. */
  async #attempt(task: Task): Promise<boolean> {
    const { gateway, store, log, taskBook } = this.#deps
    const { id, version } = task
    const refused = refuseTry(task, this.#circumstances(task))
    if (refused !== null) return taskBook.move(task, refused)
    try {
      const { runUntil } = timeOf(task, this.#deps.clock.now())
      const accepted = await gateway.submit(taskMessage(task, { taskId: id, version, attempts: task.attempts + 1, until: runUntil }))
      if (accepted.status === 'repeated') return false
      this.#turns.set(accepted.turnId, id)
      if (accepted.status === 'queued') this.#behind.add(accepted.turnId)
    } catch (error) {
      const why = exposed(error)
      if (why.code === 'internal') log.error('task.defect', { task: id, error })
      const move = afterRefusal(task, why, this.#circumstances(task))
      return move !== null && taskBook.move(task, move)
    }
    const begun = await store.tasks.get(id)
    if (begun !== null) taskBook.tell({ action: 'running', task: begun })
    // It may have ended before anybody knew whose turn it is.
    await this.#followNow(id)
    return true
  }

  async #followNow(id: string, isFirst = false): Promise<void> {
    const { tasks } = this.#deps.store
    try {
      for (const { task, turn } of await tasks.outdated(id)) await this.#follow(task, turn)
      const begun = isFirst ? await tasks.get(id) : null
      if (begun?.state === 'running') await this.#giveTime(begun)
    } catch (error) {
      // The next look finds it.
      this.#deps.log.error('task.unfollowed', { task: id, error })
    }
  }

  async #follow(task: Task, turn: TaskTurn): Promise<void> {
    const { store, clock, gateway, taskBook } = this.#deps
    const { turnId } = task
    if (turnId === null) return
    const isOver = turn === 'ended' || turn === 'gone'
    if (isOver) this.#behind.delete(turnId)
    if (task.state === 'cancelled') {
      if (isOver) await store.tasks.replace({ ...task, turnId: null, version: task.version + 1 }, task.version)
      else await gateway.abort({ turnId }, task.lastError ?? 'Its task was cancelled')
    } else if (isOver) {
      const result = turn === 'ended' ? await store.turns.result(turnId) : null
      const lost = { state: 'failed', lastError: 'how its turn ended is no longer kept' } as const
      await taskBook.move(task, result === null ? lost : afterTurn(task, result, this.#circumstances(task)))
    } else if (turn === 'asks') await taskBook.move(task, { state: 'blocked', blockedReason: 'approval_required', turnId })
    else if (turn === 'sleeps') await taskBook.move(task, { state: 'blocked', blockedReason: 'external_dependency', turnId })
    else await taskBook.move(task, { state: 'running', turnId, ...timeOf(task, clock.now()) })
  }

  /** The end of its turn is followed like any other; `runUntil` says then why it was cancelled. */
  async #endRun(task: Task): Promise<void> {
    const { gateway, store, clock } = this.#deps
    if (task.turnId === null) return
    if ((await store.turns.history.get(task.turnId))?.state === 'queued') return void (await this.#giveTime(task))
    const again = { ...task, nextAt: clock.now() + ABORT_AGAIN_MS, version: task.version + 1 }
    if (!(await store.tasks.replace(again, task.version))) return
    await gateway.abort({ turnId: task.turnId }, 'The time of one run of its task is over')
  }

  #giveTime(task: Task): Promise<boolean> {
    const { store, clock } = this.#deps
    return store.tasks.replace({ ...task, ...timeOf(task, clock.now()), version: task.version + 1 }, task.version)
  }

  #circumstances({ credential }: Task): Circumstances {
    return { now: this.#deps.clock.now(), mayRun: credential === null || this.#deps.maySend(credential) }
  }
}

/** The time of a run that begins or goes on. */
function timeOf({ policy }: Task, now: number): { readonly nextAt: number; readonly runUntil: number } {
  const runUntil = now + policy.maxRunTimeoutSeconds * 1000
  return { nextAt: runUntil, runUntil }
}
