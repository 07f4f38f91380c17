/**
 * Keeps the events of the turns that this node carries on, numbered, where every node can read them. Whoever listens to all turns hears an event when it is kept: so nobody has heard
 * anything that another node does not know. Text of a few milliseconds goes together.
 */
import type { EventLog, KeptEvent } from '../../contracts/cluster.ts'
import { AppError } from '../../contracts/errors.ts'
import type { Log } from '../../contracts/log.ts'
import { FIRST_FENCE } from '../../contracts/turn-lease.ts'
import type { TurnEvent } from '../../contracts/turn.ts'
import type { TurnAddress } from '../gateway.ts'

export interface RecorderDeps {
  readonly events: EventLog
  readonly node: string
  readonly now: () => number
  readonly log: Log
  readonly tell: (turn: TurnAddress, event: TurnEvent, seq: number) => void
}

const TOGETHER_MS = 15
/** Characters that wait at most. */
const MAX_WAITING = 64 * 1024

interface Recorded {
  readonly turn: TurnAddress
  readonly fence: number
  waiting: TurnEvent[]
  size: number
  /** Of the last one that was numbered; null until it is known what those before us have kept. */
  last: number | null
  timer: NodeJS.Timeout | null
  writing: Promise<void>
}

export class EventRecorder {
  readonly #deps: RecorderDeps
  readonly #turns = new Map<string, Recorded>()

  constructor(deps: RecorderDeps) {
    this.#deps = deps
  }

  /** From now on this node carries the turn on. */
  begin(turn: TurnAddress, fence: number): void {
    const last = fence === FIRST_FENCE ? 0 : null
    this.#turns.set(turn.turnId, { turn, fence, waiting: [], size: 0, last, timer: null, writing: Promise.resolve() })
  }

  /** What this node carries on. */
  open(): readonly string[] {
    return [...this.#turns.keys()]
  }

  isOpen(turnId: string): boolean {
    return this.#turns.has(turnId)
  }

  record(turnId: string, event: TurnEvent): void {
    const recorded = this.#turns.get(turnId)
    if (recorded === undefined) return
    add(recorded.waiting, event)
    recorded.size += 'text' in event ? event.text.length : 1
    if (event.type === 'turn-finished' || recorded.size > MAX_WAITING) this.#flush(recorded)
    else recorded.timer ??= setTimeout(() => this.#flush(recorded), TOGETHER_MS)
  }

  /** Resolves when everything of this turn is kept that can be; then it is no longer ours. */
  async close(turnId: string): Promise<void> {
    const recorded = this.#turns.get(turnId)
    if (recorded === undefined) return
    this.#flush(recorded)
    await recorded.writing
    if (this.#turns.get(turnId) === recorded) this.#turns.delete(turnId)
  }

  #flush(recorded: Recorded): void {
    if (recorded.timer !== null) clearTimeout(recorded.timer)
    recorded.timer = null
    if (recorded.waiting.length === 0) return
    const events = recorded.waiting
    recorded.waiting = []
    recorded.size = 0
    recorded.writing = recorded.writing.then(() => this.#write(recorded, events))
  }

  async #write(recorded: Recorded, events: readonly TurnEvent[]): Promise<void> {
    const { events: kept, node, now, log, tell } = this.#deps
    const { turn, fence } = recorded
    let isOurs = true
    let numbered: readonly KeptEvent[] = []
    try {
      let last = recorded.last ?? (await kept.last(turn.turnId))
      numbered = events.map((event) => ({ event, seq: ++last }))
      recorded.last = last
      await kept.append({ ...turn, fence }, numbered, node, now())
    } catch (error) {
      // What it comes to stands in the journal; whoever waits elsewhere finds it there.
      isOurs = !(error instanceof AppError && error.code === 'turn/lost')
      if (isOurs) log.warn('events.unkept', { turn: turn.turnId, error })
    }
    if (isOurs) for (const { event, seq } of numbered) tell(turn, event, seq)
  }
}

/** Pieces of text that follow each other become one. */
function add(events: TurnEvent[], event: TurnEvent): void {
  const last = events.at(-1)
  if (last !== undefined && (event.type === 'text-delta' || event.type === 'reasoning-delta') && last.type === event.type) {
    events[events.length - 1] = { type: event.type, text: last.text + event.text }
  } else events.push(event)
}
