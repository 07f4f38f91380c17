/** Forgets what is older than the owner wants it kept, in the background: a short commit, a pause, the next. Messages pass in between. */
import type { Clock } from '../contracts/clock.ts'
import type { Log } from '../contracts/log.ts'
import type { Forgotten } from '../contracts/store.ts'
import { oneAtATime } from '../std/one-at-a-time.ts'

export interface ForgetOptions {
  /** One pass, by steps. */
  readonly steps: () => AsyncIterable<Forgotten>
  readonly clock: Clock
  readonly log: Log
}

export interface Forgetting {
  /** One pass now; resolves with the rows that went, by table. */
  now(): Promise<Readonly<Record<string, number>>>
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>
}

/** A start is busy enough. */
const FIRST_MS = 10_000
const EVERY_MS = 3_600_000
const PAUSE_MS = 20

export function forgetInBackground({ steps, clock, log }: ForgetOptions): Forgetting {
  const stopped = new AbortController()
  const inTurn = oneAtATime()

  async function pass(): Promise<Readonly<Record<string, number>>> {
    const sums: Record<string, number> = {}
    for await (const { table, rows } of steps()) {
      if (rows > 0) sums[table] = (sums[table] ?? 0) + rows
      await clock.sleep(PAUSE_MS, stopped.signal)
    }
    if (Object.keys(sums).length > 0) log.info('retention.forgot', sums)
    return sums
  }

  async function repeat(): Promise<void> {
    for (let wait = FIRST_MS; ; wait = EVERY_MS) {
      await clock.sleep(wait, stopped.signal)
      try {
        await inTurn(pass)
      } catch (error) {
        if (stopped.signal.aborted) return
        // The next pass tries again; a database that cannot be written shows elsewhere.
        log.error('retention.failed', { error })
      }
    }
  }

  const repeating = repeat().catch(() => undefined)
  return {
    now: () => inTurn(pass),
    async stop() {
      stopped.abort()
      await repeating
      await inTurn(async () => undefined)
    },
  }
}
