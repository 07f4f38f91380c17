/** The place of this gateway among those that share its store. Loaded where there are any. */
import { createHmac } from 'node:crypto'
import { hostname } from 'node:os'
import type { ClusterStore } from '../contracts/cluster.ts'
import type { Clock } from '../contracts/clock.ts'
import type { Log } from '../contracts/log.ts'
import type { Settings } from '../contracts/settings.ts'
import type { Store } from '../contracts/store.ts'
import { Cluster } from '../gateway/cluster/cluster.ts'
import { version } from './version.ts'

export interface ClusterParts {
  readonly cluster: ClusterStore
  readonly store: Store
  readonly settings: Settings
  readonly token: string
  readonly clock: Clock
  readonly log: Log
}

export function openCluster({ cluster, store, settings, token, clock, log }: ClusterParts): Cluster {
  const facts = { host: hostname(), pid: process.pid, version, config: fingerprint(settings, token) }
  return new Cluster({ cluster, turns: store.turns, facts, clock, log })
}

/** Of what must be the same on every node: not where it listens. Keyed, so that whoever reads the database cannot try what it says. */
function fingerprint(settings: Settings, token: string): string {
  const shown = JSON.stringify(settings.redacted(), (key, value: unknown) => (OWN.has(key) ? undefined : value))
  return createHmac('sha256', token).update(shown).digest('hex').slice(0, 16)
}

const OWN = new Set(['host', 'port', 'roots'])
