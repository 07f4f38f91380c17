/** How credentials of this gateway are made and taken away: what is on the disk, what the doors accept, and the receipts of it, in this order. */
import type { AuditTrail } from '../contracts/audit.ts'
import { AppError } from '../contracts/errors.ts'
import type { SecretRegistry } from '../contracts/log.ts'
import type { DeviceStore } from '../contracts/device.ts'
import type { Principal } from '../contracts/principal.ts'
import type { Access } from '../guard/identity/access.ts'
import type { DeviceEvent, Devices } from '../guard/identity/devices.ts'
import type { PasswordGate } from '../guard/identity/password-gate.ts'
import type { Sessions } from '../guard/identity/sessions.ts'
import { noteChange } from '../secrets/credential-changes.ts'
import { isPassword, readPassword, type PasswordHash } from '../secrets/gateway-password.ts'
import { loadGatewayToken, replaceGatewayToken } from '../secrets/gateway-token.ts'
import type { Vault } from '../secrets/vault.ts'
import type { Credentials } from '../server/credentials.ts'

export interface CredentialParts {
  readonly access: Access
  readonly vault: Vault
  readonly stateDir: string
  /** `CARAPACE_GATEWAY_TOKEN`. */
  readonly givenToken: string | undefined
  readonly token: string
  readonly secrets: SecretRegistry
  readonly audit: AuditTrail
  readonly store: DeviceStore
  readonly now: () => number
}

export interface OwnCredentials extends Credentials {
  /** Another program may have changed what is on the disk. Throws where it cannot be read; then what was known holds. */
  reload(): void
  /** Where devices were paired, their tokens open from now on. */
  openDevices(): Promise<void>
  /** Another node has changed some. */
  reloadDevices(): Promise<void>
}

export function createCredentials(parts: CredentialParts): OwnCredentials {
  const { access, vault, stateDir, givenToken, secrets, audit, store, now } = parts
  let token = parts.token
  let password: PasswordHash | null = readPassword(stateDir)
  access.passwordCredential = password?.credential ?? null
  let doors: Promise<{ readonly gate: PasswordGate; readonly sessions: Sessions }> | null = null

  const deviceListeners = new Set<(event: DeviceEvent) => void>()
  let devices: Promise<Devices> | null = null
  const loadDevices = async () => {
    const { Devices } = await import('../guard/identity/devices.ts')
    const opened = await Devices.open({
      store,
      access,
      now,
      tell: (event) => {
        for (const listener of deviceListeners) listener(event)
      },
      note: (action, device, by, scopes) => audit.note({ kind: 'device-changed', device, action, by, scopes }),
    })
    access.devices = opened
    return opened
  }

  const openDoors = async () => {
    const [{ PasswordGate }, { Sessions }] = await Promise.all([import('../guard/identity/password-gate.ts'), import('../guard/identity/sessions.ts')])
    const sessions = new Sessions()
    access.sessions = sessions
    return { gate: new PasswordGate((given) => isPassword(given, password), access.passwords, now), sessions }
  }

  const endSessions = (reason: string) => {
    const count = access.sessions?.endAll() ?? 0
    if (count > 0) audit.note({ kind: 'sessions-ended', reason, count })
  }

  const acceptToken = (fresh: string, by: string) => {
    if (fresh === token) return
    token = fresh
    secrets.add(fresh)
    audit.note({ kind: 'token-rotated', by })
    endSessions('token-rotated')
    access.replaceToken(fresh)
  }

  const acceptPassword = (found: PasswordHash | null) => {
    if (found?.credential === password?.credential) return
    password = found
    access.passwordCredential = found?.credential ?? null
    audit.note({ kind: 'password-changed', action: found === null ? 'removed' : 'set' })
    endSessions('password-changed')
    access.ended()
  }

  return {
    async rotateToken(by: Principal) {
      if (givenToken !== undefined && givenToken !== '') throw fixedToken()
      const fresh = await replaceGatewayToken(vault, stateDir)
      acceptToken(fresh, by.id)
      noteChange(stateDir)
      return fresh
    },
    async openSession(given, origin) {
      const { gate, sessions } = await (doors ??= openDoors())
      const tried = password
      // Whoever changed the password meanwhile did not mean this one.
      if (!(await gate.try(given)) || tried === null || tried !== password) return null
      const opened = sessions.open({ origin, credential: tried.credential, now: now() })
      audit.note({ kind: 'session-opened', by: opened.principal.id })
      return opened
    },
    endSession(principal) {
      if (access.sessions?.end(principal) !== true) return false
      audit.note({ kind: 'sessions-ended', reason: 'logout', count: 1 })
      access.ended()
      return true
    },
    devices: () =>
      (devices ??= loadDevices().catch((error: unknown) => {
        devices = null
        throw error
      })),
    onDeviceEvent(listener) {
      deviceListeners.add(listener)
      return () => deviceListeners.delete(listener)
    },
    async openDevices() {
      if ((await store.list()).length > 0) await this.devices()
    },
    async reloadDevices() {
      if (devices === null) await this.openDevices()
      else await (await devices).reload()
    },
    reload() {
      try {
        acceptPassword(readPassword(stateDir))
      } finally {
        if (givenToken === undefined || givenToken === '') acceptToken(loadGatewayToken(vault, stateDir).token, 'state-folder')
      }
    },
  }
}

export function fixedToken(): AppError {
  return new AppError('auth/fixed', undefined, { hint: 'Change CARAPACE_GATEWAY_TOKEN where it is set, and start the gateway again' })
}
