/** Durable tasks. */
import * as z from 'zod'

export const taskStates = ['queued', 'running', 'blocked', 'retry_wait', 'done', 'failed', 'cancelled'] as const

export const taskView = z.object({
  id: z.string(),
  prompt: z.string(),
  /** Whose words the prompt is; only the owner's count as his. */
  author: z.enum(['owner', 'peer', 'web', 'file', 'tool', 'plugin', 'model']),
  trusted: z.boolean(),
  sessionKey: z.string(),
  model: z.string().nullable(),
  state: z.enum(taskStates),
  attempts: z.number(),
  /** Of the next try. */
  nextRunAt: z.number().nullable(),
  blockedReason: z.enum(['approval_required', 'external_dependency', 'config_missing', 'operator_action_required']).nullable(),
  lastError: z.string().nullable(),
  runIds: z.array(z.string()),
  policy: z.object({ maxAttempts: z.number(), maxTotalRuntimeMs: z.number(), maxTurns: z.number(), maxRunTimeoutSeconds: z.number() }),
  createdAt: z.number(),
  updatedAt: z.number(),
})
/**
 * `task.create {prompt, sessionKey?, model?, policy?: {maxAttempts?, maxTotalRuntimeMs?, maxTurns?, maxRunTimeoutSeconds?}}`, `task.get {id}`; `task.update {id, prompt?, model?, policy?}`: what is not
 * named stays; `task.cancel {id, reason?}`: its turn, too; `task.retry {id}`: one that failed or was cancelled begins again; `task.resume {id}`: one that is blocked or waits goes on now.
 * Event `task {action, task}` when something happens to one.
 */
export const taskResult = z.object({ task: taskView })
/** `task.list {state?, limit?}`, newest first. Lists and events tell the first 1,000 characters of what a task says. */
export const taskListResult = z.object({ tasks: z.array(taskView), timeZone: z.string() })
export const taskEvent = z.object({ action: z.enum(['created', 'updated', 'retried', 'resumed', ...taskStates]), task: taskView })
