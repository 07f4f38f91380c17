/** What becomes of a job that is due: which of its instants runs, and what is written down of the others. */
import type { Job, JobClaim } from '../../contracts/schedule.ts'
import { newestInstants, type Instants } from './instants.ts'

/** An instant that is younger is on time: a start, a full gateway or a slow disk may come between. */
const ON_TIME_MS = 300_000
/** Of `missed: all`. */
const MAX_CAUGHT_UP = 24

/** `pass`: no turn comes of this instant. One step at a time; the next one begins where this one leaves the job. */
export type Step = { readonly kind: 'run'; readonly claim: JobClaim } | { readonly kind: 'pass'; readonly claim: JobClaim; readonly note: string }

/** `seenOnTime`: the job was seen when it was due, and had to wait since. */
export function nextStep(job: Job & { readonly nextAt: number }, instants: Instants, now: number, seenOnTime: boolean): Step {
  const { nextAt: dueAt, id: jobId, version } = job
  const claim = (next: number | null): JobClaim => ({ jobId, dueAt, nextAt: next, version })
  const [wanted, following] = newestInstants(instants, dueAt, now, job.missed === 'all' ? MAX_CAUGHT_UP : 1).instants
  const isLate = job.missed === 'skip' && !seenOnTime && now - (wanted ?? 0) > ON_TIME_MS
  const later = instants.next(now)
  if (wanted === undefined || isLate) return { kind: 'pass', claim: claim(later), note: note(wanted ?? dueAt, dueAt) }
  if (wanted === dueAt) return { kind: 'run', claim: claim(following ?? later) }
  return { kind: 'pass', claim: claim(wanted), note: note(instantBefore(instants, dueAt, wanted), dueAt) }
}

function instantBefore(instants: Instants, from: number, until: number): number {
  return newestInstants(instants, from, until - 1, 1).instants[0] ?? from
}

function note(last: number, first: number): string {
  return last <= first ? 'nothing could run then' : `nothing could run then, and until ${new Date(last).toISOString()}`
}
