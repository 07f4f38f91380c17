/** The configuration file as text: read within bounds, parsed, and searched for lines when there is something to say about one. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { AppError } from '../contracts/errors.ts'

const MAX_BYTES = 1024 * 1024

export interface SourceFile {
  readonly text: string
  /** Whether other users of the machine may read it. */
  readonly readableByOthers: boolean
}

/** Null where there is no file. Throws `config/unreadable`. Reads at once: there is nothing else to do yet, and waiting for a thread takes longer. */
export function readSourceFile(file: string): SourceFile | null {
  let handle
  try {
    // Without O_NONBLOCK a pipe in this place would keep us waiting for ever.
    handle = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw new AppError('config/unreadable', file, { cause: error })
  }
  try {
    const stats = fstatSync(handle)
    if (!stats.isFile()) throw new AppError('config/unreadable', `${file} is not a file`)
    if (stats.size > MAX_BYTES) throw new AppError('config/unreadable', `${file} is larger than 1 MiB`)
    const onWindows = process.getuid === undefined
    if (!onWindows && (stats.mode & 0o002) !== 0) {
      throw new AppError('config/unreadable', `every user may write to ${file}`, { hint: `chmod 600 '${file}'` })
    }
    const text = readFileSync(handle, 'utf8')
    return { text, readableByOthers: !onWindows && (stats.mode & 0o044) !== 0 }
  } catch (error) {
    throw error instanceof AppError ? error : new AppError('config/unreadable', file, { cause: error })
  } finally {
    closeSync(handle)
  }
}

/** Parsed JSON5. Throws `config/invalid` with line and column. An empty text is an empty configuration. */
export async function parseSource(file: string, text: string): Promise<unknown> {
  if (text.trim() === '') return {}
  const { default: json5 } = await import('json5')
  try {
    const data: unknown = json5.parse(text.replace(/^\uFEFF/, ''))
    return data
  } catch (error) {
    throw new AppError('config/invalid', `${file}: ${error instanceof Error ? error.message : 'not JSON5'}`)
  }
}

/** Lines of paths in a text that was parsed before, for messages. */
export async function lineFinder(text: string): Promise<(path: readonly string[]) => number | null> {
  const { lineOf } = await import('./json5-members.ts')
  return (path) => lineOf(text, path)
}
