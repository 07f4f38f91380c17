/**
 * Work that the model wants done until it is done. A task keeps the origin of the conversation that it was made in, and is never the owner's word when it runs: as with jobs, writing something
 * down for later earns nothing that may not be done now. What belongs to the owner is not touched here.
 */
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { canonicalJson } from '../std/canonical-json.ts'
import { AppError } from '../contracts/errors.ts'
import type { ModelTasks, Task } from '../contracts/task.ts'
import type { AnyTool, Tool, ToolManifest } from '../contracts/tool.ts'
import type { UndoLog } from '../contracts/undo.ts'
import { listing } from './listing.ts'
import { modelAuthor, type TurnOf } from './model-author.ts'
import { reading } from './reading.ts'

export interface TaskTools {
  readonly tasks: ModelTasks
  readonly turnOf: TurnOf
}

const MAX_TASKS = 20
const returns = { trust: 'trusted', private: false, curated: false, records: false } as const
const reads = reading({ trust: 'trusted', private: true, curated: false, records: false })
const writes: ToolManifest = { ...reads, effect: 'write', effectWithoutDestination: 'write', recovery: 'keyed', returns }
const prompt = z.string().min(1).max(8000)
const id = z.string().max(64)

/** A model is told of the others only while there is a task: most conversations have none, and every word is paid for. */
export function taskTools(deps: TaskTools, undo: UndoLog): readonly AnyTool[] {
  const isOffered = () => deps.tasks.hasOpen
  return [taskCreate(deps, undo), { ...taskList(deps), isOffered }, { ...taskUpdate(deps, undo), isOffered }, { ...taskCancel(deps, undo), isOffered }]
}

const createInput = z.strictObject({ prompt })
function taskCreate({ tasks, turnOf }: TaskTools, undo: UndoLog): Tool<z.infer<typeof createInput>> {
  return {
    name: 'task_create',
    description: 'Have a prompt run in the background, tried until done.',
    input: createInput,
    manifest: { ...writes, content: ['prompt'] },
    async run(input, call, signal) {
      signal.throwIfAborted()
      const kept = (await undo.find(call))?.change
      // An earlier process made it already, by this very call.
      const known = kept?.kind === 'task' ? await tasks.find(kept.id) : null
      if (known !== null) return { output: `Created ${known.id}` }
      const author = await modelAuthor(call, turnOf)
      if (author === null) throw refused('what a model planned makes no task')
      if ((await tasks.open()).filter(isModels).length >= MAX_TASKS) throw refused(`there are ${MAX_TASKS} tasks of models already`)
      const taskId = kept?.kind === 'task' ? kept.id : tasks.newId()
      await undo.keep(call, `created ${taskId}`, { kind: 'task', id: taskId, before: null, after: hashOfTask({ ...input, origin: author.origin }) })
      await tasks.create(input, author, taskId)
      return { output: `Created ${taskId}` }
    },
  }
}

function taskList({ tasks }: TaskTools): Tool<Record<string, never>> {
  return {
    name: 'task_list',
    description: 'Unfinished tasks.',
    input: z.strictObject({}),
    manifest: reads,
    async run(_, _call, signal) {
      signal.throwIfAborted()
      const open = await tasks.open()
      const items = open.map((task) => ({
        id: task.id,
        state: task.blockedReason ?? task.state,
        tries: task.attempts,
        prompt: task.prompt.slice(0, 500),
        owner: !isModels(task),
      }))
      const trust = open.some(({ origin }) => origin.trust === 'untrusted') ? 'untrusted' : 'trusted'
      return { output: listing(items, 'No task is unfinished'), origin: { author: { kind: 'tool', name: 'task' }, trust, private: true } }
    },
  }
}

const updateInput = z.strictObject({ id, prompt })
function taskUpdate({ tasks, turnOf }: TaskTools, undo: UndoLog): Tool<z.infer<typeof updateInput>> {
  return {
    name: 'task_update',
    description: 'Change a waiting task of yours.',
    input: updateInput,
    manifest: { ...writes, content: ['prompt'] },
    async run(input, call, signal) {
      signal.throwIfAborted()
      const task = await own(tasks, input.id)
      const author = await modelAuthor(call, turnOf)
      if (author === null) throw refused('what a model planned changes no task')
      const { prompt: before, origin } = task
      const after = hashOfTask({ prompt: input.prompt, origin: author.origin })
      // An earlier process changed it already.
      if (hashOfTask(task) === after) return { output: 'Changed' }
      await undo.keep(call, `changed ${task.id}`, { kind: 'task', id: task.id, before: { prompt: before, origin }, after })
      await tasks.update(task.id, { prompt: input.prompt }, author)
      return { output: 'Changed' }
    },
  }
}

const cancelInput = z.strictObject({ id })
function taskCancel({ tasks }: TaskTools, undo: UndoLog): Tool<z.infer<typeof cancelInput>> {
  return {
    name: 'task_cancel',
    description: 'Cancel a task of yours.',
    input: cancelInput,
    manifest: writes,
    async run(input, call, signal) {
      signal.throwIfAborted()
      const task = await own(tasks, input.id)
      if (task.state === 'cancelled') return { output: 'Cancelled' }
      const { prompt: before, origin } = task
      await undo.keep(call, `cancelled ${task.id}`, { kind: 'task', id: task.id, before: { prompt: before, origin }, after: '' })
      await tasks.cancel(task.id, 'model')
      return { output: 'Cancelled' }
    },
  }
}

/** Hex SHA-256 of what a task says and of who wrote it. */
export function hashOfTask({ prompt: said, origin }: Pick<Task, 'prompt' | 'origin'>): string {
  return createHash('sha256')
    .update(canonicalJson({ prompt: said, origin }))
    .digest('hex')
}

async function own(tasks: ModelTasks, taskId: string): Promise<Task> {
  const task = await tasks.find(taskId)
  if (task === null) throw new AppError('task/not-found', taskId)
  if (!isModels(task)) throw refused('it is the owner’s own', `The owner can: cara task cancel ${taskId}`)
  return task
}

function isModels({ origin }: Task): boolean {
  return origin.author.kind !== 'owner'
}

function refused(why: string, hint = 'The owner can: cara task create'): AppError {
  return new AppError('task/invalid', why, { hint })
}
