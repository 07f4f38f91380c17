/** Puts the questions of one answer of the model to the owner: kept first, then told. */
import { newId } from '../std/ids.ts'
import type { Approval, HeldCall } from '../contracts/approval.ts'
import { CallReceipts } from './call-receipts.ts'
import { describeCall } from './admit-call.ts'
import type { AgentDeps } from './agent-turn.ts'
import type { ToolRun } from './run-tool.ts'

/** False: too many wait already, and nothing was asked. */
export async function askOwner(
  held: readonly HeldCall[],
  group: string,
  run: ToolRun,
  { store, config, clock }: Pick<AgentDeps, 'store' | 'config' | 'clock'>,
): Promise<boolean> {
  const { expireMs, maxPending } = config.approvals
  const { turnId, sessionId } = run
  const now = clock.now()
  const sessionKey = sessionId === null ? null : ((await store.sessions.get(sessionId))?.key ?? null)
  const approvals = held.map((call): Approval => ({
    ...call,
    id: newId('apr', now),
    turnId,
    sessionId,
    sessionKey,
    group,
    status: 'pending',
    createdAt: now,
    expiresAt: now + expireMs,
    decision: null,
  }))
  if (!(await store.approvals.ask(run, approvals, maxPending))) return false
  for (const approval of approvals) {
    const { callId, tool, input } = approval
    new CallReceipts(describeCall({ type: 'tool-call', callId, tool, input }, run), run).asked(approval)
  }
  run.log.info('approval.requested', { turn: turnId, count: approvals.length, tools: approvals.map(({ tool }) => tool) })
  run.emit({ type: 'approval-requested', approvals })
  return true
}
