/**
 * Tries passwords: few at once, since each costs 64 MiB and a quarter of a second, and not too many a minute over all addresses together. The guard has counted the trial against its
 * address already; all counting here happens before anything is awaited. Loaded by the first login.
 */
import { AppError } from '../../contracts/errors.ts'
import type { FailedAttempts } from '../stages/request/rate-limits.ts'

const MAX_AT_ONCE = 2

export class PasswordGate {
  /** Wrong ones a minute, from wherever. */
  readonly #all: FailedAttempts
  readonly #isPassword: (given: string) => Promise<boolean>
  readonly #now: () => number
  #running = 0

  constructor(isPassword: (given: string) => Promise<boolean>, all: FailedAttempts, now: () => number) {
    this.#isPassword = isPassword
    this.#all = all
    this.#now = now
  }

  /** Throws `auth/locked-out` and `request/rate-limited`. */
  async try(given: string): Promise<boolean> {
    const waitMs = this.#all.count('all', this.#now())
    if (waitMs > 0) throw new AppError('auth/locked-out', 'too many wrong passwords from everywhere', { retryAfterMs: waitMs })
    if (this.#running >= MAX_AT_ONCE) throw new AppError('request/rate-limited', 'passwords are being checked', { retryAfterMs: 1000 })
    this.#running++
    try {
      const isRight = await this.#isPassword(given)
      if (isRight) this.#all.forgive('all')
      return isRight
    } finally {
      this.#running--
    }
  }
}
