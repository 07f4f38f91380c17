import { AppError } from '../contracts/errors.ts'

const WHY: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EROFS: 'its disk is read-only',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EIO: 'the disk reported an error',
}

/** What the system says about a folder that cannot be written, in words, with what to do; anything else as it is. */
export function asUnwritable(error: unknown, folder: string): unknown {
  if (!(error instanceof Error) || error instanceof AppError || !('code' in error) || typeof error.code !== 'string') return error
  const why = WHY[error.code]
  if (why === undefined) return error
  const hint = error.code === 'ENOSPC' || error.code === 'EDQUOT' ? 'Free some space, then try again' : `Check owner, mode and disk of ${folder}`
  return new AppError('state/unwritable', why, { cause: error, hint })
}
