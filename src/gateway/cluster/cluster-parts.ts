/** What the place among other nodes is made of, and what it asks of the gateway. */
import type { ClusterStore } from '../../contracts/cluster.ts'
import type { Clock } from '../../contracts/clock.ts'
import type { Log } from '../../contracts/log.ts'
import type { TurnStore } from '../../contracts/store.ts'
import type { TurnEvent } from '../../contracts/turn.ts'
import type { TurnAddress } from '../gateway.ts'

export interface NodeFacts {
  readonly host: string
  readonly pid: number
  readonly version: string
  /** Says whether two have the same configuration. */
  readonly config: string
  /** The version of the shared settings that it goes by, and why that is not the newest. */
  readonly settings: number
  readonly settingsFault: string | null
}

export interface ClusterDeps {
  readonly cluster: ClusterStore
  readonly turns: TurnStore
  readonly facts: () => NodeFacts
  readonly clock: Clock
  readonly log: Log
}

/** What the gateway does when it is told. */
export interface ClusterHooks {
  /** Events of a turn that another node carries on, for those who wait here. */
  readonly hear: (turn: TurnAddress, event: TurnEvent) => void
  /** For those who listen to all turns. */
  readonly tell: (turn: TurnAddress, event: TurnEvent, seq?: number) => void
  /** Whether anybody here wants to hear this turn. */
  readonly isHeard: (turnId: string) => boolean
  /** Whether anybody here listens to all turns, and wants text as it comes. */
  readonly hears: () => boolean
  /** As far as there is room. */
  readonly takeUp: (turnIds: readonly string[]) => Promise<void>
  readonly abort: (turnIds: readonly string[], reason: string) => void
  /** Others have these, or they have ended: what still runs of them here can keep nothing. */
  readonly lost: (turnIds: readonly string[]) => void
  readonly approvals: (ids: readonly string[]) => void
  /** With each sign of life: what nobody was told of. */
  readonly look: () => Promise<void>
}
