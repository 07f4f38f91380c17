import * as z from 'zod'
import { AppError } from '../contracts/errors.ts'
import type { Tool } from '../contracts/tool.ts'
import { nearestOf } from '../std/nearest.ts'
import { reading } from './reading.ts'

const input = z.strictObject({ timezone: z.string().min(1).max(64).optional().describe('IANA name') })

export function currentTime(now: () => number, ownZone: string): Tool<z.infer<typeof input>> {
  return {
    name: 'current_time',
    description: 'Current date, time, weekday and UTC offset.',
    input,
    manifest: reading({ trust: 'trusted', private: false, curated: false, records: false }),
    async run({ timezone = ownZone }) {
      return { output: JSON.stringify(timeIn(timezone, now())) }
    },
  }
}

function timeIn(timezone: string, now: number) {
  const part = fieldsOf(timezone, now)
  const offset = part('timeZoneName').replace('GMT', '') || '+00:00'
  return {
    iso: `${part('year')}-${part('month')}-${part('day')}T${part('hour')}:${part('minute')}:${part('second')}${offset}`,
    weekday: part('weekday'),
    timezone,
    offset,
  }
}

function fieldsOf(timeZone: string, now: number): (type: string) => string {
  try {
    const digits = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' } as const
    const format = new Intl.DateTimeFormat('en-US', { timeZone, ...digits, weekday: 'long', hourCycle: 'h23', timeZoneName: 'longOffset' })
    const fields = new Map<string, string>(format.formatToParts(now).map(({ type, value }) => [type, value]))
    return (type) => fields.get(type) ?? ''
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const near = zonesNear(timeZone)
    throw new AppError(
      'tool/invalid-input',
      `unknown time zone ${timeZone}; ${near.length === 0 ? 'use an IANA name such as Europe/Berlin' : `did you mean ${near.join(' or ')}?`}`,
    )
  }
}

/** By the whole name, or by the city alone. */
function zonesNear(name: string): readonly string[] {
  const zones = Intl.supportedValuesOf('timeZone')
  const city = (zone: string) => zone.split('/').at(-1) ?? zone
  const cities = nearestOf(city(name).replaceAll(' ', '_'), zones.map(city), 2)
  return [...new Set([...nearestOf(name, zones, 2), ...zones.filter((zone) => cities.includes(city(zone)))])].slice(0, 3)
}
