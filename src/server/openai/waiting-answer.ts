/** What a client of `/v1` gets whose turn still waits for the owner when the connection has waited long enough. */
import type { Approval } from '../../contracts/approval.ts'
import { joinTexts, textOf } from '../../contracts/message.ts'
import type { StoredTurn } from '../../contracts/store.ts'
import type { TurnResult } from '../../contracts/turn.ts'
import { addUsage, NO_USAGE } from '../../contracts/usage.ts'

/** Ids and names of tools alone: what stands in the arguments may be a stranger's, and clients render this. */
export function waitingNotice(approvals: readonly Approval[], goesOn: boolean): string {
  const asked = approvals.map(({ id, tool }) => `- ${tool} (${id})`).join('\n')
  const end = goesOn
    ? 'Answer with `cara approvals` or POST /v1/approvals/resolve; the conversation then goes on by itself.'
    : 'It ended here, because it was asked outside a conversation: send x-carapace-session, answer with `cara approvals`, and it goes on.'
  return `[This needs the owner’s word and waits for it:\n${asked}\n${end}]`
}

/** What was said and spent so far, and the notice. `said`: whether anything was. */
export function waitingResult(
  turn: Pick<StoredTurn, 'turnId' | 'steps'>,
  sessionKey: string | null,
  notice: string,
): { readonly result: TurnResult; readonly said: boolean } {
  const answers = turn.steps.filter((step) => step.kind === 'assistant')
  const texts = answers.map(({ message }) => textOf(message)).filter((text) => text !== '')
  const result: TurnResult = {
    turnId: turn.turnId,
    sessionKey,
    status: 'completed',
    text: joinTexts([...texts, notice]),
    finishReason: 'stop',
    clientToolCalls: [],
    toolCalls: [],
    model: answers.at(-1)?.model ?? '',
    usage: answers.reduce((sum, { usage }) => addUsage(sum, usage), NO_USAGE),
    costUsd: null,
    durationMs: 0,
  }
  return { result, said: texts.length > 0 }
}
