/**
 * A stream sealed with a password: Argon2id gives the key, each piece of 64 KiB is AES-256-GCM, bound to the head, to its place and to whether it is the last, so that what was cut off, swapped or
 * added does not open. The key is used for one file alone, so that places are nonces.
 */
import { argon2, createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import * as z from 'zod/mini'
import { invalid } from './tar.ts'

export const MAGIC = Buffer.from('carapace backup, sealed, v1\n')
const PIECE = 65_536
const TAG = 16
const LAST = 0x8000_0000
const MAX_HEAD = 512
/** RFC 9106's choice for machines that cannot spare 2 GiB. */
const COST = { kibibytes: 65_536, passes: 3, lanes: 1 } as const
const head = z.strictObject({
  kibibytes: z.int().check(z.gte(8), z.lte(262_144)),
  passes: z.int().check(z.gte(1), z.lte(10)),
  lanes: z.int().check(z.gte(1), z.lte(1)),
  salt: z.string().check(z.regex(/^[\w-]{22}$/)),
})
type Head = z.infer<typeof head>

export async function* sealStream(source: AsyncIterable<Uint8Array>, password: string): AsyncGenerator<Buffer> {
  const written = JSON.stringify({ ...COST, salt: randomBytes(16).toString('base64url') } satisfies Head)
  const start = Buffer.concat([MAGIC, Buffer.from(`${written}\n`)])
  const key = await derive(password, head.parse(JSON.parse(written)))
  yield start
  let place = 0
  const seal = (piece: Uint8Array, isLast: boolean): Buffer => {
    const cipher = createCipheriv('aes-256-gcm', key, nonce(place++, isLast), { authTagLength: TAG }).setAAD(start)
    const sealed = Buffer.concat([cipher.update(piece), cipher.final(), cipher.getAuthTag()])
    const length = Buffer.alloc(4)
    length.writeUInt32BE((sealed.length | (isLast ? LAST : 0)) >>> 0)
    return Buffer.concat([length, sealed])
  }
  let rest = Buffer.alloc(0)
  for await (const chunk of source) {
    rest = Buffer.concat([rest, chunk])
    for (; rest.length > PIECE; rest = rest.subarray(PIECE)) yield seal(rest.subarray(0, PIECE), false)
  }
  yield seal(rest, true)
}

/** `source` begins with `MAGIC`. Throws `backup/invalid`. */
export async function* openStream(source: AsyncIterable<Uint8Array>, password: string): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0)
  let start: Buffer | null = null
  let key: Buffer = Buffer.alloc(0)
  let place = 0
  let hasEnded = false
  for await (const chunk of source) {
    if (hasEnded) throw invalid('something was added behind its end')
    rest = Buffer.concat([rest, chunk])
    if (start === null) {
      const end = rest.indexOf(10, MAGIC.length)
      if (end < 0 && rest.length < MAX_HEAD) continue
      if (end < 0 || end > MAX_HEAD) throw invalid('it is damaged')
      start = Buffer.from(rest.subarray(0, end + 1))
      key = await derive(password, readHead(start))
      rest = rest.subarray(end + 1)
    }
    while (rest.length >= 4) {
      const word = rest.readUInt32BE(0)
      const [isLast, length] = [(word & LAST) !== 0, word & ~LAST]
      if (length < TAG || length > PIECE + TAG) throw wrong()
      if (rest.length < 4 + length) break
      yield unseal(rest.subarray(4, 4 + length), key, nonce(place++, isLast), start)
      rest = rest.subarray(4 + length)
      if (!isLast) continue
      if (rest.length > 0) throw invalid('something was added behind its end')
      hasEnded = true
      break
    }
  }
  if (!hasEnded) throw invalid('its end is missing')
}

function readHead(start: Buffer): Head {
  try {
    return head.parse(JSON.parse(start.subarray(MAGIC.length).toString('utf8')))
  } catch {
    throw invalid('it is damaged')
  }
}

function unseal(sealed: Buffer, key: Buffer, iv: Buffer, start: Buffer): Buffer {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG }).setAAD(start)
    decipher.setAuthTag(sealed.subarray(-TAG))
    return Buffer.concat([decipher.update(sealed.subarray(0, -TAG)), decipher.final()])
  } catch {
    throw wrong()
  }
}

function wrong() {
  return invalid('the password is another one, or it was changed')
}

function nonce(place: number, isLast: boolean): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeBigUInt64BE(BigInt(place))
  bytes[11] = isLast ? 1 : 0
  return bytes
}

/** One password, however a keyboard composes its accents. */
function derive(password: string, { kibibytes, passes, lanes, salt }: Head): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const parameters = { message: password.normalize('NFC'), nonce: Buffer.from(salt, 'base64url'), memory: kibibytes, passes, parallelism: lanes, tagLength: 32 }
  argon2('argon2id', parameters, (error, key) => (error === null ? resolve(key) : reject(error)))
  return promise
}
