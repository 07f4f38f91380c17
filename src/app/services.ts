/** What commands ask of the composition root; each loads its part when it is called. */
import { AppError } from '../contracts/errors.ts'
import type { CliServices, GatewayTarget } from '../cli/context.ts'
import { resolvePaths } from '../config/paths.ts'
import type { Environment } from './load-settings.ts'

/** `ownsProcess`: this process is the program, and nothing else runs in it. */
export function createServices(env: Environment, ownsProcess = false): CliServices {
  const paths = resolvePaths(env)
  return {
    paths: () => paths,
    async settings() {
      const { loadSettings } = await import('./load-settings.ts')
      return (await loadSettings(env, paths, [])).settings
    },
    async setConfig(path, value) {
      const { editConfig } = await import('./edit-config.ts')
      await editConfig(env, paths, { path, value })
    },
    async unsetConfig(path) {
      const { editConfig } = await import('./edit-config.ts')
      await editConfig(env, paths, { path, value: null })
    },
    async startGateway(options) {
      const { startGateway } = await import('./start-gateway.ts')
      return startGateway(options, env, paths, ownsProcess)
    },
    async connect(target) {
      if (target.host?.includes('://') === true) {
        const { connectPaired } = await import('./pair.ts')
        return connectPaired(env, paths, target.host, AbortSignal.timeout(10_000))
      }
      const { gatewayToken } = await import('./secrets.ts')
      const { connectGateway } = await import('../net/gateway-client.ts')
      const { Secret } = await import('../contracts/secret.ts')
      const { version } = await import('./version.ts')
      const url = await addressOf(target)
      const token = gatewayToken(env, paths)
      return connectGateway({ url, token: new Secret(token), version, signal: AbortSignal.timeout(10_000) })
    },
    async providers() {
      const { offerProviders } = await import('./offer-providers.ts')
      return offerProviders()
    },
    async tryProvider(id, section) {
      const { tryProvider } = await import('./try-provider.ts')
      return tryProvider(id, section)
    },
    async token() {
      const { gatewayToken } = await import('./secrets.ts')
      return gatewayToken(env, paths)
    },
    async rotateToken() {
      const { rotateToken } = await import('./rotate-token.ts')
      return rotateToken(env, paths, () => this.connect({}))
    },
    async secrets() {
      const { secretsOf } = await import('./change-secrets.ts')
      return secretsOf(env, paths)
    },
    async setSecret(name, value, hosts) {
      const { setSecretValue } = await import('./change-secrets.ts')
      return setSecretValue(env, paths, name, value, hosts)
    },
    async deleteSecret(name) {
      const { deleteSecret } = await import('./change-secrets.ts')
      return deleteSecret(env, paths, name)
    },
    async allowSecret(name, host) {
      const { allowSecret } = await import('./change-secrets.ts')
      return allowSecret(env, paths, name, host)
    },
    async sealSecrets() {
      const { sealSecrets } = await import('./change-secrets.ts')
      return sealSecrets(env, paths)
    },
    async rotateSecrets(to, newPassword) {
      const { rotateSecrets } = await import('./change-secrets.ts')
      return rotateSecrets(env, paths, to, newPassword)
    },
    async setPassword(password) {
      const { setPassword } = await import('./set-password.ts')
      await setPassword(paths, password)
    },
    async pair(request, onStep, signal) {
      const { pair } = await import('./pair.ts')
      await pair(env, paths, request, onStep, signal)
    },
    async auditVerify(anchor) {
      const { verifyAudit } = await import('./audit.ts')
      return verifyAudit(env, paths, anchor)
    },
    async auditShow(query) {
      const { newestReceipts } = await import('../telemetry/audit/newest.ts')
      return newestReceipts(paths.audit, query.limit, query.kind, query.turn)
    },
    async securityAudit() {
      const { examineSecurity, securityChecks } = await import('./security-audit/examine.ts')
      return { findings: await examineSecurity({ env, paths }), checks: securityChecks.length }
    },
    async checkDatabase() {
      const { checkDatabase } = await import('./database.ts')
      return checkDatabase(env, paths)
    },
    async databaseInfo() {
      const { databaseInfo } = await import('./database.ts')
      return databaseInfo(env, paths)
    },
    async backUp(request) {
      const { backUp } = await import('./backup.ts')
      return backUp(env, paths, request).catch(sayUnwritable)
    },
    async restore(request) {
      const { restore } = await import('./backup.ts')
      return restore(env, paths, request).catch(sayUnwritable)
    },
    async doctor() {
      const { examine } = await import('./doctor.ts')
      return examine(env, paths)
    },
  }

  async function sayUnwritable(error: unknown): Promise<never> {
    const { asUnwritable } = await import('../config/unwritable.ts')
    throw asUnwritable(error, paths.stateDir)
  }

  /** What was asked for, else the gateway of this state folder. */
  async function addressOf({ host, port }: GatewayTarget): Promise<string> {
    const { readInstance } = await import('../store/instance-file.ts')
    const instance = await readInstance(paths.instance)
    if (instance === null && port === undefined) {
      throw new AppError('gateway/unreachable', undefined, { hint: 'Start one with: cara start' })
    }
    const name = host ?? instance?.host ?? '127.0.0.1'
    return `http://${name.includes(':') ? `[${name}]` : name}:${port ?? instance?.port}`
  }
}
