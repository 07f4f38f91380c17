/** What becomes of a task when a try of it has ended. Decides only; the budgets of a task act here. */
import { backoffMs } from '../../std/backoff.ts'
import { AppError, type ErrorCode } from '../../contracts/errors.ts'
import type { BlockedReason, Task } from '../../contracts/task.ts'
import type { TurnResult } from '../../contracts/turn.ts'

export type Move = Pick<Task, 'state'> & Partial<Pick<Task, 'attempts' | 'turnId' | 'nextAt' | 'runUntil' | 'blockedReason' | 'lastError'>>

const BACKOFF = { baseMs: 5000, maxMs: 900_000 }
/** The longest wait that a model server may name; a try that is due later was put off by a clock that stood ahead. */
export const MAX_WAIT_MS = 86_400_000
/** The configuration has to change, not the time. */
const CONFIG: ReadonlySet<ErrorCode> = new Set(['provider/none', 'provider/unknown', 'provider/auth'])
/** The same words would meet the same end. */
const FINAL: ReadonlySet<ErrorCode> = new Set(['provider/context-too-long', 'provider/refused', 'provider/bad-request', 'provider/no-images'])
/** Somebody else was first, or the next process does it: no try. */
const UNTRIED: ReadonlySet<ErrorCode> = new Set(['store/conflict', 'gateway/stopping'])
const REVOKED = 'the credential that answers for it was taken away'

export interface Circumstances {
  readonly now: number
  /** Whether its credential still holds. */
  readonly mayRun: boolean
  readonly random?: () => number
}

/** Before a try; null where one may begin. */
export function refuseTry(task: Task, { now, mayRun }: Circumstances): Move | null {
  if (!mayRun) return blocked('operator_action_required', REVOKED)
  const used = usedUp(task, now)
  return used === null ? null : failed(used)
}

/** After its turn was not accepted; null where that was no try. */
export function afterRefusal(task: Task, { code, message, retryable, retryAfterMs }: AppError, circumstances: Circumstances): Move | null {
  if (UNTRIED.has(code)) return null
  const tried = { ...task, attempts: task.attempts + 1 }
  const { attempts } = tried
  if (CONFIG.has(code)) return { ...blocked('config_missing', message), attempts }
  return { ...(retryable || code === 'internal' ? later(tried, message, circumstances, retryAfterMs) : failed(message)), attempts }
}

/** After its turn. */
export function afterTurn(task: Task, { status, finishReason, stoppedBy, error }: TurnResult, circumstances: Circumstances): Move {
  if (status === 'completed') {
    if (finishReason === 'refused') return failed('the model refused')
    if (stoppedBy === 'money') return blocked('operator_action_required', 'its turn used up the money of one turn')
    if (stoppedBy !== undefined) return later(task, `its turn ended at a budget: ${stoppedBy}`, circumstances)
    return finishReason === 'length' ? later(task, 'its answer was cut off', circumstances) : { state: 'done', lastError: null }
  }
  const why = error?.message ?? status
  if (status === 'cancelled') {
    if (!circumstances.mayRun) return blocked('operator_action_required', REVOKED)
    const isOver = task.runUntil !== null && circumstances.now >= task.runUntil
    if (isOver) return later(task, `its run took longer than ${task.policy.maxRunTimeoutSeconds} s`, circumstances)
    return { state: 'cancelled', lastError: why }
  }
  const code = error?.code ?? 'internal'
  if (CONFIG.has(code)) return blocked('config_missing', why)
  return FINAL.has(code) ? failed(why) : later(task, why, circumstances, error?.retryAfterMs)
}

/** Another try, where one may begin then. */
function later(task: Task, why: string, { now, random }: Circumstances, atLeastMs = 0): Move {
  const wait = backoffMs(Math.max(1, task.attempts), random === undefined ? BACKOFF : { ...BACKOFF, random })
  const nextAt = now + Math.max(wait, Math.min(atLeastMs, MAX_WAIT_MS))
  const used = usedUp(task, nextAt)
  return used === null ? { state: 'retry_wait', nextAt, lastError: why } : failed(`${why} (${used})`)
}

/** Why no try may begin at `at`; null where one may. */
function usedUp({ attempts, runIds, begunAt, policy }: Task, at: number): string | null {
  if (attempts >= policy.maxAttempts) return `all ${policy.maxAttempts} attempts are used up`
  if (runIds.length >= policy.maxTurns) return `all ${policy.maxTurns} turns are used up`
  return at - begunAt >= policy.maxTotalRuntimeMs ? 'its time is used up' : null
}

function blocked(blockedReason: BlockedReason, why: string): Move {
  return { state: 'blocked', blockedReason, lastError: why }
}

function failed(why: string): Move {
  return { state: 'failed', lastError: why }
}
