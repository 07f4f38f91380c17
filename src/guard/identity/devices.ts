/**
 * Paired devices. The gateway grants scopes, never the device, and nobody grants, rotates or takes away more than he holds himself at that moment: one change after the other, each in
 * one commit that names what it saw. Memory follows the disk; where something is taken away, memory goes first. Loaded by the first device.
 */
import { hash, randomBytes } from 'node:crypto'
import type { Device, DeviceStore } from '../../contracts/device.ts'
import { AppError } from '../../contracts/errors.ts'
import { coversAll, type Principal } from '../../contracts/principal.ts'
import { grantableScopes, type Scope } from '../../contracts/scope.ts'
import { type Access, DEVICE_TOKEN_PREFIX, type DeviceBook } from './access.ts'
import { Pairing, type PairRequest } from './pairing.ts'

const DAY_MS = 24 * 3_600_000
export const TOKEN_MS = 90 * DAY_MS
/** So long a device that was admitted, or whose token was rotated, may fetch one. */
const CLAIM_MS = DAY_MS
const ROTATED_CLAIM_MS = 30 * DAY_MS
const MAX_DEVICES = 256
const TOUCH_MS = 3_600_000
/** Everything else must be named by who approves. */
const GRANTED_BY_WISH: ReadonlySet<Scope> = new Set<Scope>(['operator.read', 'operator.write'])

export interface DeviceEvent {
  readonly event: 'device.pair.requested' | 'device.pair.resolved'
  readonly payload: object
}

export type DeviceAction = 'approved' | 'rejected' | 'claimed' | 'rotated' | 'revoked'

export interface DeviceDeps {
  readonly store: DeviceStore
  readonly access: Access
  readonly now: () => number
  readonly tell: (event: DeviceEvent) => void
  readonly note: (action: DeviceAction, deviceId: string, by: string, scopes: readonly Scope[]) => void
}

interface Known {
  device: Device
  readonly principal: Principal
}

export class Devices implements DeviceBook {
  readonly pairing = new Pairing()
  readonly #deps: DeviceDeps
  #known = new Map<string, Known>()
  #byToken = new Map<string, Known>()
  #queue: Promise<unknown> = Promise.resolve()

  constructor(deps: DeviceDeps) {
    this.#deps = deps
  }

  static async open(deps: DeviceDeps): Promise<Devices> {
    const devices = new Devices(deps)
    for (const device of await deps.store.list()) devices.#put(device)
    return devices
  }

