/** Takes the model's writes back, for the owner. What somebody changed since stays unless he says so; what never happened (a crash before the write) is only marked. */
import { rm } from 'node:fs/promises'
import { AppError } from '../contracts/errors.ts'
import type { AuditTrail } from '../contracts/audit.ts'
import type { JobStore } from '../contracts/schedule.ts'
import type { MemoryStore } from '../contracts/store.ts'
import { ENDED, type ModelTasks } from '../contracts/task.ts'
import type { Change, KeptCopy, UndoLog, UndoStep, UndoStore } from '../contracts/undo.ts'
import type { OneAtATime } from '../std/one-at-a-time.ts'
import { hashOf, streamOf } from './file-content.ts'
import { holdParent } from './held-folder.ts'
import { hashOfJob } from './cron.ts'
import { hashOfRecord } from './memory.ts'
import { holdBoth, identityOf, markOf, move } from './move-file.ts'
import { openForChange, replaceFile } from './replace-file.ts'
import { hashOfTask } from './task.ts'

export interface UndoDeps {
  readonly store: UndoStore
  readonly log: UndoLog
  readonly memory: MemoryStore
  readonly jobs: JobStore
  readonly tasks: ModelTasks
  readonly audit: AuditTrail
  readonly now: () => number
  /** Nothing is taken back while a tool writes. */
  readonly inTurn: OneAtATime
}

type ChangeOf<K extends Change['kind']> = Extract<Change, { readonly kind: K }>

/** Throws what `Undo.apply` says. */
export function takeBack(id: string, { force }: { readonly force: boolean }, deps: UndoDeps): Promise<UndoStep> {
  const { store, audit, now } = deps
  return deps.inTurn(async () => {
    const step = await store.get(id)
    if (step === null) throw new AppError('undo/not-found', undefined, { hint: '`cara undo` lists what can be taken back' })
    if (step.undoneAt !== null) throw new AppError('undo/done')
    await audit.keep({ kind: 'undone', turn: step.turnId, tool: step.tool, step: id, force })
    await restore(step.change, force, deps)
    const undoneAt = now()
    await store.markUndone(id, undoneAt)
    return { ...step, undoneAt }
  })
}

function restore(change: Change, force: boolean, { memory, jobs, tasks, log, now }: UndoDeps): Promise<void> {
  if (change.kind === 'memory') return takeBackMemory(change, memory, force, now())
  if (change.kind === 'job') return takeBackJob(change, jobs, force)
  if (change.kind === 'task') return takeBackTask(change, tasks, force)
  return change.kind === 'file' ? takeBackFile(change, log, force) : takeBackMove(change, log, force)
}

async function takeBackMemory({ key, before, after }: ChangeOf<'memory'>, memory: MemoryStore, force: boolean, now: number): Promise<void> {
  const current = await memory.read(key)
  const hash = current === null ? null : hashOfRecord(current)
  if (hash === (before === null ? null : hashOfRecord(before))) return
  if (hash !== after && !force) throw changed()
  if (before === null) await memory.delete(key)
  // With the origin that it had: a record does not come back more trusted.
  else await memory.write({ key, ...before, now })
}

async function takeBackJob({ name, before, after }: ChangeOf<'job'>, jobs: JobStore, force: boolean): Promise<void> {
  const current = await jobs.named(name)
  if (before === null) {
    if (current === null) return
    if (hashOfJob(current) !== after && !force) throw changed()
    await jobs.remove(current.id)
    return
  }
  if (current?.id === before.id) return
  if (current !== null && !force) throw changed()
  if (current !== null) await jobs.remove(current.id)
  // With the origin that it had.
  await jobs.add(before, Number.MAX_SAFE_INTEGER)
}

async function takeBackTask({ id, before, after }: ChangeOf<'task'>, tasks: ModelTasks, force: boolean): Promise<void> {
  const current = await tasks.find(id)
  if (before === null) {
    // What a run of it did has its own steps.
    if (current === null || ENDED.has(current.state)) return
    if (hashOfTask(current) !== after && !force) throw changed()
    await tasks.cancel(id, 'owner')
    return
  }
  if (current === null) throw new AppError('undo/gone', 'the task')
  const { credential } = current
  if (after === '') {
    if (current.state === 'cancelled') await tasks.retry(id, { origin: before.origin, credential, by: 'owner' })
    return
  }
  if (hashOfTask(current) === hashOfTask(before)) return
  if (hashOfTask(current) !== after && !force) throw changed()
  // With the origin that it had.
  await tasks.update(id, { prompt: before.prompt }, { origin: before.origin, credential, by: 'owner' })
}

async function takeBackFile({ place, before, after }: ChangeOf<'file'>, log: UndoLog, force: boolean): Promise<void> {
  const { folder, name } = await holdParent(place, before !== null)
  try {
    const there = await openForChange(folder, name)
    try {
      const hash = there === null ? null : await hashOf(streamOf(there.handle))
      if (hash === (before?.hash ?? null)) return
      if (hash !== after && !force) throw changed()
      if (before === null) {
        await folder.verify()
        await rm(folder.at(name))
        await folder.sync()
      } else await putBack({ folder, name }, before, there?.stats ?? null, log)
    } finally {
      await there?.handle.close()
    }
  } finally {
    await folder.close()
  }
}

async function takeBackMove({ from, to, before, after }: ChangeOf<'move'>, log: UndoLog, force: boolean): Promise<void> {
  await holdBoth(
    from,
    to,
    async (source, target) => {
      const [there, moved] = [await source.folder.look(source.name), await target.folder.look(target.name)]
      const isBack = there !== null && (await markOf(source, there)) === after
      if (isBack && moved !== null && identityOf(moved) === identityOf(there)) await rm(target.folder.at(target.name))
      else if (!isBack) {
        if (moved === null) throw new AppError('undo/gone', 'nothing is where it was moved to')
        if (there !== null) throw new AppError('file/exists', 'where it was moved from', { hint: 'Move that away first' })
        if ((await markOf(target, moved)) !== after && !force) throw changed()
        await move(target, source, moved, false)
      }
      if (before !== null && (await target.folder.look(target.name)) === null) await putBack(target, before, null, log)
    },
    true,
  )
}

async function putBack(place: Parameters<typeof move>[0], before: KeptCopy, known: Parameters<typeof replaceFile>[2]['known'], log: UndoLog): Promise<void> {
  const hash = await hashOf(log.read(before)).catch(() => null)
  if (hash !== before.hash) throw new AppError('undo/gone')
  await replaceFile(place.folder, place.name, { content: log.read(before), known, mode: before.mode, ready: () => Promise.resolve() })
}

function changed(): AppError {
  return new AppError('undo/changed', undefined, { hint: 'Take it back all the same with --force' })
}
