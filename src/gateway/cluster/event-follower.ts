/** Reads the events of turns that other nodes carry on, in order and each once, when a signal says that there are some. */
import type { EventLog, KeptEvent } from '../../contracts/cluster.ts'
import type { Log } from '../../contracts/log.ts'

export interface FollowerDeps {
  readonly events: EventLog
  readonly hear: (turnId: string, sessionKey: string | null, kept: KeptEvent) => void
  readonly log: Log
}

const PAGE = 200
const ENDED_KEPT_MS = 60_000
const UNHEARD_KEPT_MS = 10 * 60_000

interface Followed {
  /** Heard up to here. */
  seq: number
  /** A signal said that there are events up to here. */
  known: number
  isReading: boolean
  isOver: boolean
  touchedAt: number
  /** When its end was last looked for. */
  askedAt: number
}

export class EventFollower {
  readonly #deps: FollowerDeps
  readonly #turns = new Map<string, Followed>()

  constructor(deps: FollowerDeps) {
    this.#deps = deps
  }

  /** Somebody waits for this turn, and has heard everything up to `seq`. */
  follow(turnId: string, seq: number): void {
    if (!this.#turns.has(turnId)) this.#turns.set(turnId, fresh(seq))
  }

  /** There are events up to `seq`. */
  signalled(turnId: string, sessionKey: string | null, seq: number): void {
    const turn = this.#turns.get(turnId) ?? fresh(0)
    this.#turns.set(turnId, turn)
    turn.known = Math.max(turn.known, seq)
    turn.touchedAt = performance.now()
    if (!turn.isReading && !turn.isOver && turn.known > turn.seq) void this.#read(turnId, sessionKey, turn)
  }

  /** What this node carries on itself is heard without reading. */
  heard(turnId: string, seq: number, isOver: boolean): void {
    const turn = this.#turns.get(turnId) ?? fresh(0)
    this.#turns.set(turnId, turn)
    turn.seq = Math.max(turn.seq, seq)
    turn.isOver ||= isOver
    turn.touchedAt = performance.now()
  }

  /** Some of those for which nothing has come for this long and that are not over; the others the next time. */
  silent(ms: number, limit: number): readonly string[] {
    const now = performance.now()
    const found: string[] = []
    for (const [turnId, turn] of this.#turns) {
      if (found.length >= limit) break
      if (turn.isOver || now - Math.max(turn.touchedAt, turn.askedAt) < ms) continue
      turn.askedAt = now
      found.push(turnId)
    }
    for (const turnId of found) {
      const turn = this.#turns.get(turnId)
      this.#turns.delete(turnId)
      if (turn !== undefined) this.#turns.set(turnId, turn)
    }
    return found
  }

  /** Late signals of one that is over must find it for a while; so must those of one that somebody waits for. */
  forget(isHeard: (turnId: string) => boolean): void {
    const now = performance.now()
    for (const [turnId, { touchedAt, isOver }] of this.#turns) {
      if (now - touchedAt > (isOver ? ENDED_KEPT_MS : UNHEARD_KEPT_MS) && (isOver || !isHeard(turnId))) this.#turns.delete(turnId)
    }
  }

  async #read(turnId: string, sessionKey: string | null, turn: Followed): Promise<void> {
    turn.isReading = true
    try {
      while (turn.known > turn.seq && !turn.isOver) {
        const page = await this.#deps.events.after(turnId, turn.seq, PAGE)
        for (const kept of page) {
          // This node may have taken the turn over while it read.
          if (kept.seq <= turn.seq || turn.isOver) continue
          turn.seq = kept.seq
          turn.isOver = kept.event.type === 'turn-finished'
          this.#deps.hear(turnId, sessionKey, kept)
        }
        if (page.length === 0) break
      }
    } catch (error) {
      this.#deps.log.warn('events.unread', { turn: turnId, error })
    } finally {
      turn.isReading = false
    }
  }
}

function fresh(seq: number): Followed {
  return { seq, known: seq, isReading: false, isOver: false, touchedAt: performance.now(), askedAt: 0 }
}
