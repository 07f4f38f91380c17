/** The place of this gateway among those that share its store. Loaded where there are any. */
import { createHmac } from 'node:crypto'
import { hostname } from 'node:os'
import type { ClusterStore } from '../contracts/cluster.ts'
import type { DeviceStore } from '../contracts/device.ts'
import type { OwnCredentials } from './credentials.ts'
import type { Clock } from '../contracts/clock.ts'
import type { Log } from '../contracts/log.ts'
import type { AuditTrail } from '../contracts/audit.ts'
import type { Settings } from '../contracts/settings.ts'
import type { Store } from '../contracts/store.ts'
import type { LoadedConfig } from '../config/load.ts'
import { Cluster } from '../gateway/cluster/cluster.ts'
import { sections } from './load-settings.ts'
import type { SharedLimits } from './shared-limits.ts'
import { NodeSettings } from './shared-settings.ts'
import { version } from './version.ts'

export interface ClusterParts {
  readonly cluster: ClusterStore
  readonly store: Store
  readonly loaded: LoadedConfig
  readonly audit: AuditTrail
  readonly token: string
  readonly clock: Clock
  readonly log: Log
}

export interface SharedPlace {
  readonly cluster: Cluster
  readonly settings: NodeSettings
  /** Changes of devices are told to the others. */
  devices(store: DeviceStore): DeviceStore
  /** What others tell of credentials and of strangers counts here. Returns the way to stop. */
  share(credentials: Pick<OwnCredentials, 'reloadDevices'>, limits: SharedLimits): () => void
}

/** What all nodes go by is read before anything else begins. */
export async function openCluster({ cluster: store, store: { turns }, loaded, audit, token, clock, log }: ClusterParts): Promise<SharedPlace> {
  const settings = new NodeSettings({ store: store.settings, started: loaded, sections, audit, clock, log })
  await settings.look(Infinity)
  let config = fingerprint(settings.settings(), token)
  settings.onChanged(() => {
    config = fingerprint(settings.settings(), token)
  })
  const facts = () => ({ host: hostname(), pid: process.pid, version, config, settings: settings.version, settingsFault: settings.fault })
  const cluster = new Cluster({ cluster: store, turns, facts, clock, log })
  const changed = () => cluster.send({ kind: 'credentials', node: cluster.id })
  return {
    cluster,
    settings,
    devices: (devices) => ({
      ...devices,
      async save(device, seen) {
        await devices.save(device, seen)
        changed()
      },
      async remove(id) {
        await devices.remove(id)
        changed()
      },
    }),
    share(credentials, limits) {
      return cluster.subscribe(
        (signal) => {
          if (signal.kind === 'limits') limits.hear(signal.counted.map(([kind, key, times]) => ({ kind, key, times })))
          else if (signal.kind === 'settings') void settings.look(signal.version)
          else if (signal.kind === 'credentials') {
            credentials.reloadDevices().catch((error: unknown) => log.error('credentials.unreadable', { error }))
          }
        },
        () => void limits.learn(),
      )
    },
  }
}

/** Of what must be the same on every node: not where it listens. Keyed, so that whoever reads the database cannot try what it says. */
function fingerprint(settings: Settings, token: string): string {
  const shown = JSON.stringify(settings.redacted(), (key, value: unknown) => (OWN.has(key) ? undefined : value))
  return createHmac('sha256', token).update(shown).digest('hex').slice(0, 16)
}

const OWN = new Set(['host', 'port', 'roots'])
