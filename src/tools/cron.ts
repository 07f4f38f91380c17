/**
 * Work that the model wants done later. A job keeps the origin of the conversation that it was made in, and is never the owner's word when it runs: writing something down for later earns
 * nothing that may not be done now. What belongs to the owner is not touched here.
 */
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { canonicalJson } from '../std/canonical-json.ts'
import { AppError } from '../contracts/errors.ts'
import type { Job, ModelJobs } from '../contracts/schedule.ts'
import type { AnyTool, Tool, ToolManifest } from '../contracts/tool.ts'
import type { UndoLog } from '../contracts/undo.ts'
import { listing } from './listing.ts'
import { modelAuthor, type TurnOf } from './model-author.ts'
import { reading } from './reading.ts'

export interface JobTools {
  readonly book: ModelJobs
  readonly turnOf: TurnOf
}

const MAX_JOBS = 20
const MIN_PAUSE_MS = 600_000
const returns = { trust: 'trusted', private: false, curated: false, records: false } as const
const reads = reading({ trust: 'trusted', private: true, curated: false, records: false })
const writes: ToolManifest = { ...reads, effect: 'write', effectWithoutDestination: 'write', recovery: 'keyed', returns }
const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/)
const time = z.string().max(100).optional()

export function cronTools(jobs: JobTools, undo: UndoLog): readonly AnyTool[] {
  return [cronAdd(jobs, undo), cronList(jobs), cronRemove(jobs, undo)]
}

const addInput = z.strictObject({ name, prompt: z.string().min(1).max(8000), at: time, every: time, cron: time })
function cronAdd({ book, turnOf }: JobTools, undo: UndoLog): Tool<z.infer<typeof addInput>> {
  return {
    name: 'cron_add',
    description: 'Schedule a prompt for yourself: at (2026-12-24T18:00 or 20m), every (30m) or cron (0 8 * * 1-5).',
    input: addInput,
    manifest: { ...writes, content: ['name', 'prompt'] },
    async run({ name, prompt, at, every, cron }, call, signal) {
      signal.throwIfAborted()
      const schedule = { at, every, cron }
      const known = (await book.list()).find((job) => job.name === name)
      // An earlier process made it already, by this very call.
      if (known !== undefined && known.prompt === prompt && (await undo.find(call)) !== null) return { output: saved(known) }
      const author = await modelAuthor(call, turnOf)
      if (author === null) throw refused('what a model planned makes no job')
      const mine = (await book.list()).filter((job) => isModels(job) && job.nextAt !== null)
      if (mine.length >= MAX_JOBS) throw refused(`there are ${MAX_JOBS} jobs of models already`)
      if (known !== undefined && (known.nextAt !== null || known.isPaused)) throw new AppError('cron/exists', name)
      const instants = await book.preview(schedule, 50)
      if (instants.some((instant, index) => index > 0 && instant - (instants[index - 1] ?? 0) < MIN_PAUSE_MS))
        throw refused('its runs are less than ten minutes apart')
      await undo.keep(call, `scheduled ${name}`, { kind: 'job', name, before: null, after: hashOfJob({ name, prompt, origin: author.origin }) })
      const job = await book.add({ name, prompt, schedule }, author)
      return { output: saved(job) }
    },
  }
}

function cronList({ book }: JobTools): Tool<Record<string, never>> {
  return {
    name: 'cron_list',
    description: 'Scheduled jobs.',
    input: z.strictObject({}),
    manifest: reads,
    async run(_, _call, signal) {
      signal.throwIfAborted()
      const jobs = await book.list()
      const items = jobs.map((job) => ({ name: job.name, prompt: job.prompt.slice(0, 500), next: next(job), owner: !isModels(job) }))
      const trust = jobs.some(({ origin }) => origin.trust === 'untrusted') ? 'untrusted' : 'trusted'
      return { output: listing(items, 'Nothing is scheduled'), origin: { author: { kind: 'tool', name: 'cron' }, trust, private: true } }
    },
  }
}

const removeInput = z.strictObject({ name: z.string().max(64) })
function cronRemove({ book }: JobTools, undo: UndoLog): Tool<z.infer<typeof removeInput>> {
  return {
    name: 'cron_remove',
    description: 'Remove a job that you scheduled.',
    input: removeInput,
    manifest: { ...writes, recovery: 'keyed' },
    async run({ name }, call, signal) {
      signal.throwIfAborted()
      const job = (await book.list()).find((each) => each.name === name)
      if (job === undefined && (await undo.find(call)) !== null) return { output: 'Removed' }
      if (job === undefined) throw new AppError('cron/not-found', name)
      if (!isModels(job)) throw refused('it is the owner’s own', `The owner can remove it: cara cron remove ${name}`)
      await undo.keep(call, `removed the job ${name}`, { kind: 'job', name, before: job, after: '' })
      await book.remove(name)
      return { output: 'Removed' }
    },
  }
}

/** Hex SHA-256 of what a job says and of who wrote it. */
export function hashOfJob({ name, prompt, origin }: Pick<Job, 'name' | 'prompt' | 'origin'>): string {
  return createHash('sha256').update(canonicalJson({ name, prompt, origin })).digest('hex')
}

function isModels({ origin }: Job): boolean {
  return origin.author.kind !== 'owner'
}

function next({ nextAt }: Job): string {
  return nextAt === null ? 'never' : new Date(nextAt).toISOString()
}

function saved(job: Job): string {
  return `Scheduled; first at ${next(job)}`
}

function refused(why: string, hint = 'The owner can: cara cron add'): AppError {
  return new AppError('cron/invalid', why, { hint })
}
