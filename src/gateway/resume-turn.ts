/** The owner wants a turn to go on: one that failed, was cancelled, sleeps, or that nobody carries on. */
import { AppError } from '../contracts/errors.ts'
import type { Store } from '../contracts/store.ts'
import type { Company } from './company.ts'

export async function resumeTurn(turnId: string, { turns }: Store, company: Company): Promise<void> {
  const known = await turns.history.get(turnId)
  if (known === null) throw new AppError('turn/not-found', turnId)
  if (known.wakesAt !== null) {
    await turns.leases.wake(turnId)
    return company.wake(turnId)
  }
  if (known.state === 'waiting') throw new AppError('turn/ended', 'it waits for the owner', { hint: 'Answer it: cara approvals' })
  if (company.hurry(turnId)) return
  if (company.isRunning(turnId) || known.state === 'running' || known.state === 'queued') throw new AppError('turn/ended', 'it runs')
  if (known.state !== 'left' && !(await turns.history.reopen(turnId))) {
    throw new AppError('turn/ended', known.state === 'completed' ? 'it was completed' : 'its conversation has gone on since', { hint: 'Ask again' })
  }
  await company.takeUp(turnId)
}
