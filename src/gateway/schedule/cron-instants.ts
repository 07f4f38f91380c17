/**
 * The instants of a cron expression. `croner` reads the five fields and walks through local times; which instants those are is decided here: a local time that the clocks skip comes at
 * the first instant after the gap, one that they give twice comes the first time. An expression that names every hour goes by elapsed time instead, so that it does not pause for an hour.
 */
import { Cron } from 'croner'
import { AppError } from '../../contracts/errors.ts'
import { zoneNamed } from '../../std/time-zone.ts'

/** No clock was ever set back further, but by a whole day at the date line. */
const SET_BACK_MS = 3 * 3_600_000
const NEAR_MS = 26 * 3_600_000
/** Local times that are looked through for one instant. */
const MAX_STEPS = 2000

const FIVE_FIELDS = /^(?:[^\s@]+\s+){4}[^\s@]+$/

export interface CronInstants {
  /** The first instant after this one; null when none comes. */
  readonly next: (after: number) => number | null
}

export function cronInstants(expression: string, zoneName: string): CronInstants {
  const zone = zoneNamed(zoneName)
  const cron = parse(expression)
  const isHourly = namesEveryHour(expression)
  const local = (after: number) => cron.nextRun(new Date(after))?.getTime() ?? null
  const instantsOf = (wanted: number) => (isHourly ? zone.instantsOf(wanted) : zone.instantsOf(wanted).slice(0, 1))

  return {
    next(after) {
      const offsets = [after - NEAR_MS, after, after + NEAR_MS].map(zone.offsetAt)
      // Where the clocks are set near by, local times come again by at most that much.
      const setBack = Math.min(SET_BACK_MS, Math.max(...offsets) - Math.min(...offsets))
      let best: number | null = null
      let at: number | null = after + zone.offsetAt(after) - setBack - 1
      for (let steps = 0; steps < MAX_STEPS; steps++) {
        at = local(at)
        if (at === null) break
        const instants = instantsOf(at)
        for (const instant of instants) if (instant > after && (best === null || instant < best)) best = instant
        // Later local times come no earlier than this one's first instant.
        if ((instants[0] ?? 0) > after) break
      }
      return best
    },
  }
}

function parse(expression: string): Cron {
  try {
    if (!FIVE_FIELDS.test(expression)) throw new RangeError('not five fields')
    return new Cron(expression, { timezone: 'UTC', paused: true, mode: '5-part' })
  } catch (error) {
    throw new AppError('cron/invalid', `“${expression.slice(0, 100)}” is no cron expression of five fields`, {
      hint: 'minute hour day-of-month month day-of-week, for example: 0 8 * * 1-5',
      cause: error,
    })
  }
}

function namesEveryHour(expression: string): boolean {
  const [, hour = ''] = expression.trim().split(/\s+/)
  return hour === '*' || hour === '*/1' || hour === '0-23'
}
