/** Reads a backup into a folder, and believes nothing of it: each member must be the one that the manifest announced next, of its size and hash. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { AppError } from '../../contracts/errors.ts'
import { MANIFEST, MAX_MANIFEST_BYTES, parseManifest, totalBytes, type Manifest, type Member } from './manifest.ts'
import { MAGIC, openStream } from './seal-stream.ts'
import { BLOCK, invalid, padding, readTarHeader } from './tar.ts'

/** Beside what is announced, so that the disk is not filled to its end. */
const SPARE_BYTES = 16 * 1024 * 1024

/** Every member lies in `folder` under its path then, flushed. Throws `backup/invalid`; `password` is asked where it is sealed. */
export async function readBackup(file: string, folder: string, password: () => Promise<string>): Promise<Manifest> {
  const bytes = new Bytes(await unpacked(file, password))
  const first = readTarHeader(await bytes.take(BLOCK))
  if (first?.name !== MANIFEST || first.size > MAX_MANIFEST_BYTES) throw invalid('it does not begin with a manifest')
  const manifest = parseManifest(await bytes.take(first.size))
  await bytes.take(padding(first.size).length)
  const { bavail, bsize } = await statfs(folder)
  if (totalBytes(manifest) + SPARE_BYTES > bavail * bsize)
    throw new AppError('backup/invalid', `it holds ${totalBytes(manifest)} bytes, more than there is room for`, { hint: 'Free some space, then try again' })
  for (const member of manifest.members) await extract(bytes, member, folder)
  const [end, more] = [readTarHeader(await bytes.take(BLOCK)), readTarHeader(await bytes.take(BLOCK))]
  if (end !== null || more !== null || !(await bytes.isAtEnd())) throw invalid('it holds more than its manifest says')
  return manifest
}

async function unpacked(file: string, password: () => Promise<string>): Promise<AsyncIterable<Uint8Array>> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw new AppError('file/unreadable', 'the backup cannot be opened', { cause: error, hint: 'Check path and permissions' })
  })
  const start = Buffer.alloc(MAGIC.length)
  try {
    await handle.read(start, 0, start.length, 0)
  } finally {
    await handle.close()
  }
  const source = createReadStream(file)
  const isSealed = start.equals(MAGIC)
  if (!isSealed && (start[0] !== 0x1f || start[1] !== 0x8b)) throw invalid('it is no backup of carapace')
  const gunzip = createGunzip()
  // An error of the source reaches the reader through `destroy`.
  const packed = isSealed ? Readable.from(openStream(source, await password())) : source
  packed.on('error', (error) => gunzip.destroy(error))
  packed.pipe(gunzip)
  return gunzip
}

async function extract(bytes: Bytes, { path, size, sha256 }: Member, folder: string): Promise<void> {
  const header = readTarHeader(await bytes.take(BLOCK))
  if (header?.name !== path || header.size !== size) throw invalid(`it does not hold what its manifest says (${path})`)
  const target = join(folder, path)
  await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  const file = await open(target, 'wx', 0o600)
  const hash = createHash('sha256')
  try {
    for (let left = size; left > 0;) {
      const piece = await bytes.some(left)
      hash.update(piece)
      await file.writeFile(piece)
      left -= piece.length
    }
    await file.sync()
  } finally {
    await file.close()
  }
  if (hash.digest('hex') !== sha256) throw invalid(`${path} is not what it was`)
  await bytes.take(padding(size).length)
}

/** A stream read by lengths. */
class Bytes {
  readonly #source: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  async take(length: number): Promise<Buffer> {
    const pieces: Buffer[] = []
    for (let left = length; left > 0;) {
      const piece = await this.some(left)
      pieces.push(piece)
      left -= piece.length
    }
    return Buffer.concat(pieces)
  }

  /** Between one byte and `most`. */
  async some(most: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const next = await this.#next()
      if (next === null) throw invalid('its end is missing')
      this.#rest = next
    }
    const piece = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(piece.length)
    return piece
  }

  async isAtEnd(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#next()
      if (next === null) return true
      this.#rest = next
    }
    return false
  }

  async #next(): Promise<Buffer | null> {
    try {
      const { value, done } = await this.#source.next()
      return done === true ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    } catch (error) {
      throw error instanceof AppError ? error : invalid('it is damaged')
    }
  }
}
