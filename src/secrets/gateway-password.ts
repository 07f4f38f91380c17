/**
 * The password of the gateway, as an Argon2id hash in `keys/gateway-password` (0600) that records its own parameters, in the PHC form:
 * `$argon2id$v=19$m=65536,t=3,p=1$SALT$HASH`. The password itself is kept nowhere.
 */
import { argon2, hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../contracts/errors.ts'
import { atomicWrite } from '../std/atomic-write.ts'
import { readPrivate } from './create-once.ts'

export interface PasswordHash {
  /** Names this password among later ones; safe to keep. */
  readonly credential: string
  readonly kibibytes: number
  readonly passes: number
  readonly lanes: number
  readonly salt: Buffer
  readonly hash: Buffer
}

export const LEAST_PASSWORD = 12
export const MOST_PASSWORD = 1024

/** RFC 9106's choice for machines that cannot spare 2 GiB. */
const COST = { kibibytes: 65_536, passes: 3, lanes: 1 } as const
/** What a hash on the disk may make us spend. */
const MOST = { kibibytes: 262_144, passes: 10, lanes: 4 } as const
const FORM = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d)\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{43})$/

const fileOf = (stateDir: string) => join(stateDir, 'keys', 'gateway-password')

/** Null where there is none. Throws `secrets/sealed` where it is damaged, or others could have replaced it. */
export function readPassword(stateDir: string): PasswordHash | null {
  const text = readPrivate(fileOf(stateDir))?.toString('utf8').trim()
  if (text === undefined) return null
  const [, kibibytes, passes, lanes, salt, digest] = FORM.exec(text) ?? []
  const found = { kibibytes: Number(kibibytes), passes: Number(passes), lanes: Number(lanes) }
  const isSound =
    (['kibibytes', 'passes', 'lanes'] as const).every((name) => found[name] >= 1 && found[name] <= MOST[name]) && found.kibibytes >= 8 * found.lanes
  if (!isSound || salt === undefined || digest === undefined) {
    throw new AppError('secrets/sealed', `${fileOf(stateDir)} is damaged`, { hint: 'Set the password again: cara auth password' })
  }
  return { ...found, credential: `password:${hash('sha256', text).slice(0, 4)}`, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(digest, 'base64') }
}

/** Throws `auth/weak-password`. */
export async function writePassword(stateDir: string, password: string): Promise<void> {
  const why = weakness(password)
  if (why !== null) throw new AppError('auth/weak-password', why)
  const salt = randomBytes(16)
  const digest = await derive(password, { ...COST, salt })
  const base64 = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')
  await mkdir(join(stateDir, 'keys'), { recursive: true, mode: 0o700 })
  await atomicWrite(fileOf(stateDir), `$argon2id$v=19$m=${COST.kibibytes},t=${COST.passes},p=${COST.lanes}$${base64(salt)}$${base64(digest)}\n`)
}

export async function removePassword(stateDir: string): Promise<void> {
  await rm(fileOf(stateDir), { force: true })
}

/** Takes the same time where there is no password. */
export async function isPassword(given: string, known: PasswordHash | null): Promise<boolean> {
  const { hash: expected, ...parameters } = known ?? NONE
  return timingSafeEqual(await derive(given, parameters), expected) && known !== null
}

const NONE = { ...COST, salt: Buffer.alloc(16), hash: Buffer.alloc(32) }

/** Why it is too easy to guess; null when it is not. */
export function weakness(password: string): string | null {
  if (Buffer.byteLength(password) > MOST_PASSWORD) return `at most ${MOST_PASSWORD} bytes`
  if (password.length < LEAST_PASSWORD) return `at least ${LEAST_PASSWORD} characters`
  return new Set(password.toLowerCase()).size < 5 ? 'it repeats a few characters' : null
}

/** One password, however a keyboard composes its accents. */
function derive(password: string, { kibibytes, passes, lanes, salt }: Omit<PasswordHash, 'credential' | 'hash'>): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const parameters = { message: password.normalize('NFC'), nonce: salt, memory: kibibytes, passes, parallelism: lanes, tagLength: 32 }
  argon2('argon2id', parameters, (error, key) => (error === null ? resolve(key) : reject(error)))
  return promise
}
