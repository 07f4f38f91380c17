/** The message that begins a run: what the job says, as the words of whoever wrote it. */
import type { UserPart } from '../../contracts/message.ts'
import type { Origin } from '../../contracts/origin.ts'
import type { Job, JobClaim } from '../../contracts/schedule.ts'
import type { InboundMessage } from '../../contracts/turn.ts'

/** Ours, and nobody's word: it vouches for nothing. */
export const GATEWAY: Origin = { author: { kind: 'model', name: 'gateway' }, trust: 'trusted', private: false }
const NOTHING = /^[\s\p{P}\p{S}]*nothing[\s\p{P}\p{S}]*$/iu

export function runMessage(job: Job, claim: JobClaim): InboundMessage {
  const { origin, sessionKey, model, credential } = job
  const { author } = origin
  const preface = prefaceOf(job)
  const parts: readonly UserPart[] = [
    ...(preface === '' ? [] : [{ type: 'text', text: preface, origin: GATEWAY } as const]),
    { type: 'text', text: job.prompt, origin },
  ]
  return {
    door: 'cron',
    sender: author,
    sessionKey,
    parts,
    idempotencyKey: `cron:${job.id}:${claim.dueAt}`,
    ...(credential === null ? {} : { credential }),
    claim,
    options: model === null ? {} : { model },
  }
}

function prefaceOf({ name, kind, origin }: Job): string {
  const whose =
    origin.author.kind === 'owner'
      ? ''
      : `This is the scheduled job “${name}”, which you wrote down earlier. Do what it says, within what its owner allows you.`
  const quiet = kind === 'heartbeat' ? 'Where there is nothing that the owner should hear of, answer with the one word NOTHING.' : ''
  return [whose, quiet].filter((line) => line !== '').join('\n')
}

/** Whether an answer says that there is nothing to tell. */
export function isNothing(text: string): boolean {
  return text.trim() === '' || NOTHING.test(text)
}
