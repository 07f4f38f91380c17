/** Turns between acceptance and end: who listens to each, how to cancel it, and its result for those who wait. */
import type { Log } from '../contracts/log.ts'
import type { Pace, TurnEvent, TurnListener, TurnResult } from '../contracts/turn.ts'
import type { TurnAddress } from './gateway.ts'

export interface RunningTurn extends TurnAddress {
  readonly controller: AbortController
  /** What its message came by. */
  readonly credential: string | undefined
  readonly result: Promise<TurnResult>
  readonly emit: (event: TurnEvent) => void
  /** Whether anybody hears text as it comes, just now. */
  readonly wantsPieces: () => boolean
  /** Returns the way to stop. */
  readonly listen: (listener: TurnListener, pace: Pace) => () => void
  /** Keeps events back until then. */
  readonly holdUntil: (moment: Promise<void>) => void
}

export class RunningTurns {
  readonly #log: Log
  readonly #turns = new Map<string, RunningTurn>()
  readonly #subscribers = new Map<(turn: TurnAddress, event: TurnEvent) => void, Pace>()

  constructor(log: Log) {
    this.#log = log
  }

  get(turnId: string): RunningTurn | undefined {
    return this.#turns.get(turnId)
  }

  subscribe(subscriber: (turn: TurnAddress, event: TurnEvent) => void, pace: Pace): () => void {
    this.#subscribers.set(subscriber, pace)
    return () => this.#subscribers.delete(subscriber)
  }

  /** The turn leaves by itself after its `turn-finished`. */
  add(address: TurnAddress, ear: { readonly listener: TurnListener; readonly pace: Pace } | null, credential?: string): RunningTurn {
    const { promise, resolve } = Promise.withResolvers<TurnResult>()
    const listeners = new Map<TurnListener, Pace>(ear === null ? [] : [[ear.listener, ear.pace]])
    let held: TurnEvent[] | null = null
    const release = () => {
      const events = held ?? []
      held = null
      for (const event of events) deliver(event)
    }
    const deliver = (event: TurnEvent) => {
      for (const hear of listeners.keys())
        this.#tell(
          () => hear(event),
          () => listeners.delete(hear),
        )
      for (const hear of this.#subscribers.keys())
        this.#tell(
          () => hear(address, event),
          () => this.#subscribers.delete(hear),
        )
      if (event.type === 'turn-finished') {
        this.#turns.delete(address.turnId)
        resolve(event.result)
      }
    }
    const turn: RunningTurn = {
      ...address,
      credential,
      controller: new AbortController(),
      result: promise,
      wantsPieces: () => wantsPieces(listeners) || wantsPieces(this.#subscribers),
      listen: (added, pace) => {
        listeners.set(added, pace)
        return () => listeners.delete(added)
      },
      holdUntil: (moment) => {
        held = []
        moment.then(release, release)
      },
      emit: (event) => {
        if (held === null) deliver(event)
        else held.push(event)
      },
    }
    this.#turns.set(address.turnId, turn)
    return turn
  }

  remove(turnId: string): void {
    this.#turns.delete(turnId)
  }

  /** How many were cancelled. */
  abort(matches: (turn: RunningTurn) => boolean, reason: string): number {
    const chosen = [...this.#turns.values()].filter(matches)
    for (const turn of chosen) turn.controller.abort(new DOMException(reason, 'AbortError'))
    return chosen.length
  }

  #tell(call: () => void, drop: () => void): void {
    try {
      call()
    } catch (error) {
      drop()
      this.#log.error('listener.defect', { error })
    }
  }
}

function wantsPieces(listeners: ReadonlyMap<unknown, Pace>): boolean {
  for (const pace of listeners.values()) if (pace === 'pieces') return true
  return false
}
