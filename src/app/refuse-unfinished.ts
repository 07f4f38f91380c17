import type { Paths } from '../config/paths.ts'
import { AppError } from '../contracts/errors.ts'
import { isRestoring } from '../store/backup/restore-places.ts'

/** A state folder between two contents is nobody's to read. */
export function refuseUnfinished({ stateDir }: Paths): void {
  if (isRestoring(stateDir)) throw new AppError('state/restoring', undefined, { hint: 'The next start ends it: cara start' })
}
