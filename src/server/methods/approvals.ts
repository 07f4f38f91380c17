import * as z from 'zod'
import type { Grant } from '../../contracts/approval.ts'
import {
  approvalsGetResult,
  approvalsListResult,
  approvalsResolveResult,
  grantsListResult,
  grantsRevokeResult,
  proposalApplyResult,
  proposalResult,
  whyResult,
} from '../../contracts/ws/approvals.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import { viewApproval, viewRefusal } from '../approval-view.ts'
import { answersParams, listParams } from '../approval-params.ts'
import { defineMethod } from '../method.ts'

const id = z.string().min(1).max(128)

export const approvalsList = defineMethod({
  name: 'approvals.list',
  scope: 'operator.read',
  params: listParams,
  result: approvalsListResult,
  async handle({ status, sessionKey, limit }, { deps }) {
    const { approvals, total } = await deps.gateway.approvals.list({ status, limit, ...(sessionKey === undefined ? {} : { sessionKey }) })
    return { approvals: approvals.map(viewApproval), total }
  },
})

export const approvalsGet = defineMethod({
  name: 'approvals.get',
  scope: 'operator.read',
  params: z.strictObject({ id }),
  result: approvalsGetResult,
  handle: async (params, { deps }) => ({ approval: viewApproval(await deps.gateway.approvals.get(params.id)) }),
})

export const approvalsResolve = defineMethod({
  name: 'approvals.resolve',
  scope: 'operator.approvals',
  params: answersParams,
  result: approvalsResolveResult,
  async handle({ answers }, { deps, principal }) {
    return { approvals: (await deps.gateway.approvals.resolve(answers, { by: principal.id, door: 'ws' })).map(viewApproval) }
  },
})

export const approvalsGrants = defineMethod({
  name: 'approvals.grants',
  scope: 'operator.read',
  params: z.strictObject({}),
  result: grantsListResult,
  async handle(_params, { deps: { gateway } }) {
    return { grants: await Promise.all((await gateway.approvals.grants()).map((grant) => viewGrant(grant, gateway))) }
  },
})

export const approvalsRevoke = defineMethod({
  name: 'approvals.revoke',
  scope: 'operator.approvals',
  params: z.strictObject({ id }),
  result: grantsRevokeResult,
  async handle(params, { deps, principal }) {
    return { id: params.id, revoked: await deps.gateway.approvals.revoke(params.id, { by: principal.id, door: 'ws' }) }
  },
})

export const approvalsProposal = defineMethod({
  name: 'approvals.proposal',
  scope: 'operator.read',
  params: z.strictObject({}),
  result: proposalResult,
  async handle(_params, { deps }) {
    const { calls, hash, proposals } = await deps.gateway.approvals.proposal()
    return { calls, hash, proposals: proposals.map(({ tool, unlock, values, shape, covers }) => ({ tool, unlock, values: [...values], shape, covers })) }
  },
})

export const approvalsApply = defineMethod({
  name: 'approvals.apply',
  scope: 'operator.approvals',
  params: z.strictObject({ hash: z.string().regex(/^[0-9a-f]{64}$/) }),
  result: proposalApplyResult,
  async handle({ hash }, { deps, principal }) {
    const grants = await deps.gateway.approvals.applyProposal(hash, { by: principal.id, door: 'ws' })
    return { grants: grants.map(({ id: grant, unlock, tool }) => ({ id: grant, unlock, tool })) }
  },
})

export const why = defineMethod({
  name: 'why',
  scope: 'operator.read',
  params: z.strictObject({ id: id.optional() }),
  result: whyResult,
  async handle(params, { deps }) {
    const { refusals, approvals } = await deps.gateway.approvals.why(params.id ?? null)
    return { refusals: refusals.map(viewRefusal), approvals: approvals.map(viewApproval) }
  },
})

async function viewGrant({ sessionId, values, ...grant }: Grant, { store }: Gateway): Promise<z.output<typeof grantsListResult>['grants'][number]> {
  const session = sessionId === null ? null : await store.sessions.get(sessionId)
  return { ...grant, sessionKey: session?.key ?? null, values: [...values] }
}
