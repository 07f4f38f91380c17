/** Every instant of a cron expression against a reference that walks through all minutes of the time around it, over zones, years and changes of the clocks. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { cronInstants } from './cron-instants.ts'
import { instantsOf, newestInstants } from './instants.ts'

const MINUTE = 60_000
const QUARTER = 15 * MINUTE
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'Europe/London',
  'America/New_York',
  'America/Sao_Paulo',
  'America/St_Johns',
  'America/Havana',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Asia/Gaza',
  'Asia/Kathmandu',
  'Pacific/Apia',
  'Antarctica/Troll',
  'Atlantic/Azores',
] as const

/** What the local clock shows, from `Intl` alone. */
function clockOf(zone: string) {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  })
  /** Since long before these years every zone is set on a quarter of an hour. */
  const ahead = new Map<number, number>()
  return (instant: number): number => {
    const quarter = Math.floor(instant / QUARTER) * QUARTER
    let offset = ahead.get(quarter)
    if (offset === undefined) {
      const parts = Object.fromEntries(format.formatToParts(quarter).map(({ type, value }) => [type, Number(value)]))
      offset = Date.UTC(parts['year'] ?? 0, (parts['month'] ?? 1) - 1, parts['day'], parts['hour'], parts['minute']) - quarter
      ahead.set(quarter, offset)
    }
    return instant + offset
  }
}

const clocks = new Map(ZONES.map((zone) => [zone, clockOf(zone)] as const))

interface Fields {
  readonly minute: readonly number[] | null
  readonly hour: readonly number[] | null
  readonly day: readonly number[] | null
  readonly month: readonly number[] | null
  readonly weekday: readonly number[] | null
}

/** As `man 5 crontab` says: of day and weekday one is enough where both are restricted. */
function matches(local: number, { minute, hour, day, month, weekday }: Fields): boolean {
  const date = new Date(local)
  const isIn = (values: readonly number[] | null, value: number) => values === null || values.includes(value)
  if (!isIn(minute, date.getUTCMinutes()) || !isIn(hour, date.getUTCHours()) || !isIn(month, date.getUTCMonth() + 1)) return false
  if (day !== null && weekday !== null) return day.includes(date.getUTCDate()) || weekday.includes(date.getUTCDay())
  return isIn(day, date.getUTCDate()) && isIn(weekday, date.getUTCDay())
}

/** All instants in [from, until), minute by minute. */
function reference(fields: Fields, zone: (typeof ZONES)[number], from: number, until: number): readonly number[] {
  const local = clocks.get(zone) ?? clockOf(zone)
  const found: number[] = []
  for (let instant = from; instant < until; instant += MINUTE) {
    const [now, before] = [local(instant), local(instant - MINUTE)]
    let isDue = matches(now, fields)
    // Shown before: only what names every hour comes again.
    if (isDue && fields.hour !== null) for (let back = MINUTE; back <= 3 * HOUR && isDue; back += MINUTE) if (local(instant - back) === now) isDue = false
    // Skipped by the clocks: at the first instant after.
    for (let skipped = before + MINUTE; skipped < now && !isDue; skipped += MINUTE) isDue = matches(skipped, fields)
    if (isDue) found.push(instant)
  }
  return found
}

const some = (min: number, max: number) =>
  fc.oneof({ weight: 2, arbitrary: fc.constant(null) }, fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 5 }))
const fields = fc.record<Fields>({
  minute: fc.oneof(fc.constantFrom([0], [30], [0, 30], [59], [0, 20, 40]), some(0, 59)),
  hour: fc.oneof(fc.constantFrom([0], [1], [2], [3], [0, 1, 2, 3], [23]), some(0, 23)),
  day: some(1, 28),
  month: some(1, 12),
  weekday: some(0, 6),
})
const written = ({ minute, hour, day, month, weekday }: Fields) => [minute, hour, day, month, weekday].map((values) => values?.join(',') ?? '*').join(' ')

/** Days around which the clocks of these zones were set, beside any other. */
const moments = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '2026-03-29',
      '2026-10-25',
      '2026-03-08',
      '2026-11-01',
      '2026-04-05',
      '2026-10-04',
      '2011-12-30',
      '2018-11-04',
      '2026-02-15',
      '2026-03-28',
      '2024-02-29',
    ),
  },
  fc.integer({ min: Date.UTC(2005, 0), max: Date.UTC(2045, 0) }).map((at) => new Date(at).toISOString().slice(0, 10)),
)

