/** One at a time, in the order of asking. Who waits can give up; more than so many may not wait. */
import { AppError } from '../../contracts/errors.ts'

export type Turnstile = <T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T>

export function createTurnstile(maxWaiting: number): Turnstile {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return async (signal, work) => {
    signal.throwIfAborted()
    if (waiting > maxWaiting) throw new AppError('tool/failed', 'too many commands wait for the one that runs', { retryAfterMs: 5000 })
    waiting++
    const turn = last.then(async () => {
      signal.throwIfAborted()
      return work()
    })
    last = turn.then(
      () => waiting--,
      () => waiting--,
    )
    return turn
  }
}
