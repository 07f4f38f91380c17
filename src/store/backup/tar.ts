/** The one form of tar that backups use: regular files, short names, no links, no extensions (POSIX.1-1988 ustar). What is read is refused unless it is exactly that. */
import { AppError } from '../../contracts/errors.ts'

export const BLOCK = 512
const MAX_NAME = 100
/** What eleven octal digits can say. */
export const MAX_FILE_BYTES = 0o77_777_777_777
/** Two empty blocks. */
export const END = Buffer.alloc(2 * BLOCK)

export interface TarHeader {
  readonly name: string
  readonly size: number
}

export function tarHeader({ name, size }: TarHeader, modifiedAt: number): Buffer {
  if (Buffer.byteLength(name) > MAX_NAME) throw new AppError('backup/unmade', `the name ${name} is too long`)
  if (size > MAX_FILE_BYTES) throw new AppError('backup/unmade', `${name} is larger than 8 GiB`)
  const block = Buffer.alloc(BLOCK)
  const octal = (value: number, at: number, length: number) => block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1')
  block.write(name, 0, 'utf8')
  octal(0o600, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(Math.floor(modifiedAt / 1000), 136, 12)
  block.write('0', 156, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  block.write(`${sumOf(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

/** Null for an empty block. Throws `backup/invalid`. */
export function readTarHeader(block: Uint8Array): TarHeader | null {
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength)
  if (bytes.every((byte) => byte === 0)) return null
  const field = (at: number, length: number) => {
    const end = bytes.subarray(at, at + length).indexOf(0)
    return bytes.subarray(at, at + (end < 0 ? length : end)).toString('utf8')
  }
  const number = (at: number, length: number) => {
    const text = field(at, length).trim()
    return /^[0-7]{1,11}$/.test(text) ? Number.parseInt(text, 8) : null
  }
  const size = number(124, 12)
  if (field(257, 6) !== 'ustar' || number(148, 8) !== sumOf(bytes) || size === null) throw invalid('it is damaged')
  if (field(156, 1) !== '0') throw invalid('it holds something that is no regular file')
  if (field(345, 155) !== '' || field(157, 100) !== '') throw invalid('it holds a name that is too long, or a link')
  return { name: field(0, MAX_NAME), size }
}

/** With the field of the sum as blanks. */
function sumOf(block: Buffer): number {
  let sum = 8 * 32
  for (let index = 0; index < BLOCK; index++) if (index < 148 || index >= 156) sum += block[index] ?? 0
  return sum
}

export const padding = (size: number) => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK)

export function invalid(why: string): AppError {
  return new AppError('backup/invalid', why, { hint: 'Nothing was changed. Use another backup' })
}
