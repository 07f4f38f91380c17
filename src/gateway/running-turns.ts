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
  /** An event of a turn that another node carries on: for those who listen to this one. */
  readonly hear: (event: TurnEvent) => void
  /** Keeps events back until then. */
  readonly holdUntil: (moment: Promise<void>) => void
}

export type TurnSubscriber = (turn: TurnAddress, event: TurnEvent, seq?: number) => void

export class RunningTurns {
  readonly #log: Log
  readonly #turns = new Map<string, RunningTurn>()
  readonly #subscribers = new Map<TurnSubscriber, Pace>()
  readonly #record: ((turn: TurnAddress, event: TurnEvent) => void) | null

  /** `record`: keeps events where other nodes can read them, and calls `tell` with what is kept. Without it subscribers hear them at once. */
  constructor(log: Log, record: ((turn: TurnAddress, event: TurnEvent) => void) | null = null) {
    this.#log = log
    this.#record = record
  }

  get(turnId: string): RunningTurn | undefined {
    return this.#turns.get(turnId)
  }

  ids(): readonly string[] {
    return [...this.#turns.keys()]
  }

  subscribe(subscriber: TurnSubscriber, pace: Pace): () => void {
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
      tellListeners(event)
      if (this.#record === null) this.tell(address, event)
      else this.#record(address, event)
      leaveAfter(event)
    }
    const tellListeners = (event: TurnEvent) => {
      for (const hear of listeners.keys())
        this.#tell(
          () => hear(event),
          () => listeners.delete(hear),
        )
    }
    const leaveAfter = (event: TurnEvent) => {
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
      hear: (event) => {
        tellListeners(event)
        leaveAfter(event)
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

  /** `seq`: the number of a kept event among those of its turn. */
  tell(address: TurnAddress, event: TurnEvent, seq?: number): void {
    for (const hear of this.#subscribers.keys())
      this.#tell(
        () => hear(address, event, seq),
        () => this.#subscribers.delete(hear),
      )
  }

  get hasSubscribers(): boolean {
    return this.#subscribers.size > 0
  }

  wantPieces(): boolean {
    return wantsPieces(this.#subscribers)
  }

  remove(turnId: string): void {
    this.#turns.delete(turnId)
  }

  /** Says which. */
  abort(matches: (turn: RunningTurn) => boolean, reason: string): readonly string[] {
    const chosen = [...this.#turns.values()].filter(matches)
    for (const turn of chosen) turn.controller.abort(new DOMException(reason, 'AbortError'))
    return chosen.map(({ turnId }) => turnId)
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
