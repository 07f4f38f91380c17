/**
 * How a copy of a replaced file lies on the disk: as it was, or, where texts are sealed, in pieces that are each bound to the copy and to their place in it, under a name of its own
 * (`NAME.sealed`). A last, empty piece ends it: what was cut off, swapped or put together out of others does not open.
 */
import { createReadStream } from 'node:fs'
import { open, readdir, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../contracts/errors.ts'
import type { Texts } from '../contracts/store.ts'

const PLACE = 'undo.copy'
const SUFFIX = '.sealed'
const TEMPORARY = '.new'
const PIECE_BYTES = 64 * 1024
const LENGTH_BYTES = 4
/** A piece, its nonce and its tag. */
const MAX_SEALED_BYTES = PIECE_BYTES + 28

export const copyFile = (name: string, isSealed: boolean) => (isSealed ? `${name}${SUFFIX}` : name)

/** The copy that a file holds. */
export const copyName = (file: string) => (file.endsWith(SUFFIX) ? file.slice(0, -SUFFIX.length) : file)

/** Writes what `content` gives, flushed. `onPiece` may refuse by throwing. */
export async function writeCopy(file: FileHandle, name: string, content: AsyncIterable<Uint8Array>, texts: Texts | null, onPiece: (piece: Uint8Array) => void) {
  let index = 0
  const put = async (piece: Uint8Array, seals: Texts) => {
    const sealed = seals.sealBytes(PLACE, rowOf(name, index++, piece), piece)
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32BE(sealed.length)
    await file.writeFile(Buffer.concat([length, sealed]))
  }
  for await (const piece of content) {
    onPiece(piece)
    if (texts === null) await file.writeFile(piece)
    else for (let at = 0; at < piece.length; at += PIECE_BYTES) await put(piece.subarray(at, at + PIECE_BYTES), texts)
  }
  if (texts !== null) await put(new Uint8Array(), texts)
  await file.sync()
}

export async function* readSealed(path: string, name: string, texts: Texts): AsyncGenerator<Uint8Array> {
  let rest = Buffer.alloc(0)
  let hasEnded = false
  let index = 0
  for await (const chunk of createReadStream(path)) {
    rest = Buffer.concat([rest, asBytes(chunk)])
    for (;;) {
      if (rest.length < LENGTH_BYTES) break
      const length = rest.readUInt32BE(0)
      if (hasEnded || length > MAX_SEALED_BYTES) throw damaged()
      if (rest.length < LENGTH_BYTES + length) break
      const sealed = rest.subarray(LENGTH_BYTES, LENGTH_BYTES + length)
      // An empty piece is the end, and is bound to be it.
      hasEnded = length === MAX_SEALED_BYTES - PIECE_BYTES
      const piece = texts.openBytes(PLACE, `${name}/${index++}/${hasEnded ? 'end' : 'piece'}`, sealed)
      rest = rest.subarray(LENGTH_BYTES + length)
      if (!hasEnded) yield piece
    }
  }
  if (!hasEnded || rest.length > 0) throw damaged()
}

/** Brings every copy of the folder into the form that is wanted. Ended at any moment, it goes on at the next start: a copy is there whole before its old form goes. */
export async function convertCopies(folder: string, texts: Texts, to: 'plain' | 'sealed', onStep: () => void): Promise<void> {
  const files = await readdir(folder).catch(() => [])
  for (const file of files) {
    if (file.endsWith(TEMPORARY)) {
      await rm(join(folder, file), { force: true })
      continue
    }
    const isSealed = file.endsWith(SUFFIX)
    if (isSealed === (to === 'sealed')) continue
    const name = copyName(file)
    const target = join(folder, copyFile(name, to === 'sealed'))
    await rewrite(join(folder, file), name, target, texts, to)
    onStep()
    await rm(join(folder, file), { force: true })
    onStep()
  }
}

async function rewrite(source: string, name: string, target: string, texts: Texts, to: 'plain' | 'sealed'): Promise<void> {
  const temporary = `${target}${TEMPORARY}`
  const file = await open(temporary, 'w', 0o600)
  try {
    const content = to === 'sealed' ? bytesOf(source) : readSealed(source, name, texts)
    await writeCopy(file, name, content, to === 'sealed' ? texts : null, () => undefined)
  } finally {
    await file.close()
  }
  await rename(temporary, target)
  await syncFolder(join(target, '..'))
}

export async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(path)) yield asBytes(chunk)
}

export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => null)
  // Some platforms cannot sync a folder.
  await folder?.sync().catch(() => undefined)
  await folder?.close()
}

function rowOf(name: string, index: number, piece: Uint8Array): string {
  return `${name}/${index}/${piece.length === 0 ? 'end' : 'piece'}`
}

function asBytes(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  throw new TypeError('a file gives bytes')
}

function damaged(): AppError {
  return new AppError('store/corrupt', 'a sealed copy of a file was changed or cut', { hint: 'Restore a backup: cara restore FILE --force' })
}
