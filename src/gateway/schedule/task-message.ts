/** The message that begins a run of a task: what it says, as the words of whoever wrote it. */
import type { UserPart } from '../../contracts/message.ts'
import type { Task, TaskClaim } from '../../contracts/task.ts'
import type { InboundMessage } from '../../contracts/turn.ts'
import { GATEWAY } from './run-message.ts'

const WHOSE = 'This is a task which you wrote down earlier. Do what it says, within what its owner allows you.'
const AGAIN = 'You have begun this task before, and did not come to its end. See above what is done, do not do that again, and go on from there.'

export function taskMessage({ id, prompt, origin, sessionKey, model, credential, runIds }: Task, claim: TaskClaim): InboundMessage {
  const preface = [...(origin.author.kind === 'owner' ? [] : [WHOSE]), ...(runIds.length === 0 ? [] : [AGAIN])].map((line) => `${line}\n`).join('')
  const parts: readonly UserPart[] = [
    ...(preface === '' ? [] : [{ type: 'text', text: preface, origin: GATEWAY } as const]),
    { type: 'text', text: prompt, origin },
  ]
  return {
    door: 'task',
    sender: origin.author,
    sessionKey,
    parts,
    idempotencyKey: `task:${id}:${claim.version}`,
    ...(credential === null ? {} : { credential }),
    claim,
    options: model === null ? {} : { model },
  }
}
