/**
 * Requests of strangers to be admitted as devices: signed by their key over a nonce of ours, few at once, forgotten after half an hour. In memory alone: a stranger writes nothing to
 * the disk.
 */
import { createHmac, randomBytes } from 'node:crypto'
import type { Device } from '../../contracts/device.ts'
import { AppError } from '../../contracts/errors.ts'
import { isSignature } from '../../std/ed25519.ts'
import { newId } from '../../std/ids.ts'

export const MAX_PENDING = 25
const MAX_PER_ADDRESS = 5
export const PENDING_MS = 30 * 60_000
const NONCE_MS = 2 * 60_000
const MAX_NONCES = 4096
export const SKEW_MS = 10 * 60_000

export interface PairRequest {
  readonly id: string
  readonly deviceId: string
  readonly publicKey: string
  readonly name: string
  /** What it wishes, as it wrote it: shown, never granted by itself. */
  readonly wished: readonly string[]
  readonly address: string
  readonly requestedAt: number
  readonly expiresAt: number
}

export class Pairing {
  readonly #pending = new Map<string, PairRequest>()
  readonly #key = randomBytes(32)
  /** Nonces that a signature was made over, until they run out. */
  readonly #used = new Map<string, number>()

  /** Costs nothing to keep: it proves itself. */
  nonce(now: number): string {
    const text = `${now.toString(36)}.${randomBytes(16).toString('base64url')}`
    return `${text}.${this.#mac(text)}`
  }

  /** Whether this key signed this text over a nonce of ours that was not used before. Throws `auth/unauthorized`. */
  verify(
    key: Pick<Device, 'publicKey'>,
    given: { readonly text: string; readonly signature: string; readonly nonce: string; readonly signedAt: number },
    now: number,
  ): void {
    const cut = given.nonce.lastIndexOf('.')
    const issued = Number.parseInt(given.nonce, 36)
    const isOurs = cut > 0 && this.#mac(given.nonce.slice(0, cut)) === given.nonce.slice(cut + 1)
    const isFresh = isOurs && now - issued < NONCE_MS && Math.abs(now - given.signedAt) <= SKEW_MS
    if (!isFresh || this.#used.has(given.nonce)) throw new AppError('auth/unauthorized', 'the nonce is none of ours, or was used before')
    if (!isSignature(key.publicKey, given.text, given.signature)) throw new AppError('auth/unauthorized', 'this key did not sign that')
    for (const [nonce, until] of this.#used) if (until <= now) this.#used.delete(nonce)
    if (this.#used.size >= MAX_NONCES) throw new AppError('request/rate-limited', 'too many devices at once')
    this.#used.set(given.nonce, now + NONCE_MS)
  }

  /** A device that asks again asks anew: what the owner saw of it before can no longer be approved. Throws `pair/full`. */
  add(request: Omit<PairRequest, 'id' | 'requestedAt' | 'expiresAt'>, now: number): PairRequest {
    const earlier = this.list(now).find(({ deviceId }) => deviceId === request.deviceId)
    if (earlier !== undefined) this.#pending.delete(earlier.id)
    const pending = this.list(now)
    if (pending.length >= MAX_PENDING || pending.filter(({ address }) => address === request.address).length >= MAX_PER_ADDRESS) throw new AppError('pair/full')
    const added = { ...request, id: newId('pair', now), requestedAt: now, expiresAt: now + PENDING_MS }
    this.#pending.set(added.id, added)
    return added
  }

  list(now: number): readonly PairRequest[] {
    for (const { id, expiresAt } of this.#pending.values()) if (expiresAt <= now) this.#pending.delete(id)
    return [...this.#pending.values()]
  }

  /** Takes it out: whoever decides first decides. */
  take(id: string, now: number): PairRequest {
    const found = this.list(now).find((request) => request.id === id)
    if (found === undefined) throw new AppError('pair/not-found', id.slice(0, 64))
    this.#pending.delete(id)
    return found
  }

  isPending(deviceId: string, now: number): PairRequest | null {
    return this.list(now).find((request) => request.deviceId === deviceId) ?? null
  }

  #mac(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url').slice(0, 22)
  }
}
