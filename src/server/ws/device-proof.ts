/** A device's token is worth nothing without its key: what it signs at `connect` names this connection's challenge, the token, and what it asks for. */
import { connectText, type Device } from '../../contracts/device.ts'
import { AppError } from '../../contracts/errors.ts'
import { isSignature } from '../../std/ed25519.ts'

const SKEW_MS = 10 * 60_000

export interface Proof {
  readonly device:
    | { readonly id: string; readonly publicKey: string; readonly signature: string; readonly signedAt: number; readonly nonce: string }
    | undefined
  readonly token: string | undefined
  readonly clientId: string
  readonly mode: string
  readonly role: string
  readonly scopes: readonly string[] | undefined
}

/** Null when it holds its key. */
export function missingProof(known: Device | null, proof: Proof, isToken: (token: string) => boolean, nonce: string, now: number): AppError | null {
  const refuse = (why: string) => new AppError('auth/device-proof', why)
  const { device, token, scopes } = proof
  if (known === null || device === undefined || token === undefined || scopes === undefined) return refuse('send device, auth.token and scopes')
  if (device.id !== known.id || device.publicKey !== known.publicKey || !isToken(token)) return refuse('this token belongs to another device')
  if (device.nonce !== nonce) return refuse('sign the nonce of this connection')
  if (!(Math.abs(now - device.signedAt) <= SKEW_MS)) return refuse('its clock is more than ten minutes off')
  // What separates the fields of the text must not stand in one.
  if (scopes.some((scope) => !/^[a-z.*]{1,64}$/.test(scope))) return refuse('a scope is no scope')
  const text = connectText({
    deviceId: device.id,
    clientId: proof.clientId,
    mode: proof.mode,
    role: proof.role,
    scopes,
    signedAt: device.signedAt,
    token,
    nonce,
  })
  return isSignature(known.publicKey, text, device.signature) ? null : refuse('the signature is not right')
}
