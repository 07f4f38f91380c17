/**
 * Devices: machines of the owner that hold a key of their own. A device is admitted once, with scopes that the owner grants; its token opens nothing without a signature over the
 * gateway's challenge.
 */
import type { Scope } from './scope.ts'

export interface Device {
  /** Hex SHA-256 of the public key. */
  readonly id: string
  /** Raw Ed25519 key, base64url. */
  readonly publicKey: string
  readonly name: string
  /** Granted; an empty list is none. */
  readonly scopes: readonly Scope[]
  /** Hex SHA-256 of its token; null while it has none. */
  readonly tokenHash: string | null
  readonly tokenExpiresAt: number | null
  /** Until then it may fetch a token with its signature; null when it may not. */
  readonly claimUntil: number | null
  /** `Principal.id` of who admitted it. */
  readonly approvedBy: string
  readonly createdAt: number
  readonly lastUsedAt: number | null
  readonly revokedAt: number | null
  /** Grows with every change: a change names the one that it saw. */
  readonly version: number
}

/** What depends on a device as it was seen: nothing is written if it changed meanwhile. */
export interface SeenDevice {
  readonly id: string
  readonly version: number
}

export interface DeviceStore {
  list(): Promise<readonly Device[]>
  /** In one commit; throws `store/conflict` when the device, or one of `seen`, is no longer what it was. `device.version` is the one that was seen, 0 for a new one. */
  save(device: Device, seen: readonly SeenDevice[]): Promise<void>
  touch(id: string, at: number): Promise<void>
  remove(id: string): Promise<void>
}

/** What a device signs at `connect`. No field may hold the separator. */
export function connectText(fields: {
  readonly deviceId: string
  readonly clientId: string
  readonly mode: string
  readonly role: string
  readonly scopes: readonly string[]
  readonly signedAt: number
  readonly token: string
  readonly nonce: string
}): string {
  const { deviceId, clientId, mode, role, scopes, signedAt, token, nonce } = fields
  return ['v2', deviceId, clientId, mode, role, scopes.join(','), signedAt, token, nonce].join('|')
}

/** What it signs to be admitted, and to fetch its token. */
export function pairingText(fields: {
  readonly step: 'request' | 'claim'
  readonly deviceId: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly signedAt: number
  readonly nonce: string
}): string {
  const { step, deviceId, name, scopes, signedAt, nonce } = fields
  return JSON.stringify(['carapace pairing 1', step, deviceId, name, scopes, signedAt, nonce])
}
