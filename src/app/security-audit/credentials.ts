/** Tokens, passwords, secrets and devices. */
import { readPassword } from '../../secrets/gateway-password.ts'
import { environmentOf } from '../../std/file-facts.ts'
import type { Found, SecurityCheck } from './check.ts'

const DAY_MS = 24 * 3_600_000
const UNUSED_DAYS = 90
const LEAST_TOKEN = 32
const LEAST_LETTERS = 12
/** Argon2id of today's choice. */
const LEAST_KIBIBYTES = 65_536
const LEAST_PASSES = 3

export const secretsPlain: SecurityCheck = {
  id: 'secrets-plain',
  about: 'secrets in the configuration are sealed',
  run: ({ warnings }) => warnings.map((warning): Found => ({ severity: 'high', detail: warning, fix: 'cara secrets seal' })),
}

export const tokenWeak: SecurityCheck = {
  id: 'token-weak',
  about: 'the token cannot be guessed',
  run({ env }) {
    const token = env['CARAPACE_GATEWAY_TOKEN'] ?? ''
    if (token === '' || (token.length >= LEAST_TOKEN && new Set(token).size >= LEAST_LETTERS)) return []
    const detail = `CARAPACE_GATEWAY_TOKEN is short, or repeats a few characters: use ${LEAST_TOKEN} random ones, or let cara make one`
    return [{ severity: 'high', detail, fix: 'unset CARAPACE_GATEWAY_TOKEN' }]
  },
}

const EXPOSING = ['CARAPACE_GATEWAY_TOKEN', 'CARAPACE_CONFIG_PASSWORD']

export const secretsInEnvironment: SecurityCheck = {
  id: 'secrets-in-environment',
  about: 'the environment of the service holds no credential',
  run({ env, running }) {
    const ofService = running === null ? null : environmentOf(running.pid)
    const named = EXPOSING.filter(
      (name) => (env[name] ?? '') !== '' || ofService?.some((line) => line.startsWith(`${name}=`) && line.length > name.length + 1) === true,
    )
    return named.map((name): Found => ({
      severity: 'low',
      detail: `${name} is in the environment, where every program of yours can read it`,
      fix: `unset ${name}`,
    }))
  },
}

export const passwordWeak: SecurityCheck = {
  id: 'password-weak',
  about: 'the hash of the password is costly to try',
  run({ paths }) {
    const found = readPassword(paths.stateDir)
    if (found === null || (found.kibibytes >= LEAST_KIBIBYTES && found.passes >= LEAST_PASSES)) return []
    return [{ severity: 'medium', detail: `the password is hashed with ${found.kibibytes} KiB and ${found.passes} passes`, fix: 'cara auth password' }]
  },
}

export const devicesUnused: SecurityCheck = {
  id: 'devices-unused',
  about: 'devices that nobody uses are taken out',
  async run({ devices, now }) {
    const paired = (await devices()).filter(({ revokedAt, tokenHash, claimUntil }) => revokedAt === null && (tokenHash !== null || (claimUntil ?? 0) > now))
    return paired
      .filter(({ lastUsedAt, createdAt }) => now - (lastUsedAt ?? createdAt) > UNUSED_DAYS * DAY_MS)
      .map(({ id, name, lastUsedAt, createdAt }): Found => {
        const days = Math.floor((now - (lastUsedAt ?? createdAt)) / DAY_MS)
        return { severity: 'medium', detail: `device ${name} was not used for ${days} days`, fix: `cara devices revoke ${id.slice(0, 16)}` }
      })
  },
}
