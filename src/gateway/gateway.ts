/** The life of a message, as doors see it. */
import type { KeptEvent } from '../contracts/cluster.ts'
import type { Approval } from '../contracts/approval.ts'
import type { Store } from '../contracts/store.ts'
import type { AcceptedTurn, InboundMessage, Pace, TurnEvent, TurnListener, TurnResult } from '../contracts/turn.ts'
import type { NodeList } from './cluster/list-nodes.ts'
import type { Replay } from '../contracts/replay.ts'
import type { Approvals } from './approvals.ts'

export interface Gateway {
  /**
   * Journals the message, then starts its turn or queues it behind the one that runs in its conversation. Durable when it resolves, unless it is stateless: then its answer is. The listener hears every event of
   * the turn, `turn-started` first, its text in pieces unless it wants answers. Throws `turn/queue-full`, `provider/none`, `provider/unknown`, `gateway/stopping`, `guard/blocked`, `request/too-large`.
   */
  submit(message: InboundMessage, listener?: TurnListener, pace?: Pace): Promise<AcceptedTurn>
  /**
   * Events of every turn, on whichever node it runs, for doors that broadcast; at the pace of `answers` unless told otherwise. `seq` numbers the events of a turn from 1 where they are
   * kept for some minutes (`events`). Returns the way to stop.
   */
  subscribe(listener: (turn: TurnAddress, event: TurnEvent, seq?: number) => void, pace?: Pace): () => void
  /** Kept events of a turn after `seq`, the oldest first; none where none are kept. */
  events(turnId: string, seq: number): Promise<readonly KeptEvent[]>
  /** The result, once there is one. Throws `turn/not-found`; an aborted signal throws its reason. */
  wait(turnId: string, signal: AbortSignal): Promise<TurnResult>
  /** The result, or the questions that the turn waits with, whichever comes first. */
  waitOrAsked(turnId: string, signal: AbortSignal): Promise<TurnResult | readonly Approval[]>
  /** Cancels running, queued and waiting turns, and the questions of the latter; says how many. On every node. */
  abort(target: { readonly turnId: string } | { readonly sessionKey: string }, reason: string): Promise<number>
  /**
   * Goes on with a turn that failed or was cancelled, or that nobody carries on, where its journal ends. Throws `turn/not-found`; `turn/ended` where it was completed, runs or waits, or where
   * its conversation has gone on since.
   */
  resume(turnId: string): Promise<void>
  /** Runs a past turn again from its journal, without effect. Throws `turn/not-found`. */
  replay(turnId: string): Promise<Replay>
  status(): GatewayStatus
  /** Names for `/v1/models` and `models.list`: `provider:model` and routes. */
  models(signal: AbortSignal): Promise<readonly ModelListing[]>
  readonly approvals: Approvals
  /** Null where it shares its store with nobody. */
  readonly cluster: ClusterView | null
  /** Read and manage what is kept. Messages never enter through here. */
  readonly store: Store
}

export interface ClusterView {
  list(): Promise<NodeList>
  /** The node takes nothing new, or again. Throws `cluster/unknown-node`. */
  drain(id: string, draining: boolean): Promise<void>
}

export interface TurnAddress {
  readonly turnId: string
  readonly sessionKey: string | null
}

export interface GatewayStatus {
  readonly startedAt: number
  readonly activeTurns: number
  readonly queuedTurns: number
  readonly finishedTurns: number
  readonly model: DefaultModel
  /** Empty when the gateway can serve: otherwise why not (for `/health/ready`). */
  readonly notReady: readonly string[]
}

/** The default model and how it was found. */
export interface DefaultModel {
  /** `provider:model`, a route's name, or null when there is none. */
  readonly name: string | null
  readonly source: 'config' | 'environment' | 'probe' | 'demo' | 'none'
  readonly demo: boolean
}

export interface ModelListing {
  readonly name: string
  readonly kind: 'model' | 'route'
  readonly provider: string
  readonly contextTokens?: number
  /** US dollars per million tokens, where known. */
  readonly price?: { readonly input: number; readonly output: number }
}
