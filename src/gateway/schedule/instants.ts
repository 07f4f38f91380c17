/** When a schedule is due. The code of cron expressions is loaded by the first of them. */
import type { Schedule } from '../../contracts/schedule.ts'

export interface Instants {
  /** The first instant after this one; null when none comes. */
  readonly next: (after: number) => number | null
}

export async function instantsOf(schedule: Schedule): Promise<Instants> {
  if (schedule.kind === 'at') return { next: (after) => (schedule.at > after ? schedule.at : null) }
  if (schedule.kind === 'every') {
    const { everyMs, anchorAt } = schedule
    return { next: (after) => anchorAt + (Math.floor(Math.max(0, after - anchorAt) / everyMs) + 1) * everyMs }
  }
  const { cronInstants } = await import('./cron-instants.ts')
  return cronInstants(schedule.expression, schedule.timeZone)
}

/** Of what is enumerated at once. */
const MAX_INSTANTS = 10_000
const FIRST_WINDOW_MS = 60_000

/** The newest instants in [from, now], at most `count`, the oldest first, and whether there are earlier ones in that span. */
export function newestInstants(
  { next }: Instants,
  from: number,
  now: number,
  count: number,
): { readonly instants: readonly number[]; readonly hasEarlier: boolean } {
  for (let window = FIRST_WINDOW_MS; ; window *= 2) {
    const start = Math.max(from, now - window)
    const found: number[] = []
    let seen = 0
    for (let at = next(start - 1); at !== null && at <= now && seen < MAX_INSTANTS; at = next(at)) {
      seen++
      found.push(at)
      if (found.length > count) found.shift()
    }
    if (start === from || found.length >= count) {
      const first = found[0]
      return { instants: found, hasEarlier: seen > count || (first !== undefined && start > from && (next(from - 1) ?? first) < first) }
    }
  }
}
