/** Lives a day as often as it has writes; each time another of them fails. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database } from '../../src/contracts/store.ts'
import { manualClock, type ManualClock } from '../doubles/manual-clock.ts'
import type { Failure } from './failing-database.ts'

/** Where the store of one day lies. */
export interface Place {
  /** A connection; the same content every time. */
  open(): Promise<Database>
  close(): Promise<void>
}

type Open = (folder: string) => Promise<Place>

/** `Told`: what somebody was told that day, and holds the program to. */
export interface Life<Told> {
  /** With a database that fails where `failsAt` says; how many writes were tried. `isWhole`: nothing fails, so that nobody waits in vain. */
  live(
    place: Place,
    folder: string,
    clock: ManualClock,
    failsAt: (write: number) => Failure | null,
    isWhole: boolean,
  ): Promise<{ readonly tried: number; readonly told: Told }>
  /** After the next start, on a database that works. */
  assertWhole(place: Place, folder: string, clock: ManualClock, told: Told, where: string): Promise<void>
}

/** A folder as every day begins with it. */
export async function inFolder<T>(open: Open, work: (folder: string, place: Place, clock: ManualClock) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-every-'))
  await mkdir(join(folder, 'files'))
  await writeFile(join(folder, 'files', 'a.txt'), 'as it was')
  const place = await open(folder)
  try {
    return await work(folder, place, manualClock())
  } finally {
    await place.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Fails every write once; how many there were. */
export async function failEachWrite<Told>(life: Life<Told>, failure: Failure, open: Open): Promise<number> {
  const { tried } = await inFolder(open, async (folder, place, clock) => {
    const whole = await life.live(place, folder, clock, () => null, true)
    await life.assertWhole(place, folder, clock, whole.told, 'without a failure')
    return whole
  })
  let at = 0
  const work = async (): Promise<void> => {
    for (let mine = ++at; mine <= tried; mine = ++at) {
      const where = `${failure} at write ${mine} of ${tried}`
      try {
        await inFolder(open, async (folder, place, clock) => {
          const { told } = await life.live(place, folder, clock, (write) => (write === mine ? failure : null), false)
          await life.assertWhole(place, folder, clock, told, where)
        })
      } catch (error) {
        // Nobody begins another day.
        at = tried
        throw new Error(`${where}: ${String(error)}`, { cause: error })
      }
    }
  }
  // They wait for their disks more than they work.
  const ends = await Promise.allSettled([work(), work(), work()])
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  return tried
}
