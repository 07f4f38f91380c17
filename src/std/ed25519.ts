/** Ed25519 with raw keys in base64url: 32 bytes, 43 characters. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, sign, verify } from 'node:crypto'

const KEY = /^[\w-]{43}$/
const SIGNATURE = /^[\w-]{86}$/

export interface SigningKey {
  readonly publicKey: string
  readonly privateKey: string
}

export function makeSigningKey(): SigningKey {
  const { x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return { publicKey: x ?? '', privateKey: d ?? '' }
}

export function signText({ publicKey, privateKey }: SigningKey, text: string): string {
  const key = createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey, d: privateKey }, format: 'jwk' })
  return sign(null, Buffer.from(text), key).toString('base64url')
}

/** False for anything that is no signature of this key, in its one spelling. */
export function isSignature(publicKey: string, text: string, signature: string): boolean {
  if (!isRawKey(publicKey) || !SIGNATURE.test(signature)) return false
  const bytes = Buffer.from(signature, 'base64url')
  if (bytes.toString('base64url') !== signature) return false
  try {
    return verify(null, Buffer.from(text), createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' }), bytes)
  } catch {
    return false
  }
}

/** In its one spelling, so that one key has one id. */
export function isRawKey(publicKey: string): boolean {
  return KEY.test(publicKey) && Buffer.from(publicKey, 'base64url').toString('base64url') === publicKey
}

export function keyId(publicKey: string): string {
  return hash('sha256', Buffer.from(publicKey, 'base64url'))
}

/** For people to compare: the first 64 bits of the id, in groups of four. */
export function keyFingerprint(id: string): string {
  return id.slice(0, 16).replaceAll(/(.{4})(?=.)/g, '$1-')
}
