/** What the tool `exec` stands on. Sandboxes, proxy and tunnels are loaded by the first command. */
import { join } from 'node:path'
import type { Config } from '../config/schema.ts'
import type { Paths } from '../config/paths.ts'
import type { EgressFetch, Resolve } from '../contracts/egress.ts'
import type { Log, SecretRegistry } from '../contracts/log.ts'
import type { Sandbox } from '../contracts/sandbox.ts'
import { loggedWords } from '../guard/logged-words.ts'
import type { Reporter } from '../guard/stage.ts'
import type { ExecSettings } from '../tools/exec/settings.ts'

export interface ExecDeps {
  readonly fetch: EgressFetch
  readonly resolve: Resolve
  readonly report: Reporter
  readonly secrets: SecretRegistry
  readonly log: Log
}

export function execSettings(
  config: Pick<Config, 'exec' | 'filesystem' | 'secrets'>,
  paths: Paths,
  { fetch, resolve, report, secrets, log }: ExecDeps,
): ExecSettings | null {
  const { enabled, sandbox, backend, workspace, ...limits } = config.exec
  if (!enabled) return null
  let opened: Promise<Sandbox> | null = null
  const open = async (): Promise<Sandbox> => {
    const { openSandbox } = await import('../sandbox/open-sandbox.ts')
    const found = await openSandbox({ sandbox, backend })
    log.info('sandbox.opened', { backend: found.backend })
    return found
  }
  return {
    ...limits,
    workspace: workspace ?? join(paths.stateDir, 'workspace'),
    writableRoots: config.filesystem.writeAccess ? config.filesystem.roots : [],
    protectedPaths: [paths.stateDir, paths.configFile],
    copies: join(paths.stateDir, 'exec'),
    // What does not work now may work after the owner has installed something.
    sandbox: () => (opened ??= open().catch((error: unknown) => ((opened = null), Promise.reject(error)))),
    secretsFor: (hosts) =>
      Object.entries(config.secrets).flatMap(([name, secret]) => (secret.hosts.some((host) => hosts.includes(withPort(host))) ? [name] : [])),
    async openProxy(hosts) {
      const [{ openHostProxy }, { createGuardedTunnel }, { openTunnel }] = await Promise.all([
        import('../net/host-proxy.ts'),
        import('../guard/guarded-tunnel.ts'),
        import('../net/tunnel.ts'),
      ])
      const tunnel = createGuardedTunnel(openTunnel, report, { resolve })
      return openHostProxy({ hosts, tunnel, fetch, redact: (text) => secrets.redact(text), logged: (host) => loggedWords(host, secrets), log })
    },
  }
}

function withPort(host: string): string {
  return host.includes(':') ? host : `${host}:443`
}
