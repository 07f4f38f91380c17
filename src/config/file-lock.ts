import { open, rm, stat } from 'node:fs/promises'
import { AppError } from '../contracts/errors.ts'
import { systemClock } from '../std/clock.ts'

const WAIT_MS = 5000
const PAUSE_MS = 25
/** No change takes nearly that long: whoever held it is gone. */
const STALE_MS = 10_000

/** Runs a short change while nobody else does, in this or another process. Throws `store/conflict` after 5 s. */
export async function withFileLock<T>(path: string, change: () => Promise<T>): Promise<T> {
  await take(path)
  try {
    return await change()
  } finally {
    await rm(path, { force: true })
  }
}

async function take(path: string): Promise<void> {
  const deadline = AbortSignal.timeout(WAIT_MS)
  for (;;) {
    try {
      await (await open(path, 'wx', 0o600)).close()
      return
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw new AppError('state/unwritable', path, { cause: error })
    }
    const age = await stat(path).then(
      (stats) => Date.now() - stats.mtimeMs,
      () => 0,
    )
    if (age > STALE_MS) await rm(path, { force: true })
    else
      await systemClock.sleep(PAUSE_MS, deadline).catch(() => {
        throw new AppError('store/conflict', `somebody else is changing it (${path})`)
      })
  }
}
