/** Looks at scheduled work when something is due: one timer for the next of it, and never more than a minute ahead, so that a clock that is set is noticed. */
import type { Clock } from '../../contracts/clock.ts'
import type { Log } from '../../contracts/log.ts'
import { oneAtATime } from '../../std/one-at-a-time.ts'

export interface ScheduleLoopDeps {
  /** Says whether all that is due was done, or waits for something that is heard of. */
  readonly work: () => Promise<boolean>
  /** The next time after `now` at which something is due. */
  readonly nextDue: (now: number) => Promise<number | null>
  readonly clockWasSet: () => Promise<void>
  readonly clock: Clock
  /** Milliseconds that no setting of the clock changes. */
  readonly monotonic: () => number
  readonly log: Log
}

const MAX_SLEEP_MS = 60_000
/** After something that may go better soon. */
const RETRY_MS = 5000
/** By so much the clock may drift in a minute. */
const JUMP_MS = 5000

export class ScheduleLoop {
  readonly #deps: ScheduleLoopDeps
  readonly #inTurn = oneAtATime()
  #isStopped = false
  #timer: NodeJS.Timeout | null = null
  #wall: number
  #steady: number

  constructor(deps: ScheduleLoopDeps) {
    this.#deps = deps
    this.#wall = deps.clock.now()
    this.#steady = deps.monotonic()
  }

  /** Happens by itself, too. Never throws. */
  look(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#isStopped) return
      try {
        await this.#noticeJump()
        const atMost = (await this.#deps.work()) ? MAX_SLEEP_MS : RETRY_MS
        const now = this.#deps.clock.now()
        const next = await this.#deps.nextDue(now)
        this.#sleep(next === null ? atMost : Math.min(atMost, Math.max(0, next - now)))
      } catch (error) {
        this.#deps.log.error('cron.unread', { error })
        this.#sleep(RETRY_MS)
      }
    })
  }

  stop(): void {
    this.#isStopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  async #noticeJump(): Promise<void> {
    const { clock, monotonic, log, clockWasSet } = this.#deps
    const [wall, steady] = [clock.now(), monotonic()]
    const jump = wall - this.#wall - (steady - this.#steady)
    ;[this.#wall, this.#steady] = [wall, steady]
    if (Math.abs(jump) < JUMP_MS) return
    log.warn('cron.clock-set', { byMs: jump })
    await clockWasSet()
  }

  #sleep(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#isStopped) return
    this.#timer = setTimeout(() => void this.look(), ms)
    this.#timer.unref()
  }
}
