/** Schedules as people write them. */
import { AppError } from '../../contracts/errors.ts'
import type { Schedule, ScheduleText } from '../../contracts/schedule.ts'
import { instantsOf } from './instants.ts'
import { isTimeZone, zoneNamed } from '../../std/time-zone.ts'

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }
const MINUTE_MS = 60_000
const MAX_MS = 10 * 366 * 86_400_000
const LOCAL_TIME = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d))?(Z|[+-]\d\d:?\d\d)?$/
const FORMS = 'Give one of: at (2026-12-24T18:00, or 20m from now), every (30m), cron ("0 8 * * 1-5")'

/** Throws `cron/invalid`, also for a schedule that is never due. */
export async function readSchedule({ at, every, cron, timeZone }: ScheduleText, now: number, ownZone: string): Promise<Schedule> {
  const zone = timeZone ?? ownZone
  if (!isTimeZone(zone)) throw invalid(`there is no time zone ${zone.slice(0, 64)}`, 'An IANA name, for example Europe/Berlin')
  if ([at, every, cron].filter((form) => form !== undefined).length !== 1) throw invalid('it says not exactly one time', FORMS)
  const schedule = readForm({ at, every, cron }, now, zone)
  if ((await instantsOf(schedule)).next(now) === null) throw invalid('it is never due', schedule.kind === 'at' ? 'Give a time that is still to come' : FORMS)
  return schedule
}

function readForm({ at, every, cron }: ScheduleText, now: number, zone: string): Schedule {
  if (at !== undefined) return { kind: 'at', at: readMoment(at, now, zone) }
  if (every !== undefined) {
    const everyMs = readDuration(every)
    if (everyMs === null || everyMs < MINUTE_MS || everyMs > MAX_MS) throw invalid(`“${every.slice(0, 40)}” is no duration of a minute or more`, FORMS)
    return { kind: 'every', everyMs, anchorAt: now }
  }
  return { kind: 'cron', expression: (cron ?? '').trim(), timeZone: zone }
}

function readMoment(text: string, now: number, zone: string): number {
  const duration = readDuration(text.replace(/^\+/, ''))
  if (duration !== null && duration <= MAX_MS) return now + duration
  const found = LOCAL_TIME.exec(text.trim())
  if (found === null) throw invalid(`“${text.slice(0, 40)}” is no time`, FORMS)
  const [, year, month, day, hour, minute, second = '00', offset] = found
  const asUtc = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`
  const local = Date.parse(asUtc)
  // The 31st of a shorter month would be another day.
  if (Number.isNaN(local) || new Date(local).toISOString().slice(0, 10) !== asUtc.slice(0, 10)) throw invalid(`“${text.slice(0, 40)}” is no time`, FORMS)
  if (offset === undefined) return zoneNamed(zone).instantsOf(local)[0] ?? local
  if (offset === 'Z') return local
  const [hours, minutes] = [Number(offset.slice(1, 3)), Number(offset.slice(-2))]
  return local - (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * MINUTE_MS
}

/** Null for what is none. */
export function readDuration(text: string): number | null {
  const pieces = /^(?:\d{1,6}[smhdw])+$/.test(text) ? text.match(/\d+[smhdw]/g) : null
  if (pieces === null) return null
  return pieces.reduce((sum, piece) => sum + Number(piece.slice(0, -1)) * (UNITS[piece.slice(-1)] ?? 0), 0)
}

function invalid(detail: string, hint: string): AppError {
  return new AppError('cron/invalid', detail, { hint })
}
