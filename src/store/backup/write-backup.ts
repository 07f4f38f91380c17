/**
 * Writes a backup: one file, its manifest first. The database is copied at one moment, then everything else is read twice, once for its hash and once for the file: what only grows is taken up to the
 * length that it had. A gateway may go on meanwhile.
 */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { lstat, mkdtemp, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { AppError } from '../../contracts/errors.ts'
import { schemaOf } from '../migrations.ts'
import { openSqlite } from '../sqlite-database.ts'
import { syncFolder } from '../undo-copies.ts'
import { CONFIG, DATABASE, FORMAT, isMemberPath, isState, MANIFEST, MAX_MEMBERS, type Manifest, type Member } from './manifest.ts'
import { sealStream } from './seal-stream.ts'
import { END, padding, tarHeader } from './tar.ts'

export interface BackupSource {
  readonly stateDir: string
  readonly configFile: string
  /** Null where it lies on a server. */
  readonly database: string | null
  /** Names of the state folder that open what is sealed; left out without `hasKeys`. */
  readonly isKey: (name: string) => boolean
  readonly auditKey: string | null
  readonly version: string
  readonly now: () => number
}

export interface BackupChoices {
  readonly output: string
  readonly hasKeys: boolean
  readonly password: string | null
}

export interface BackupMade {
  readonly manifest: Manifest
  readonly bytes: number
}

/** Where a member is read from. */
interface Found {
  readonly path: string
  readonly file: string
  readonly size: number
}

const TRIES = 3
const DEPTH = 3
const SMALL = 65_536
const DAY_MS = 86_400_000

/** Throws `backup/unmade` and `file/exists`; then there is no file. */
export async function writeBackup(source: BackupSource, choices: BackupChoices): Promise<BackupMade> {
  if (existsSync(choices.output)) throw new AppError('file/exists', 'the backup would replace it', { hint: 'Give another --output' })
  await sweep(source)
  const temporary = await mkdtemp(join(source.stateDir, 'backup-'))
  try {
    for (let tries = 1; ; tries++) {
      try {
        return await writeOnce(source, choices, temporary)
      } catch (error) {
        // A file went or changed between its two readings.
        if (!(error instanceof Changed)) throw error
        if (tries === TRIES) throw new AppError('backup/unmade', `${error.path} changes all the time`, { hint: 'Try again in a moment' })
      }
    }
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

class Changed extends Error {
  readonly path: string
  constructor(path: string) {
    super('changed')
    this.path = path
  }
}

async function writeOnce(source: BackupSource, { output, hasKeys, password }: BackupChoices, temporary: string): Promise<BackupMade> {
  const { database, configFile, auditKey, version } = source
  const found: Found[] = []
  let schema: number | null = null
  if (database !== null && existsSync(database)) {
    const copy = join(temporary, 'carapace.db')
    await rm(copy, { force: true })
    schema = await copyDatabase(database, copy)
    found.push({ path: DATABASE, file: copy, size: (await stat(copy)).size })
  }
  if (existsSync(configFile)) found.push(await taken({ path: CONFIG, file: configFile, size: (await stat(configFile)).size }, temporary))
  found.push(...(await filesOf(source.stateDir, hasKeys ? () => false : source.isKey, temporary)))
  if (found.length === 0) throw new AppError('backup/unmade', 'there is nothing yet', { hint: 'It begins with the first start: cara start' })
  if (found.length > MAX_MEMBERS) throw new AppError('backup/unmade', `more than ${MAX_MEMBERS} files`)
  const members: Member[] = []
  for (const each of found) members.push({ path: each.path, size: each.size, sha256: await hashOf(each) })
  const manifest: Manifest = { format: FORMAT, version, createdAt: source.now(), schema, hasKeys, auditKey, members }
  const bytes = await writeFile(output, archive(manifest, found, source.now()), password)
  return { manifest, bytes }
}

async function copyDatabase(path: string, copy: string): Promise<number> {
  const reading = openSqlite({ path, synchronous: 'normal', readOnly: true })
  try {
    await reading.copyTo?.(copy)
    return await schemaOf(reading)
  } finally {
    await reading.close()
  }
}

/** Regular files alone: links and sockets are nobody's data. */
async function filesOf(stateDir: string, isLeftOut: (name: string) => boolean, temporary: string): Promise<readonly Found[]> {
  const found: Found[] = []
  const visit = async (folder: string, path: string, depth: number): Promise<void> => {
    for (const name of (await readdir(folder).catch((): string[] => [])).toSorted()) {
      if (depth === 0 && (!isState(name) || isLeftOut(name))) continue
      const [file, member] = [join(folder, name), `${path}/${name}`]
      const facts = await lstat(file).catch(() => null)
      if (facts?.isDirectory() === true && depth < DEPTH - 1) await visit(file, member, depth + 1)
      if (facts?.isFile() !== true || !isMemberPath(member) || name.endsWith('.tmp')) continue
      const each = { path: member, file, size: await wholeSize(file, facts.size) }
      // The head of the audit trail is taken before the lines that it speaks of, which is the order of their names.
      found.push(each.size > SMALL || file.endsWith('.jsonl') || member.startsWith('state/undo/') ? each : await taken(each, temporary))
    }
  }
  await visit(stateDir, 'state', 0)
  return found
}

/** A short file that is replaced as a whole now and then. */
async function taken({ path, file }: Found, temporary: string): Promise<Found> {
  const copy = join(temporary, createHash('sha256').update(path).digest('hex'))
  const content = await readFile(file)
  const target = await open(copy, 'w', 0o600)
  try {
    await target.writeFile(content)
  } finally {
    await target.close()
  }
  return { path, file: copy, size: content.length }
}

/** Of what is written line by line, the last line may be half there. */
async function wholeSize(file: string, size: number): Promise<number> {
  if (!file.endsWith('.jsonl') || size === 0) return size
  const handle = await open(file, 'r')
  try {
    const tail = Buffer.alloc(Math.min(size, 65_536))
    await handle.read(tail, 0, tail.length, size - tail.length)
    const end = tail.lastIndexOf(10)
    return end < 0 ? size : size - tail.length + end + 1
  } finally {
    await handle.close()
  }
}

async function* piecesOf({ path, file, size }: Found): AsyncGenerator<Buffer> {
  if (size === 0) return
  let read = 0
  try {
    for await (const chunk of createReadStream(file, { end: size - 1 })) {
      if (!Buffer.isBuffer(chunk)) continue
      read += chunk.length
      yield chunk
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw new Changed(path)
    throw error
  }
  if (read !== size) throw new Changed(path)
}

async function hashOf(found: Found): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of piecesOf(found)) hash.update(piece)
  return hash.digest('hex')
}

async function* archive(manifest: Manifest, found: readonly Found[], now: number): AsyncGenerator<Buffer> {
  const text = Buffer.from(JSON.stringify(manifest))
  yield Buffer.concat([tarHeader({ name: MANIFEST, size: text.length }, now), text, padding(text.length)])
  for (const [index, each] of found.entries()) {
    yield tarHeader({ name: each.path, size: each.size }, now)
    const hash = createHash('sha256')
    for await (const piece of piecesOf(each)) {
      hash.update(piece)
      yield piece
    }
    if (hash.digest('hex') !== manifest.members[index]?.sha256) throw new Changed(each.path)
    yield padding(each.size)
  }
  yield END
}

/** Whole under its name, or not at all. */
async function writeFile(output: string, content: AsyncGenerator<Buffer>, password: string | null): Promise<number> {
  const part = `${output}.part`
  await rm(part, { force: true })
  try {
    const file = createWriteStream(part, { mode: 0o600, flags: 'wx', flush: true })
    if (password === null) await pipeline(Readable.from(content), createGzip(), file)
    else await pipeline(Readable.from(content), createGzip(), (compressed: AsyncIterable<Uint8Array>) => sealStream(compressed, password), file)
    await rename(part, output)
    await syncFolder(dirname(output))
    return (await stat(output)).size
  } catch (error) {
    await rm(part, { force: true })
    if (error instanceof Changed || error instanceof AppError) throw error
    const isFull = error instanceof Error && 'code' in error && error.code === 'ENOSPC'
    throw new AppError('backup/unmade', isFull ? 'the disk is full' : 'its file cannot be written', {
      cause: error,
      hint: 'Check folder and free space of --output',
    })
  }
}

/** What one that was killed left. */
async function sweep({ stateDir, now }: BackupSource): Promise<void> {
  for (const name of await readdir(stateDir)) {
    if (!name.startsWith('backup-')) continue
    const path = join(stateDir, name)
    const facts = await lstat(path).catch(() => null)
    if (facts?.isDirectory() === true && now() - facts.mtimeMs > DAY_MS) await rm(path, { recursive: true, force: true })
  }
}
