import * as z from 'zod'
import { AppError } from '../../contracts/errors.ts'
import { agentResult, agentResumeResult, agentWaitResult, type AgentEvent } from '../../contracts/ws/agent.ts'
import { defineMethod } from '../method.ts'
import { viewApproval } from '../approval-view.ts'
import { viewEvent } from '../event-view.ts'
import { viewResult } from '../turn-view.ts'
import { chosenKey, idempotencyKey, messageText, model, ownerMessage, runId, sessionMember } from './params.ts'

const MAX_RESUMED_BYTES = 768 * 1024

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

export const agentResume = defineMethod({
  name: 'agent.resume',
  scope: 'operator.read',
  params: z.strictObject({ runId, afterSeq: z.int().min(0) }),
  result: agentResumeResult,
  async handle({ runId: turnId, afterSeq }, { deps }) {
    const { gateway } = deps
    const kept = await gateway.events(turnId, afterSeq)
    const open = await gateway.store.turns.open(turnId)
    const ended = open === null ? await gateway.store.turns.result(turnId) : null
    if (open === null && ended === null) throw new AppError('turn/not-found', turnId)
    const address = { turnId, sessionKey: open?.sessionKey ?? ended?.sessionKey ?? null }
    const events = fitOldest(kept.map(({ seq, event }) => viewEvent(address, event, seq)))
    const seq = events.at(-1)?.turnSeq ?? afterSeq
    const more = events.length < kept.length
    // Its end stands in the journal a moment before it is told, or is told no more.
    if (ended !== null && !more && kept.at(-1)?.event.type !== 'turn-finished') events.push(viewEvent(address, { type: 'turn-finished', result: ended }))
    return { runId: turnId, events, seq, more, status: open === null ? ('ended' as const) : ('open' as const) }
  },
})

/** What fits into an answer; the first one always. */
function fitOldest(events: readonly AgentEvent[]): AgentEvent[] {
  let bytes = 0
  return events.filter((event, index) => (bytes += Buffer.byteLength(JSON.stringify(event))) <= MAX_RESUMED_BYTES || index === 0)
}

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
