/** Questions to the owner, his standing words, and why something was refused. */
import * as z from 'zod'
import { json } from './shared.ts'

const hold = z.object({ rule: z.string(), why: z.string(), evidence: z.string() })

const unlock = z.enum(['once', 'session', 'destination', 'always'])

/** A question to the owner. `hash` goes back with the answer. */
export const approvalView = z.object({
  id: z.string(),
  runId: z.string(),
  sessionKey: z.string().nullable(),
  group: z.string(),
  tool: z.string(),
  input: json,
  binding: json,
  hash: z.string(),
  effect: z.enum(['read', 'write', 'egress', 'irreversible']),
  destinations: z.array(z.string()),
  /** What the tool says about the call: one fact on each line. */
  shown: z.array(z.string()),
  holds: z.array(hold),
  unlocks: z.array(unlock),
  status: z.enum(['pending', 'allowed', 'denied', 'expired', 'cancelled']),
  /** Milliseconds since the epoch. */
  createdAt: z.number(),
  expiresAt: z.number(),
  decision: z.object({ at: z.number(), by: z.string(), door: z.string(), unlock: unlock.nullable(), input: json, note: z.string().nullable() }).nullable(),
})

/** `approvals.list {status?, sessionKey?, limit?}`: pending ones by default, oldest first. Event `approval {approvals}` when some are asked or decided. */
export const approvalsListResult = z.object({ approvals: z.array(approvalView), total: z.number() })

/** `approvals.get {id}` */
export const approvalsGetResult = z.object({ approval: approvalView })

/** `approvals.resolve {answers: [{id, hash, decision: allow|deny, unlock?, input?, note?}]}`: all of them or none. Scope `operator.approvals`. */
export const approvalsResolveResult = z.object({ approvals: z.array(approvalView) })

/** `approvals.grants {}`: standing words of the owner. `approvals.revoke {id}` takes one back at once. */
export const grantsListResult = z.object({
  grants: z.array(
    z.object({
      id: z.string(),
      unlock: z.enum(['session', 'destination', 'always']),
      tool: z.string(),
      sessionKey: z.string().nullable(),
      values: z.array(z.string()),
      shape: z.string().nullable(),
      approvalId: z.string(),
      createdAt: z.number(),
    }),
  ),
})

export const grantsRevokeResult = z.object({ id: z.string(), revoked: z.boolean() })

/** `approvals.apply {hash}`: makes the grants of the proposal that has this hash, all or none. */
export const proposalApplyResult = z.object({ grants: z.array(z.object({ id: z.string(), unlock: z.string(), tool: z.string() })) })

/** `approvals.proposal {}`: what shadow mode let pass that would have been held, and the fewest grants that cover it. */
export const proposalResult = z.object({
  calls: z.number(),
  hash: z.string(),
  proposals: z.array(
    z.object({ tool: z.string(), unlock: z.enum(['destination', 'always']), values: z.array(z.string()), shape: z.string().nullable(), covers: z.number() }),
  ),
})

/** `why {id}`: the id of a refusal, an approval, a turn or an effect; the newest refusals without one. */
export const whyResult = z.object({
  refusals: z.array(
    z.object({
      id: z.string(),
      runId: z.string().nullable(),
      sessionKey: z.string().nullable(),
      checkpoint: z.string(),
      rule: z.string(),
      tool: z.string().nullable(),
      why: z.string(),
      evidence: z.string().nullable(),
      hint: z.string().nullable(),
      at: z.number(),
    }),
  ),
  approvals: z.array(approvalView),
})
