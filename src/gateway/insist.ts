/** A write that a turn cannot go on without, or cannot end without: tried again for a while where the store may take it yet. It must be one that may be made twice. */
import type { Clock } from '../contracts/clock.ts'
import { AppError } from '../contracts/errors.ts'

const PAUSES_MS = [50, 250, 1000, 4000]
/** A store that is patient itself is not asked again. */
const PATIENCE_MS = 8000

/** Throws what the last try threw. */
export async function insist(write: () => Promise<void>, clock: Clock, signal: AbortSignal): Promise<void> {
  const until = clock.now() + PATIENCE_MS
  for (const pause of PAUSES_MS) {
    try {
      return await write()
    } catch (error) {
      if (!isUnavailable(error) || signal.aborted || clock.now() + pause > until) throw error
      await clock.sleep(pause, signal).catch(() => undefined)
      if (signal.aborted) throw error
    }
  }
  return write()
}

export function isUnavailable(error: unknown): boolean {
  return error instanceof AppError && error.code === 'store/unavailable'
}
