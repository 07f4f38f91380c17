/** The other side of pairing: asks a gateway to admit this machine, and fetches the token once its owner has said yes. */
import * as z from 'zod/mini'
import { pairingText } from '../contracts/device.ts'
import { AppError, isErrorCode } from '../contracts/errors.ts'
import { keyId, signText, type SigningKey } from '../std/ed25519.ts'
import { socketUrl } from './gateway-client.ts'

const challenge = z.object({ nonce: z.string().check(z.maxLength(128)) })
const requested = z.object({ status: z.literal('pending'), requestId: z.string(), fingerprint: z.string(), expiresAt: z.number() })
const claimed = z.discriminatedUnion('status', [
  z.object({ status: z.literal('pending') }),
  z.object({ status: z.literal('paired'), deviceToken: z.string(), scopes: z.array(z.string()), expiresAt: z.number() }),
])
const refused = z.object({ error: z.object({ code: z.string(), message: z.string() }) })
const MAX_ANSWER = 64 * 1024

export type Requested = z.infer<typeof requested>
export type Claimed = Extract<z.infer<typeof claimed>, { status: 'paired' }>

export async function requestPairing(
  url: string,
  key: SigningKey,
  wish: { readonly name: string; readonly scopes: readonly string[] },
  signal: AbortSignal,
): Promise<Requested> {
  return requested.parse(await post(url, '/pair/request', { ...wish, ...(await proof(url, key, 'request', wish, signal)) }, signal))
}

/** Null while the owner has not decided. Throws `pair/not-found` when he said no, or nothing in time. */
export async function claimToken(url: string, key: SigningKey, signal: AbortSignal): Promise<Claimed | null> {
  const answer = claimed.parse(await post(url, '/pair/claim', await proof(url, key, 'claim', { name: '', scopes: [] }, signal), signal))
  return answer.status === 'pending' ? null : answer
}

async function proof(
  url: string,
  key: SigningKey,
  step: 'request' | 'claim',
  wish: { readonly name: string; readonly scopes: readonly string[] },
  signal: AbortSignal,
) {
  const { nonce } = challenge.parse(await post(url, '/pair/challenge', {}, signal))
  const signedAt = Date.now()
  const signature = signText(key, pairingText({ step, deviceId: keyId(key.publicKey), ...wish, signedAt, nonce }))
  return { publicKey: key.publicKey, nonce, signedAt, signature }
}

async function post(url: string, path: string, body: object, signal: AbortSignal): Promise<unknown> {
  // The same addresses as for the token that will follow.
  const target = new URL(path, socketUrl(url).replace(/^ws/, 'http'))
  const init = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' }, redirect: 'error', signal } as const
  const response = await fetch(target, init).catch((error: unknown) => {
    if (signal.aborted) throw signal.reason
    throw new AppError('gateway/unreachable', target.host, { cause: error })
  })
  const text = await readText(response)
  const value = parseJson(text)
  if (response.ok) return value
  const { error } = refused.safeParse(value).data ?? {}
  if (error === undefined || !isErrorCode(error.code))
    throw new AppError('gateway/unreachable', `${target.host} answers, but not as a gateway that admits devices`)
  throw new AppError(error.code)
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > MAX_ANSWER) throw new AppError('net/too-large')
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
