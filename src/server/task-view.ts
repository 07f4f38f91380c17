import type * as z from 'zod'
import type { Task } from '../contracts/task.ts'
import type { taskView } from '../contracts/ws/task.ts'

/** How much of what it says a list and an event tell. */
const SHOWN = 1000

/** Of many, or for many. */
export function briefTask(task: Task): z.input<typeof taskView> {
  const { prompt } = task
  return viewTask(prompt.length <= SHOWN ? task : { ...task, prompt: `${prompt.slice(0, SHOWN).toWellFormed()}…` })
}

export function viewTask(task: Task): z.input<typeof taskView> {
  const { id, prompt, origin, sessionKey, model, state, attempts, nextAt, blockedReason, lastError, runIds, policy, createdAt, since } = task
  const nextRunAt = state === 'queued' || state === 'retry_wait' ? nextAt : null
  const facts = { author: origin.author.kind, trusted: origin.trust === 'trusted', sessionKey, model, state, attempts, nextRunAt, blockedReason, lastError }
  return { id, prompt, ...facts, runIds: [...runIds], policy, createdAt, updatedAt: since }
}