  /** Another node may have admitted some, and taken some away. */
  reload(): Promise<void> {
    return this.#oneByOne(async () => {
      const stored = new Map((await this.#deps.store.list()).map((device) => [device.id, device]))
      const changed = this.list().filter(({ id, version }) => stored.get(id)?.version !== version)
      for (const { id } of changed) this.#forget(id)
      for (const device of stored.values()) if (!this.#known.has(device.id)) this.#put(device)
      if (changed.length > 0) this.#deps.access.ended()
    })
  }

  byToken(token: string, now: number): Principal | null {
    const known = this.#byToken.get(hash('sha256', token))
    return known !== undefined && isOpen(known.device, now) ? known.principal : null
  }

  isCurrent(principal: Principal, now: number): boolean {
    const known = this.#known.get(deviceIdOf(principal.credential) ?? '')
    return known !== undefined && known.principal === principal && isOpen(known.device, now)
  }

  scopesOf(credential: string, now: number): readonly Scope[] | null {
    const known = this.#known.get(deviceIdOf(credential) ?? '')
    // A rotated device still is one: what it sent stays sent.
    return known === undefined || known.device.revokedAt !== null || (known.device.tokenHash !== null && !isOpen(known.device, now))
      ? null
      : known.device.scopes
  }

  /** The device of a token, for the proof that follows. */
  find(principal: Principal): Device | null {
    return this.#known.get(deviceIdOf(principal.credential) ?? '')?.device ?? null
  }

  /** It was there, an hour's grain. */
  touch(principal: Principal): void {
    const known = this.#known.get(deviceIdOf(principal.credential) ?? '')
    const now = this.#deps.now()
    if (known === undefined || (known.device.lastUsedAt !== null && now - known.device.lastUsedAt < TOUCH_MS)) return
    known.device = { ...known.device, lastUsedAt: now }
    // It is told in an audit, no more.
    this.#deps.store.touch(known.device.id, now).catch(() => undefined)
  }

  list(): readonly Device[] {
    return [...this.#known.values()].map(({ device }) => device)
  }

  request(request: Omit<PairRequest, 'id' | 'requestedAt' | 'expiresAt'>): PairRequest {
    const added = this.pairing.add(request, this.#deps.now())
    this.#deps.tell({ event: 'device.pair.requested', payload: added })
    return added
  }

  /** Without `scopes`: what it wishes, as far as that is reading and writing. Throws `pair/not-found` and `auth/forbidden`. */
  approve(requestId: string, scopes: readonly Scope[] | undefined, by: Principal): Promise<Device> {
    return this.#oneByOne(async () => {
      const { now } = this.#deps
      const wished = this.pairing.list(now()).find(({ id }) => id === requestId)?.wished ?? []
      const granted = grantableScopes.filter((scope) => (scopes === undefined ? wished.includes(scope) && GRANTED_BY_WISH.has(scope) : scopes.includes(scope)))
      this.#demand(by, granted)
      const request = this.pairing.take(requestId, now())
      const earlier = this.#known.get(request.deviceId)?.device
      // Whoever replaces what a device may do takes its old scopes away.
      if (earlier !== undefined && earlier.revokedAt === null) this.#demand(by, earlier.scopes)
      if (earlier === undefined) await this.#makeRoom()
      const device = await this.#change(
        {
          id: request.deviceId,
          publicKey: request.publicKey,
          name: request.name,
          scopes: granted,
          tokenHash: null,
          tokenExpiresAt: null,
          claimUntil: now() + CLAIM_MS,
          approvedBy: by.id,
          createdAt: now(),
          lastUsedAt: null,
          revokedAt: null,
          version: earlier?.version ?? 0,
        },
        by,
      )
      this.#tellResolved(request, 'approved', by, granted)
      return device
    })
  }

