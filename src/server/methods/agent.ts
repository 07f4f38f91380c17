import * as z from 'zod'
import { agentResult, agentWaitResult } from '../../contracts/ws-results.ts'
import { defineMethod } from '../method.ts'
import { viewApproval } from '../approval-view.ts'
import { viewResult } from '../turn-view.ts'
import { chosenKey, idempotencyKey, messageText, model, ownerMessage, runId, sessionMember } from './params.ts'

export const agent = defineMethod({
  name: 'agent',
  scope: 'operator.write',
  params: z.strictObject({ message: messageText, idempotencyKey, ...sessionMember, model: model.optional() }),
  result: agentResult,
  async handle(params, { deps, principal }) {
    const { turnId, sessionKey } = await deps.gateway.submit(ownerMessage({ ...params, sessionKey: chosenKey(params) }, principal))
    return { runId: turnId, sessionKey, status: 'accepted' as const }
  },
})

export const agentWait = defineMethod({
  name: 'agent.wait',
  scope: 'operator.read',
  params: z.strictObject({ runId, timeoutMs: z.int().min(0).max(600_000).default(30_000), untilEnd: z.boolean().default(false) }),
  result: agentWaitResult,
  async handle(params, { deps, signal }) {
    const timeout = AbortSignal.timeout(params.timeoutMs)
    try {
      const either = AbortSignal.any([signal, timeout])
      const result = await (params.untilEnd ? deps.gateway.wait(params.runId, either) : deps.gateway.waitOrAsked(params.runId, either))
      if (!('turnId' in result)) return { runId: params.runId, status: 'waiting' as const, approvals: result.map(viewApproval) }
      return { runId: params.runId, status: result.status === 'completed' ? ('ok' as const) : ('error' as const), result: viewResult(result) }
    } catch (error) {
      if (timeout.aborted && error === timeout.reason) return { runId: params.runId, status: 'timeout' as const }
      throw error
    }
  },
})
