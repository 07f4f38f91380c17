/** AES-256-GCM over short texts, each bound to its place. */
import { argon2Sync, createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { AppError } from '../contracts/errors.ts'

export const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

export interface Derivation {
  readonly kibibytes: number
  readonly passes: number
  readonly lanes: number
  readonly salt: Buffer
}
/** RFC 9106's choice for machines that cannot spare 2 GiB. */
const COST = { kibibytes: 65_536, passes: 3, lanes: 1 } as const
/** What a sealed text may make us spend. */
const MOST = { kibibytes: 262_144, passes: 10, lanes: 4 } as const

/** `NONCE:SEALED`, base64url. */
export function encrypt(key: Buffer, path: string, text: string): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', checkedKey(key), nonce, { authTagLength: TAG_BYTES }).setAAD(placeOf(path))
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${nonce.toString('base64url')}:${sealed.toString('base64url')}`
}

/** Throws `secrets/sealed`. */
export function decrypt(key: Buffer, path: string, [nonceText = '', sealedText = '']: readonly string[]): string {
  const nonce = Buffer.from(nonceText, 'base64url')
  const sealed = Buffer.from(sealedText, 'base64url')
  if (nonce.length !== NONCE_BYTES || sealed.length < TAG_BYTES) throw new AppError('secrets/sealed', 'it is damaged')
  try {
    const decipher = createDecipheriv('aes-256-gcm', checkedKey(key), nonce, { authTagLength: TAG_BYTES }).setAAD(placeOf(path))
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
    return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]).toString('utf8')
  } catch (error) {
    if (error instanceof AppError) throw error
    // The reason is not told apart on purpose, and cannot be.
    throw new AppError('secrets/sealed', 'the key is another one, or the value was changed or moved', { hint: 'Set the value again: cara secrets set NAME' })
  }
}

function checkedKey(key: Buffer): Buffer {
  if (key.length !== KEY_BYTES) throw new AppError('secrets/sealed', 'the key is damaged', { hint: 'Restore it from a backup' })
  return key
}

const placeOf = (path: string) => Buffer.from(`carapace:v3:${path}`)

export function newDerivation(salt: Buffer): Derivation {
  return { ...COST, salt }
}

export function deriveKey(password: string, { kibibytes, passes, lanes, salt }: Derivation): Buffer {
  return argon2Sync('argon2id', { message: password, nonce: salt, memory: kibibytes, passes, parallelism: lanes, tagLength: KEY_BYTES })
}

export function describeDerivation({ kibibytes, passes, lanes, salt }: Derivation): string {
  return `${kibibytes},${passes},${lanes},${salt.toString('base64url')}`
}

export function readDerivation(text: string): Derivation {
  const [kibibytes, passes, lanes, salt] = text.split(',')
  const found = { kibibytes: Number(kibibytes), passes: Number(passes), lanes: Number(lanes), salt: Buffer.from(salt ?? '', 'base64url') }
  const within = (['kibibytes', 'passes', 'lanes'] as const).every((name) => Number.isInteger(found[name]) && found[name] >= 1 && found[name] <= MOST[name])
  if (!within || found.kibibytes < 8 * found.lanes || found.salt.length < 8 || found.salt.length > 64) throw new AppError('secrets/sealed', 'it is damaged')
  return found
}