  reject(requestId: string, by: Principal): Promise<PairRequest> {
    return this.#oneByOne(async () => {
      this.#demand(by, [])
      const request = this.pairing.take(requestId, this.#deps.now())
      this.#tellResolved(request, 'rejected', by, [])
      return request
    })
  }

  /** The signature was checked. Null while the owner has not decided. Throws `pair/not-found`. */
  claim(deviceId: string): Promise<{ readonly token: string; readonly device: Device } | null> {
    return this.#oneByOne(async () => {
      const now = this.#deps.now()
      const device = this.#known.get(deviceId)?.device
      if (device === undefined || device.revokedAt !== null || device.claimUntil === null || device.claimUntil <= now) {
        if (this.pairing.isPending(deviceId, now) !== null) return null
        throw new AppError('pair/not-found', 'it was refused, has ended, or was never made')
      }
      const token = `${DEVICE_TOKEN_PREFIX}${randomBytes(32).toString('base64url')}`
      const claimed = await this.#change({ ...device, tokenHash: hash('sha256', token), tokenExpiresAt: now + TOKEN_MS, claimUntil: null }, null)
      this.#deps.note('claimed', deviceId, `device:${deviceId}`, device.scopes)
      return { token, device: claimed }
    })
  }

  /** Its token opens nothing more; it may fetch another with its signature. Throws `device/not-found` and `auth/forbidden`. */
  rotate(deviceId: string, by: Principal): Promise<Device> {
    return this.#takeAway(deviceId, by, 'rotated', { claimUntil: this.#deps.now() + ROTATED_CLAIM_MS })
  }

  /** It is a stranger again. */
  revoke(deviceId: string, by: Principal): Promise<Device> {
    return this.#takeAway(deviceId, by, 'revoked', { claimUntil: null, revokedAt: this.#deps.now() })
  }

  #takeAway(deviceId: string, by: Principal, action: 'rotated' | 'revoked', change: Partial<Device>): Promise<Device> {
    return this.#oneByOne(async () => {
      const known = this.#known.get(deviceId)
      if (known === undefined || known.device.revokedAt !== null) throw new AppError('device/not-found', deviceId.slice(0, 64))
      this.#demand(by, known.device.scopes)
      const device = await this.#change({ ...known.device, tokenHash: null, tokenExpiresAt: null, ...change }, by)
      this.#deps.note(action, deviceId, by.id, device.scopes)
      return device
    })
  }

  /** He still is who he was, and holds all that. */
  #demand(by: Principal, scopes: readonly Scope[]): void {
    const device = this.find(by)
    const held = device !== null && !isOpen(device, this.#deps.now()) ? null : this.#deps.access.scopesOf(by.credential)
    if (held === null || !coversAll(held, ['operator.pairing', ...scopes]) || !coversAll(by.scopes, scopes)) {
      throw new AppError('auth/forbidden', scopes.length === 0 ? 'operator.pairing' : scopes.join(', '), {
        hint: 'Nobody grants or takes away more than he may do himself',
      })
    }
  }

  async #change(device: Device, by: Principal | null): Promise<Device> {
    const approver = by === null ? null : this.find(by)
    const seen = approver === null || approver.id === device.id ? [] : [{ id: approver.id, version: approver.version }]
    const before = this.#known.get(device.id)
    // Nothing that is on its way may use what is about to end.
    this.#forget(device.id)
    try {
      await this.#deps.store.save(device, seen)
    } catch (error) {
      if (before !== undefined) this.#put(before.device)
      throw error
    }
    const saved = { ...device, version: device.version + 1 }
    this.#put(saved)
    if (before !== undefined) this.#deps.access.ended()
    return saved
  }

  #put(device: Device): void {
    const credential = `device:${device.id}`
    const known = { device, principal: { id: credential, scopes: device.scopes, credential, needsProof: true as const } }
    this.#known.set(device.id, known)
    if (device.tokenHash !== null) this.#byToken.set(device.tokenHash, known)
  }

  #forget(id: string): void {
    const hash = this.#known.get(id)?.device.tokenHash
    this.#known.delete(id)
    if (hash !== undefined && hash !== null) this.#byToken.delete(hash)
  }

  async #makeRoom(): Promise<void> {
    if (this.#known.size < MAX_DEVICES) return
    const oldest = this.list().find(({ revokedAt }) => revokedAt !== null)
    if (oldest === undefined) throw new AppError('pair/full', `there are ${MAX_DEVICES} devices`, { hint: 'Revoke one: cara devices revoke ID' })
    this.#forget(oldest.id)
    await this.#deps.store.remove(oldest.id)
  }

  #tellResolved({ id: requestId, deviceId }: PairRequest, decision: 'approved' | 'rejected', by: Principal, scopes: readonly Scope[]): void {
    this.#deps.note(decision, deviceId, by.id, scopes)
    this.#deps.tell({ event: 'device.pair.resolved', payload: { requestId, deviceId, decision, ts: this.#deps.now() } })
  }

  #oneByOne<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work, work)
    this.#queue = done.catch(() => undefined)
    return done
  }
}

function isOpen({ revokedAt, tokenHash, tokenExpiresAt }: Device, now: number): boolean {
  return revokedAt === null && tokenHash !== null && tokenExpiresAt !== null && tokenExpiresAt > now
}

function deviceIdOf(credential: string): string | null {
  return credential.startsWith('device:') ? credential.slice('device:'.length) : null
}
