/** A clock that a test turns: `sleep` ends at once and moves the time, or waits for the signal where `holds` is set. */
import type { Clock } from '../../src/contracts/clock.ts'

export interface ManualClock extends Clock {
  /** Milliseconds that were slept, one entry a sleep. */
  readonly slept: number[]
  advance(ms: number): void
}

export function manualClock(start = 1_700_000_000_000): ManualClock {
  let time = start
  const slept: number[] = []
  return {
    slept,
    now: () => time,
    advance: (ms) => void (time += ms),
    async sleep(ms, signal) {
      signal.throwIfAborted()
      slept.push(ms)
      time += ms
    },
  }
}
