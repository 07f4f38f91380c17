/** What a client on a terminal does when its turn waits for the owner: asks him, unless somebody else answers first. */
import { approvalsResolveResult } from '../../contracts/ws/approvals.ts'
import type { GatewayClient } from '../../net/gateway-client.ts'
import type { Terminal } from '../context.ts'
import { painter } from '../output.ts'
import { answerQuestions, type Answered } from './answer.ts'
import type { ApprovalView } from './question.ts'

/** Reads one line, with `prefill` on it already. Null when the signal aborts, or when there will be none. */
export type ReadLine = (prompt: string, signal: AbortSignal, prefill?: string) => Promise<string | null>

/** `again`: look anew at what waits. `left`: he wants to leave it waiting. */
export async function askOwner(
  io: Terminal,
  client: GatewayClient,
  asked: readonly ApprovalView[],
  readLine: ReadLine,
  signal: AbortSignal,
): Promise<Answered> {
  const over = new AbortController()
  const waiting = new Set(asked.map(({ id }) => id))
  const stop = client.onEvent((name, payload) => {
    const decided = name === 'approval' ? approvalsResolveResult.safeParse(payload) : undefined
    if (decided?.success !== true) return
    for (const { id, status } of decided.data.approvals) if (status !== 'pending') waiting.delete(id)
    if (waiting.size === 0) over.abort()
  })
  const either = AbortSignal.any([signal, over.signal])
  try {
    const end = await answerQuestions(io, client, asked, (prompt, prefill) => readLine(prompt, either, prefill), Date.now())
    if (end.how === 'left' && over.signal.aborted && !signal.aborted) {
      io.write(`${painter(io).dim('answered elsewhere')}\n`)
      return { how: 'again' }
    }
    return end
  } finally {
    stop()
  }
}

/** For whoever cannot ask now. */
export function howToAnswer(asked: readonly ApprovalView[]): string {
  const [first] = asked
  return first === undefined ? '' : `answer with: cara approvals allow ${first.id}${asked.length > 1 ? ' …' : ''} (or deny, or show)`
}
