/** Whether there is anything to do, before a model is asked. All conditions of a job must hold; what cannot be told does not hold, and says so. */
import { exposed } from '../../contracts/errors.ts'
import type { EgressFetch } from '../../contracts/egress.ts'
import type { Condition, Job } from '../../contracts/schedule.ts'
import type { MemoryStore } from '../../contracts/store.ts'
import { zoneNamed } from '../../std/time-zone.ts'
import type { FileAccess } from '../../tools/file-access.ts'
import { fileMark, isSameMark, pageMark } from '../../tools/look-for-change.ts'

export interface ConditionDeps {
  readonly memory: Pick<MemoryStore, 'read'>
  readonly files: FileAccess
  readonly fetch: EgressFetch
  readonly timeZone: string
}

/** `marks`: what is remembered where it runs; `why`: of the first condition that does not hold, else null. */
export interface Checked {
  readonly why: string | null
  readonly marks: Readonly<Record<string, string>>
}

export async function checkConditions(job: Job, now: number, deps: ConditionDeps, signal: AbortSignal): Promise<Checked> {
  const marks: Record<string, string> = {}
  // The cheap ones first.
  for (const condition of [...job.onlyIf].sort((a, b) => COST[a.kind] - COST[b.kind])) {
    const name = nameOf(condition)
    try {
      const why = await whyNot(condition, job, now, marks, name, deps, signal)
      if (why !== null) return { why, marks: {} }
    } catch (error) {
      return { why: `${name}: ${exposed(error).message}`, marks: {} }
    }
  }
  return { why: null, marks }
}

const COST: Readonly<Record<Condition['kind'], number>> = { between: 0, note: 1, file: 2, page: 3 }

async function whyNot(
  condition: Condition,
  { marks: before, schedule }: Job,
  now: number,
  marks: Record<string, string>,
  name: string,
  { memory, files, fetch, timeZone }: ConditionDeps,
  signal: AbortSignal,
): Promise<string | null> {
  switch (condition.kind) {
    case 'between': {
      const minute = minuteOf(now, schedule.kind === 'cron' ? schedule.timeZone : timeZone)
      const [from, to] = [minuteIn(condition.from), minuteIn(condition.to)]
      // Over midnight where it ends before it begins.
      const isIn = from <= to ? minute >= from && minute < to : minute >= from || minute < to
      return isIn ? null : `it was not ${name}`
    }
    case 'note':
      return (await memory.read(condition.key)) === null ? `there is no ${name}` : null
    case 'file':
    case 'page': {
      const known = before[name] ?? null
      const mark = condition.kind === 'file' ? await fileMark(condition.path, files) : await pageMark(condition.url, known, fetch, signal)
      marks[name] = mark
      return isSameMark(mark, known) ? `${name} had not changed` : null
    }
    default:
      return condition satisfies never
  }
}

function nameOf(condition: Condition): string {
  if (condition.kind === 'between') return `between ${condition.from} and ${condition.to}`
  if (condition.kind === 'note') return `note ${condition.key}`
  return condition.kind === 'file' ? `file ${condition.path}` : `page ${condition.url}`
}

function minuteOf(now: number, zone: string): number {
  return Math.floor(((now + zoneNamed(zone).offsetAt(now)) % DAY_MS) / MINUTE_MS)
}

function minuteIn(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3))
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