describe('a cron expression', () => {
  it('is due at exactly the instants that a walk through all minutes finds, in every zone and at every change of its clocks', () => {
    fc.assert(
      fc.property(fields, fc.constantFrom(...ZONES), moments, (given, zone, day) => {
        const from = Date.parse(`${day}T00:00:00Z`) - 14 * HOUR
        const until = from + 2 * DAY
        const { next } = cronInstants(written(given), zone)
        const found: number[] = []
        for (let at = next(from - 1); at !== null && at < until; at = next(at)) found.push(at)
        const iso = (instants: readonly number[]) => instants.map((at) => new Date(at).toISOString())
        assert.deepEqual(iso(found), iso(reference(given, zone, from, until)), `${written(given)} ${zone} ${day}`)
      }),
      { numRuns: 150 },
    )
  })

  it('is asked from any instant with the same answer: the first one after it', () => {
    fc.assert(
      fc.property(fields, fc.constantFrom(...ZONES), moments, fc.integer({ min: 0, max: 2 * DAY }), (given, zone, day, offset) => {
        const { next } = cronInstants(written(given), zone)
        const from = Date.parse(`${day}T00:00:00Z`)
        const asked = from + offset
        let expected = next(from)
        while (expected !== null && expected <= asked) expected = next(expected)
        assert.equal(next(asked), expected)
      }),
      { numRuns: 60 },
    )
  })

  it('skipped by the clocks comes at the first instant after, and twice shown comes once', () => {
    const all = (expression: string, from: string, count: number) => {
      const { next } = cronInstants(expression, 'Europe/Berlin')
      const found: string[] = []
      for (let at = next(Date.parse(from)); at !== null && found.length < count; at = next(at)) found.push(new Date(at).toISOString().slice(0, 16))
      return found
    }
    assert.deepEqual(all('30 2 * * *', '2026-03-28T12:00Z', 2), ['2026-03-29T01:00', '2026-03-30T00:30'])
    assert.deepEqual(all('30 2 * * *', '2026-10-24T12:00Z', 2), ['2026-10-25T00:30', '2026-10-26T01:30'])
    assert.deepEqual(all('0,20,40 2 * * *', '2026-03-28T12:00Z', 2), ['2026-03-29T01:00', '2026-03-30T00:00'])
    assert.deepEqual(all('0 * * * *', '2026-10-24T23:30Z', 4), ['2026-10-25T00:00', '2026-10-25T01:00', '2026-10-25T02:00', '2026-10-25T03:00'])
  })
})

it('every: the first time is one period after it was made, also for whoever looks a moment before that', async () => {
  const { next } = await instantsOf({ kind: 'every', everyMs: 60 * MINUTE, anchorAt: 1000 })
  for (const after of [0, 999, 1000, 1001]) assert.equal(next(after), 1000 + 60 * MINUTE)
  assert.equal(next(1000 + 60 * MINUTE), 1000 + 120 * MINUTE)
})

describe('the newest instants of a span', () => {
  it('are those of a walk from its beginning', async () => {
    const every = (minutes: number) => ({ kind: 'every', everyMs: minutes * MINUTE, anchorAt: Date.UTC(2026, 0) }) as const
    const cron = (expression: string) => ({ kind: 'cron', expression, timeZone: 'Europe/Berlin' }) as const
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.integer({ min: 1, max: 3000 }).map(every), fc.constantFrom('0 * * * *', '30 2 * * *', '0 8 * * 1', '0 0 1 * *', '*/7 2,3 * * *').map(cron)),
        fc.integer({ min: 0, max: 40 * 24 * 60 }),
        fc.integer({ min: 0, max: 60 * 24 * 60 }),
        fc.integer({ min: 1, max: 24 }),
        async (schedule, start, length, count) => {
          const instants = await instantsOf(schedule)
          const from = Date.UTC(2026, 9, 1) + start * MINUTE
          const now = from + length * MINUTE
          const walked: number[] = []
          for (let at = instants.next(from - 1); at !== null && at <= now && walked.length < 2000; at = instants.next(at)) walked.push(at)
          if (walked.length === 2000) return
          const { instants: found, hasEarlier } = newestInstants(instants, from, now, count)
          assert.deepEqual(found, walked.slice(-count))
          assert.equal(hasEarlier, walked.length > count)
        },
      ),
      { numRuns: 80 },
    )
  })
})
