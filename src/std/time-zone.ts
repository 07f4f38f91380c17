/**
 * Local times of a zone. A local time is written as the UTC milliseconds that look like it (09:00 in Berlin as 09:00 UTC), so that arithmetic on it knows no zone. Daylight saving skips
 * local times, and gives some twice.
 */
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MAX_ZONES = 64

export interface TimeZone {
  /** Milliseconds that its clocks are ahead of UTC at this instant. */
  readonly offsetAt: (instant: number) => number
  /** The instants that have this local time: one, or two where clocks were set back; where it was skipped, the first instant after the gap. */
  readonly instantsOf: (local: number) => readonly number[]
}

/** Throws `RangeError` for a name that is none. */
export function timeZone(name: string): TimeZone {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
  /** Whole minutes are enough, and are asked for again and again. */
  const known = new Map<number, number>()

  function offsetAt(instant: number): number {
    const second = Math.floor(instant / 1000) * 1000
    const cached = known.get(second)
    if (cached !== undefined) return cached
    const at: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(second)) at[type] = Number(value)
    const offset = Date.UTC(at['year'] ?? 0, (at['month'] ?? 1) - 1, at['day'], at['hour'], at['minute'], at['second']) - second
    if (known.size > 4096) known.clear()
    known.set(second, offset)
    return offset
  }

  /** The first instant of the new offset. */
  function transition(before: number, after: number): number {
    const old = offsetAt(before)
    let [low, high] = [before, after]
    while (high - low > 1000) {
      const middle = Math.floor((low + high) / 2000) * 1000
      if (offsetAt(middle) === old) low = middle
      else high = middle
    }
    return high
  }

  return {
    offsetAt,
    instantsOf(local) {
      // A zone is never more than a day from UTC, so these two stand on both sides of whatever happens around that time.
      const offsets = new Set([offsetAt(local - DAY_MS), offsetAt(local), offsetAt(local + DAY_MS)])
      const found = [...offsets].map((offset) => local - offset).filter((instant) => instant + offsetAt(instant) === local)
      if (found.length > 0) return [...new Set(found)].sort((a, b) => a - b)
      return [transition(local - DAY_MS - HOUR_MS, local + DAY_MS + HOUR_MS)]
    },
  }
}

const zones = new Map<string, TimeZone>()

/** Made once. */
export function zoneNamed(name: string): TimeZone {
  const known = zones.get(name)
  if (known !== undefined) return known
  const zone = timeZone(name)
  if (zones.size >= MAX_ZONES) zones.clear()
  zones.set(name, zone)
  return zone
}

export function isTimeZone(name: string): boolean {
  try {
    timeZone(name)
    return true
  } catch {
    return false
  }
}
