/** How a device is admitted: it asks, signed by its key; the owner decides elsewhere; it fetches its token, signed again. Open to strangers, and bounded for each of them. */
import * as z from 'zod'
import { pairingText } from '../../contracts/device.ts'
import { AppError } from '../../contracts/errors.ts'
import type { Devices } from '../../guard/identity/devices.ts'
import { addressKey } from '../../guard/stages/request/rate-limits.ts'
import { isRawKey, keyFingerprint, keyId } from '../../std/ed25519.ts'
import { readJson } from '../read-body.ts'
import { sendJson } from '../respond.ts'
import type { RouteCall } from '../route.ts'

const MAX_BODY = 8192
const signed = {
  publicKey: z.string().refine(isRawKey, 'must be a raw Ed25519 key'),
  nonce: z.string().max(128),
  signedAt: z.number(),
  signature: z.string().max(128),
}
const requestBody = z.strictObject({
  ...signed,
  // What the owner reads must be what there is.
  name: z.string().regex(/^[\p{L}\p{N}][\p{L}\p{N} ._'()-]{0,63}$/u, 'must be 1 to 64 letters, digits and spaces'),
  scopes: z.array(z.string().regex(/^[a-z.*]{1,64}$/)).max(16),
})
const claimBody = z.strictObject(signed)

export async function sendChallenge({ response, facts, deps }: RouteCall): Promise<void> {
  const { pairing } = await admitted(facts.address, deps)
  sendJson(response, 200, { nonce: pairing.nonce(deps.now()), ts: deps.now() })
}

export async function requestPairing(call: RouteCall): Promise<void> {
  const { facts, response, deps } = call
  const devices = await admitted(facts.address, deps)
  const { publicKey, name, scopes, ...proof } = await readBody(call, requestBody)
  const deviceId = keyId(publicKey)
  prove(call, devices, publicKey, pairingText({ step: 'request', deviceId, name, scopes, signedAt: proof.signedAt, nonce: proof.nonce }), proof)
  const { id, expiresAt } = devices.request({ deviceId, publicKey, name, wished: scopes, address: facts.address })
  sendJson(response, 202, { status: 'pending', requestId: id, deviceId, fingerprint: keyFingerprint(deviceId), expiresAt })
}

export async function claimToken(call: RouteCall): Promise<void> {
  const { facts, response, deps } = call
  const devices = await admitted(facts.address, deps)
  const { publicKey, ...proof } = await readBody(call, claimBody)
  const deviceId = keyId(publicKey)
  prove(call, devices, publicKey, pairingText({ step: 'claim', deviceId, name: '', scopes: [], signedAt: proof.signedAt, nonce: proof.nonce }), proof)
  const claimed = await devices.claim(deviceId)
  if (claimed === null) return sendJson(response, 202, { status: 'pending' })
  const { scopes, tokenExpiresAt } = claimed.device
  sendJson(response, 200, { status: 'paired', deviceId, deviceToken: claimed.token, scopes, expiresAt: tokenExpiresAt })
}

/** Counted before anything waits. */
async function admitted(address: string, { access, credentials, now }: RouteCall['deps']): Promise<Devices> {
  const waitMs = access.pairRates.take(addressKey(address), now())
  if (waitMs > 0) throw new AppError('request/rate-limited', 'slow down', { retryAfterMs: waitMs })
  return credentials.devices()
}

async function readBody<T>({ request, deps }: RouteCall, schema: z.ZodType<T>): Promise<T> {
  const parsed = schema.safeParse(await readJson(request, { maxBytes: MAX_BODY, timeoutMs: deps.config.requestTimeoutMs }))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new AppError('request/invalid', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`)
}

function prove(
  { facts, deps }: RouteCall,
  { pairing }: Devices,
  publicKey: string,
  text: string,
  proof: { readonly nonce: string; readonly signedAt: number; readonly signature: string },
): void {
  const key = addressKey(facts.address)
  const waitMs = deps.access.failures.count(key, deps.now())
  if (waitMs > 0) throw new AppError('auth/locked-out', undefined, { retryAfterMs: waitMs })
  pairing.verify({ publicKey }, { ...proof, text }, deps.now())
  deps.access.failures.forgive(key)
}
