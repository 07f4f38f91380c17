/**
 * A running gateway hears that another program of the same user changed a credential of the state folder: `keys/` is seldom written, so watching it costs nothing, while the
 * state folder itself changes with every message.
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync, watch, writeFileSync, type FSWatcher } from 'node:fs'
import { join } from 'node:path'

const SETTLE_MS = 20
/** Where the system cannot watch (or says so late), a look at this pace. */
const POLL_MS = 500

/** Call it after the change is on the disk. */
export function noteChange(stateDir: string): void {
  mkdirSync(join(stateDir, 'keys'), { recursive: true, mode: 0o700 })
  writeFileSync(join(stateDir, 'keys', 'changed'), randomBytes(8).toString('hex'), { mode: 0o600 })
}

/** Returns the way to stop. */
export function watchCredentials(stateDir: string, changed: () => void): () => void {
  const folder = join(stateDir, 'keys')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  let settling: NodeJS.Timeout | null = null
  let polling: NodeJS.Timeout | null = null
  const hear = () => {
    settling ??= setTimeout(() => {
      settling = null
      changed()
    }, SETTLE_MS)
  }
  const poll = () => {
    polling ??= setInterval(changed, POLL_MS).unref()
  }
  let watcher: FSWatcher | null = null
  try {
    watcher = watch(folder, { persistent: false }, hear)
    watcher.on('error', poll)
  } catch {
    poll()
  }
  return () => {
    watcher?.close()
    if (settling !== null) clearTimeout(settling)
    if (polling !== null) clearInterval(polling)
  }
}
