/** The key pair of the audit trail: made at first start. The private key is sealed in `{state}/keys/`, the public one lies beside it. */
import { createHash, createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, hkdfSync, sign, verify, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import type { AuditKeys } from '../contracts/audit.ts'
import { AppError } from '../contracts/errors.ts'
import { createOnce, readPrivate } from './create-once.ts'
import { sealedFiles } from './sealed-files.ts'
import type { Vault } from './vault.ts'

const PLACE = sealedFiles.audit.place

/** What checks signatures needs no secret. */
export interface AuditVerifier {
  readonly id: string
  verify(text: string, signature: string): boolean
}

const fileOf = (stateDir: string) => join(stateDir, sealedFiles.audit.file)
const publicFileOf = (stateDir: string) => join(stateDir, 'keys', 'audit.pub')

/** Throws `secrets/sealed`, also where the public key beside it is another one. */
export function loadAuditKeys(vault: Vault, stateDir: string): AuditKeys {
  const sealed = createOnce(fileOf(stateDir), () => vault.seal(PLACE, exportKey(generateKeyPairSync('ed25519').privateKey)))
  const text = vault.open(PLACE, sealed.toString('utf8').trim())
  const key = createPrivateKey({ key: Buffer.from(text, 'base64url'), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key)
  const shown = createOnce(publicFileOf(stateDir), () => `${exportPublic(publicKey)}\n`)
  if (shown.toString('utf8').trim() !== exportPublic(publicKey)) {
    throw new AppError('secrets/sealed', `${publicFileOf(stateDir)} does not belong to the audit key`, {
      hint: 'Somebody replaced it: restore it from a backup, or delete it to have it made from the sealed key',
    })
  }
  const macKey = Buffer.from(hkdfSync('sha256', Buffer.from(text), '', 'carapace audit values v1', 32))
  return {
    id: fingerprint(publicKey),
    sign: (given) => sign(null, Buffer.from(given), key).toString('base64url'),
    mac: (given) => createHmac('sha256', macKey).update(given).digest('base64url').slice(0, 22),
  }
}

/** By the public key alone; null where there is none. */
export function loadAuditVerifier(stateDir: string): AuditVerifier | null {
  const text = readPrivate(publicFileOf(stateDir))?.toString('utf8').trim()
  if (text === undefined) return null
  let key: KeyObject
  try {
    key = createPublicKey({ key: Buffer.from(text, 'base64url'), format: 'der', type: 'spki' })
  } catch (error) {
    throw new AppError('secrets/sealed', `${publicFileOf(stateDir)} is damaged`, { cause: error })
  }
  return {
    id: fingerprint(key),
    verify(given, signature) {
      const bytes = Buffer.from(signature, 'base64url')
      // One spelling of a signature only.
      return bytes.toString('base64url') === signature && verify(null, Buffer.from(given), key, bytes)
    },
  }
}

function exportKey(key: KeyObject): string {
  return key.export({ format: 'der', type: 'pkcs8' }).toString('base64url')
}

function exportPublic(key: KeyObject): string {
  return key.export({ format: 'der', type: 'spki' }).toString('base64url')
}

function fingerprint(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest('base64url')
    .slice(0, 22)
}
