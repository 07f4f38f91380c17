/** Renews the leases of what runs here, notices what stands still, and finds what others have left. A turn that ends sooner than the first look costs nothing. */
import type { Clock } from '../contracts/clock.ts'
import type { Log } from '../contracts/log.ts'
import type { Lease, TurnLeases } from '../contracts/turn-lease.ts'

export interface LeaseWatchDeps {
  readonly leases: TurnLeases
  readonly owner: string
  /** The longest that a run may take by its own budget. */
  readonly maxRunMs: () => number
  /** These turns lost their owners. */
  readonly onLapsed: (turnIds: readonly string[]) => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

/** Where others wait to take over, they must not wait long. */
const SHARED = { leaseMs: 5000, lookMs: 1000 }
const ALONE = { leaseMs: 6000, lookMs: 2000 }

/** A run that goes on beyond its budgets: nothing of it is waited for any more. */
export const STUCK = 'stuck'

/** What a run may need to end after its time. */
const GRACE_MS = 30_000
const MAX_LAPSED = 100

export class LeaseWatch {
  readonly #deps: LeaseWatchDeps
  readonly #times: typeof SHARED
  readonly #runs = new Set<{ readonly since: number; readonly giveUp: () => void }>()
  #timer: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(deps: LeaseWatchDeps) {
    this.#deps = deps
    this.#times = deps.leases.isShared ? SHARED : ALONE
    if (deps.leases.isShared) this.#start()
  }

  /** From now on. */
  lease(): Lease {
    return { owner: this.#deps.owner, until: this.#deps.clock.now() + this.#times.leaseMs }
  }

  /** The new fence; null where somebody else holds the turn, or it has ended. */
  claim(turnId: string): Promise<number | null> {
    const { leases, clock } = this.#deps
    return leases.claim(turnId, this.lease(), leases.isShared ? clock.now() : Number.MAX_SAFE_INTEGER)
  }

  /** What `run` comes to, unless it takes longer than it can. */
  over<T>(run: Promise<T>): Promise<T | typeof STUCK> {
    return new Promise((resolve, reject) => {
      const watched = { since: this.#deps.clock.now(), giveUp: () => resolve(STUCK) }
      this.#runs.add(watched)
      this.#start()
      run.then(resolve, reject).finally(() => this.#runs.delete(watched))
    })
  }

  /** Happens by itself. */
  async look(): Promise<void> {
    const { leases, maxRunMs, clock, log, onLapsed } = this.#deps
    const now = clock.now()
    for (const run of this.#runs) {
      if (now - run.since <= maxRunMs() + GRACE_MS) continue
      this.#runs.delete(run)
      run.giveUp()
    }
    try {
      if (this.#runs.size > 0) await leases.renew(this.lease())
      const lapsed = leases.isShared ? await leases.lapsed(clock.now(), MAX_LAPSED) : []
      if (lapsed.length > 0) await onLapsed(lapsed)
    } catch (error) {
      log.error('lease.unrenewed', { error })
    }
  }

  /** What is left belongs to whoever comes next. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#stop()
    const { leases, owner, clock } = this.#deps
    if (leases.isShared) await leases.renew({ owner, until: clock.now() })
  }

  #start(): void {
    if (this.#timer !== null || this.#isClosed) return
    this.#timer = setInterval(() => {
      if (this.#runs.size === 0 && !this.#deps.leases.isShared) this.#stop()
      else void this.look()
    }, this.#times.lookMs).unref()
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }
}
