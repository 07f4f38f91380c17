/** Commits that lose to another that came first: that is an outcome, and no fault. */
import { AppError } from '../contracts/errors.ts'

export function isConflict(error: unknown): boolean {
  return error instanceof AppError && error.code === 'store/conflict'
}

/** Whether the commit stood; false where another came first. Throws what else went wrong. */
export async function stands(commit: Promise<void>): Promise<boolean> {
  try {
    await commit
    return true
  } catch (error) {
    if (isConflict(error)) return false
    throw error
  }
}
