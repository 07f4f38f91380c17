/** The answer of a run on its way to a destination: once, and not where it would carry private data out of a conversation that strangers have written in. */
import { exposed } from '../../contracts/errors.ts'
import type { Log } from '../../contracts/log.ts'
import type { Job, JobRun } from '../../contracts/schedule.ts'
import type { SessionStore } from '../../contracts/store.ts'
import type { TurnResult } from '../../contracts/turn.ts'
import type { Announcer } from '../announce.ts'
import { isNothing } from './run-message.ts'

export interface DeliverDeps {
  readonly announcer: Announcer
  readonly sessions: Pick<SessionStore, 'find'>
  readonly log: Log
}

/** What is written down of it; null where there was nothing to do. */
export async function deliverAnswer(job: Job, run: JobRun, result: TurnResult, { announcer, sessions, log }: DeliverDeps): Promise<string | null> {
  if (result.status !== 'completed') return null
  if (job.deliver === null) return null
  if (result.text.trim() === '' || (job.kind === 'heartbeat' && isNothing(result.text))) return 'nothing to tell'
  const taint = (await sessions.find(job.sessionKey))?.taint
  // Of three things, the third happens only with the owner's word, and he cannot have given it for an answer that he has not seen.
  if (taint === undefined || (taint.untrusted && taint.private)) {
    return `not sent to ${job.deliver}: its conversation has seen texts of others and private data; read it with cara sessions export ${job.sessionKey}`
  }
  try {
    await announcer.announce({ to: job.deliver, text: result.text, purpose: 'job', by: job.by, id: `cron:${job.id}:${run.dueAt}` })
    return `handed over for ${job.deliver}`
  } catch (error) {
    log.warn('cron.undelivered', { job: job.id, to: job.deliver, error })
    return `not sent to ${job.deliver}: ${exposed(error).message}`
  }
}
