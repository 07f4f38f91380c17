/** Takes from others what they may do in a state folder: an earlier version, a copy, a restored backup or somebody's `chmod` may have given it to them. */
import { chmodSync, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const DEPTH = 2
const MOST = 2000
/** What lies in `keys` is refused where others could have read it (secrets/create-once.ts), and what tools work in is not ours. */
const LEFT_ALONE = new Set(['keys', 'workspace'])

/** A sentence for each path whose mode was changed; links are left alone. */
export function tightenState(stateDir: string): readonly string[] {
  if (process.getuid === undefined) return []
  const told: string[] = []
  let seen = 0
  const visit = (path: string, depth: number): void => {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined || !(found.isDirectory() || found.isFile()) || ++seen > MOST) return
    if ((found.mode & 0o077) !== 0 && !path.endsWith('.sealed')) told.push(tightened(path, found.mode))
    if (!found.isDirectory() || depth === DEPTH) return
    for (const name of readdirSync(path)) if (!LEFT_ALONE.has(name)) visit(join(path, name), depth + 1)
  }
  visit(stateDir, 0)
  return told
}

function tightened(path: string, mode: number): string {
  const wanted = mode & 0o700
  const say = (octal: number) => (octal & 0o777).toString(8).padStart(4, '0')
  try {
    chmodSync(path, wanted)
    return `other users could use ${path} (mode ${say(mode)}): it is ${say(wanted)} now`
  } catch {
    return `other users may use ${path} (mode ${say(mode)}): chmod ${say(wanted)} '${path}'`
  }
}
