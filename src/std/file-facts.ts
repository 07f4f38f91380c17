/** What the file system says of files and folders: who may touch them, and what lies in them. Links are not followed. */
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface FileFacts {
  readonly path: string
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  /** Permission bits; 0 where the system has none. */
  readonly mode: number
}

/** Null where there is nothing, or nothing that we may look at. */
export function factsOf(path: string): FileFacts | null {
  try {
    const stats = lstatSync(path)
    const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'other'
    return { path, kind, mode: process.getuid === undefined ? 0 : stats.mode & 0o7777 }
  } catch {
    return null
  }
}

export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Everything below a folder, itself first; at most `limit`. */
export function factsBelow(folder: string, limit: number): readonly FileFacts[] {
  const found: FileFacts[] = []
  const waiting = [folder]
  for (let path = waiting.shift(); path !== undefined && found.length < limit; path = waiting.shift()) {
    const facts = factsOf(path)
    if (facts === null) continue
    found.push(facts)
    if (facts.kind === 'folder') waiting.push(...namesIn(path).map((name) => join(facts.path, name)))
  }
  return found
}

/** The environment that a process was started with, where the system shows it: Linux, of processes of the same user. Null where it does not. */
export function environmentOf(pid: number): readonly string[] | null {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return null
  }
}
