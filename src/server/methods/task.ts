import * as z from 'zod'
import { OWNER } from '../../contracts/origin.ts'
import type { Principal } from '../../contracts/principal.ts'
import type { JobAuthor } from '../../contracts/schedule.ts'
import { taskListResult, taskResult, taskStates } from '../../contracts/ws/task.ts'
import { defineMethod } from '../method.ts'
import { briefTask, viewTask } from '../task-view.ts'
import { messageText, model, sessionKey } from './params.ts'

const id = z.string().min(1).max(128)
const YEAR_MS = 366 * 86_400_000
const count = z.int().min(1).max(1000).optional()
const policy = z.strictObject({
  maxAttempts: count,
  maxTotalRuntimeMs: z.int().min(1000).max(YEAR_MS).optional(),
  maxTurns: count,
  maxRunTimeoutSeconds: z.int().min(1).max(86_400).optional(),
})

/** Whoever may write says the owner's words. */
function owner({ id: by, credential }: Principal): JobAuthor {
  return { origin: OWNER, credential, by }
}

export const taskCreate = defineMethod({
  name: 'task.create',
  scope: 'operator.write',
  params: z.strictObject({ prompt: messageText, sessionKey: sessionKey.optional(), model: model.optional(), policy: policy.optional() }),
  result: taskResult,
  handle: async (params, { deps, principal }) => ({ task: viewTask(await deps.tasks.create(params, owner(principal))) }),
})

export const taskList = defineMethod({
  name: 'task.list',
  scope: 'operator.read',
  params: z.strictObject({ state: z.enum(taskStates).optional(), limit: z.int().min(1).max(1000).default(50) }),
  result: taskListResult,
  handle: async (params, { deps: { tasks } }) => ({ tasks: (await tasks.list(params)).map(briefTask), timeZone: tasks.timeZone }),
})

export const taskGet = defineMethod({
  name: 'task.get',
  scope: 'operator.read',
  params: z.strictObject({ id }),
  result: taskResult,
  handle: async (params, { deps }) => ({ task: viewTask(await deps.tasks.get(params.id)) }),
})

export const taskUpdate = defineMethod({
  name: 'task.update',
  scope: 'operator.write',
  params: z.strictObject({ id, prompt: messageText.optional(), model: model.optional(), policy: policy.optional() }),
  result: taskResult,
  handle: async ({ id: taskId, ...change }, { deps, principal }) => ({ task: viewTask(await deps.tasks.update(taskId, change, owner(principal))) }),
})

export const taskCancel = defineMethod({
  name: 'task.cancel',
  scope: 'operator.write',
  params: z.strictObject({ id, reason: z.string().min(1).max(1024).optional() }),
  result: taskResult,
  handle: async (params, { deps, principal }) => ({ task: viewTask(await deps.tasks.cancel(params.id, principal.id, params.reason)) }),
})

export const taskRetry = defineMethod({
  name: 'task.retry',
  scope: 'operator.write',
  params: z.strictObject({ id }),
  result: taskResult,
  handle: async (params, { deps, principal }) => ({ task: viewTask(await deps.tasks.retry(params.id, owner(principal))) }),
})

export const taskResume = defineMethod({
  name: 'task.resume',
  scope: 'operator.write',
  params: z.strictObject({ id }),
  result: taskResult,
  handle: async (params, { deps, principal }) => ({ task: viewTask(await deps.tasks.resume(params.id, owner(principal))) }),
})
