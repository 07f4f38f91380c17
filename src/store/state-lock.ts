/** One process per state folder. The lock is SQLite's own file lock, so that it ends with the process, however that dies. */
import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { AppError } from '../contracts/errors.ts'

export interface StateLock {
  release(): void
}

/** Throws `state/locked` when another process holds the folder. */
export function lockState(path: string): StateLock {
  closeSync(openSync(path, 'a', 0o600))
  const connection = new DatabaseSync(path, { timeout: 0 })
  try {
    connection.exec('PRAGMA locking_mode = EXCLUSIVE')
    connection.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    connection.close()
    throw new AppError('state/locked', undefined, {
      cause: error,
      hint: 'Use the running one (cara status), stop it, or set CARAPACE_STATE_DIR to another folder',
    })
  }
  return { release: () => connection.close() }
}
