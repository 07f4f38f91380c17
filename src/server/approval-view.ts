/** Questions to the owner as they travel to clients. */
import type * as z from 'zod'
import type { Approval, Decided, RefusalRecord } from '../contracts/approval.ts'
import type { approvalView, whyResult } from '../contracts/ws/approvals.ts'

/** Without what only the gateway needs to know. */
export function viewApproval(approval: Approval): z.output<typeof approvalView> {
  const { id, turnId, sessionKey, group, tool, input, binding, hash, effect, destinations, shown, holds, unlocks, status, createdAt, expiresAt, decision } =
    approval
  return {
    id,
    runId: turnId,
    sessionKey,
    group,
    tool,
    input,
    binding,
    hash,
    effect,
    destinations: [...destinations],
    shown: [...shown],
    holds: [...holds],
    unlocks: [...unlocks],
    status,
    createdAt,
    expiresAt,
    decision: decision === null ? null : viewDecision(decision),
  }
}

function viewDecision({ at, by, door, unlock, input, note }: Decided) {
  return { at, by, door, unlock, input, note }
}

export function viewRefusal(refusal: RefusalRecord): z.output<typeof whyResult>['refusals'][number] {
  const { id, turnId, sessionKey, checkpoint, rule, tool, why, evidence, hint, at } = refusal
  return { id, runId: turnId, sessionKey, checkpoint, rule, tool, why, evidence, hint, at }
}
