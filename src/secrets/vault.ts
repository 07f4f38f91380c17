/**
 * Seals short texts with AES-256-GCM, each bound to its place (a configuration path), so that a sealed value moved elsewhere does not open.
 *
 * The key is a random file, `{state}/keys/master.key`, or is derived from `CARAPACE_CONFIG_PASSWORD` where that is set. What the key file protects: a configuration file that
 * is shown, shared, synchronised or backed up without the state folder. What it does not: somebody who can read the state folder too, such as another program of the same
 * user. Against them only the password helps, and only while it is not stored beside it.
 *
 * `enc:v3:k:NONCE:SEALED` with the key file, `enc:v3:p:KIBIBYTES,PASSES,LANES,SALT:NONCE:SEALED` with the password; everything is base64url.
 */
import { argon2Sync, createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { AppError } from '../contracts/errors.ts'
import { createOnce, readPrivate } from './create-once.ts'

export interface Vault {
  /** Makes the key where there is none yet. */
  seal(path: string, text: string): string
  /** Throws `secrets/sealed`. */
  open(path: string, sealed: string): string
}

const PREFIX = 'enc:v3:'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const MAX_SEALED = 131_072

interface Derivation {
  readonly kibibytes: number
  readonly passes: number
  readonly lanes: number
  readonly salt: Buffer
}
/** RFC 9106's choice for machines that cannot spare 2 GiB. */
const COST = { kibibytes: 65_536, passes: 3, lanes: 1 } as const
/** What a sealed text may make us spend. */
const MOST = { kibibytes: 262_144, passes: 10, lanes: 4 } as const

export function createVault(stateDir: string, password?: string): Vault {
  const keyFile = join(stateDir, 'keys', 'master.key')
  const saltFile = join(stateDir, 'keys', 'password.salt')
  const derived = new Map<string, Buffer>()

  const fromPassword = (derivation: Derivation): Buffer => {
    if (password === undefined) throw new AppError('secrets/sealed', 'it was sealed with a password', { hint: 'Set CARAPACE_CONFIG_PASSWORD to that password' })
    const name = describe(derivation)
    const key = derived.get(name) ?? derive(password, derivation)
    derived.set(name, key)
    return key
  }

  return {
    seal(path, text) {
      if (password === undefined)
        return `${PREFIX}k:${encrypt(
          createOnce(keyFile, () => randomBytes(KEY_BYTES)),
          path,
          text,
        )}`
      // One salt for all values: the password costs its price once per start.
      const derivation = { ...COST, salt: createOnce(saltFile, () => randomBytes(16)) }
      return `${PREFIX}p:${describe(derivation)}:${encrypt(fromPassword(derivation), path, text)}`
    },
    open(path, sealed) {
      const parts = sealed.length <= MAX_SEALED && sealed.startsWith(PREFIX) ? sealed.slice(PREFIX.length).split(':') : []
      const [kind, ...rest] = parts
      if (kind === 'k' && rest.length === 2) return decrypt(keyFrom(keyFile), path, rest)
      if (kind === 'p' && rest.length === 3) return decrypt(fromPassword(readDerivation(rest[0] ?? '')), path, rest.slice(1))
      throw new AppError('secrets/sealed', 'it is damaged')
    },
  }
}

function keyFrom(file: string): Buffer {
  const key = readPrivate(file)
  if (key === null) {
    throw new AppError('secrets/sealed', `its key ${file} is missing`, { hint: 'Restore the key file, or set the value again: cara config set PATH VALUE' })
  }
  return key
}

function encrypt(key: Buffer, path: string, text: string): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', checkedKey(key), nonce, { authTagLength: TAG_BYTES }).setAAD(placeOf(path))
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${nonce.toString('base64url')}:${sealed.toString('base64url')}`
}

function decrypt(key: Buffer, path: string, [nonceText = '', sealedText = '']: readonly string[]): string {
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
    throw new AppError('secrets/sealed', 'the key is another one, or the value was changed or moved', {
      hint: 'Set the value again: cara config set PATH VALUE',
    })
  }
}

function checkedKey(key: Buffer): Buffer {
  if (key.length !== KEY_BYTES) throw new AppError('secrets/sealed', 'the key file is damaged', { hint: 'Restore it from a backup' })
  return key
}

const placeOf = (path: string) => Buffer.from(`carapace:v3:${path}`)

function derive(password: string, { kibibytes, passes, lanes, salt }: Derivation): Buffer {
  return argon2Sync('argon2id', { message: password, nonce: salt, memory: kibibytes, passes, parallelism: lanes, tagLength: KEY_BYTES })
}

function describe({ kibibytes, passes, lanes, salt }: Derivation): string {
  return `${kibibytes},${passes},${lanes},${salt.toString('base64url')}`
}

function readDerivation(text: string): Derivation {
  const [kibibytes, passes, lanes, salt] = text.split(',')
  const found = { kibibytes: Number(kibibytes), passes: Number(passes), lanes: Number(lanes), salt: Buffer.from(salt ?? '', 'base64url') }
  const within = (['kibibytes', 'passes', 'lanes'] as const).every((name) => Number.isInteger(found[name]) && found[name] >= 1 && found[name] <= MOST[name])
  if (!within || found.kibibytes < 8 * found.lanes || found.salt.length < 8 || found.salt.length > 64) throw new AppError('secrets/sealed', 'it is damaged')
  return found
}
