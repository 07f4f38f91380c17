/** Who may come in: credentials, devices, other nodes' word of both, the tailnet, proxies, and strangers who try. */
import type { Log } from '../contracts/log.ts'
import type { Config } from '../config/schema.ts'
import { Access, ownerOf } from '../guard/identity/access.ts'
import type { Tailnet } from '../guard/identity/tailnet.ts'
import type { ReadForwarded } from '../guard/trusted-proxies.ts'
import { watchCredentials } from '../secrets/credential-changes.ts'
import type { Closers } from './closers.ts'
import { createCredentials, type OwnCredentials } from './credentials.ts'
import type { Base } from './open-base.ts'
import { SharedLimits } from './shared-limits.ts'

export interface Doors {
  readonly access: Access
  readonly credentials: OwnCredentials
  readonly tailnet: Tailnet | null
  readonly readForwarded: ReadForwarded | null
}

export async function openAccess(
  { env, paths, vault, token, secrets, config, log, audit, store, shared, clock, storeClock }: Base,
  closers: Closers,
): Promise<Doors> {
  const access = new Access([[token, ownerOf(token)]], { failedAuthLimit: config.gateway.failedAuthLimit, now: () => clock.now() })
  const givenToken = env['CARAPACE_GATEWAY_TOKEN']
  const credentials = createCredentials({
    access,
    vault,
    stateDir: paths.stateDir,
    givenToken,
    token,
    secrets,
    audit,
    store: shared === null ? store.devices : shared.devices(store.devices),
    now: () => clock.now(),
  })
  await credentials.openDevices()
  const limits = new SharedLimits({
    access,
    store: store.limits,
    now: () => clock.now(),
    storeNow: () => storeClock.now(),
    node: shared?.cluster.id ?? null,
    log,
  })
  closers.push(() => limits.close())
  await limits.learn()
  if (shared !== null) closers.push(shared.share(credentials, limits))
  closers.push(watchCredentials(paths.stateDir, () => attempt(log, () => credentials.reload())))
  return {
    access,
    credentials,
    tailnet: await openTailnet(config.gateway.auth.tailscale, access),
    readForwarded: await proxyReader(config.gateway.trustedProxies),
  }
}

async function proxyReader(trusted: readonly string[]): Promise<ReadForwarded | null> {
  if (trusted.length === 0) return null
  const { trustProxies } = await import('../guard/trusted-proxies.ts')
  return trustProxies(trusted)
}

async function openTailnet({ enabled, users, scopes, socket }: Config['gateway']['auth']['tailscale'], access: Access): Promise<Tailnet | null> {
  if (!enabled) return null
  const [{ Tailnet }, { whoIs }, { ownerOfPeer, ownerOfService }] = await Promise.all([
    import('../guard/identity/tailnet.ts'),
    import('../net/tailscale.ts'),
    import('../std/socket-owner.ts'),
  ])
  const tailnet = new Tailnet({ users, scopes, whoIs: (address) => whoIs(socket, address), ownerOfPeer, ownerOfDaemon: () => ownerOfService(socket) })
  access.tailnet = tailnet.principals
  return tailnet
}

/** What cannot be read keeps what was known. */
function attempt(log: Log, work: () => void): void {
  try {
    work()
  } catch (error) {
    log.error('credentials.unreadable', { error })
  }
}
