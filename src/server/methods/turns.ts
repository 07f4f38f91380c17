import * as z from 'zod'
import type { Message } from '../../contracts/message.ts'
import type { CallVerdict } from '../../contracts/replay.ts'
import type { StoryLine, TurnOverview } from '../../contracts/turn-story.ts'
import { turnsGetResult, turnsListResult, turnsReplayResult, turnsResumeResult, turnsCancelResult } from '../../contracts/ws/turns.ts'
import { AppError } from '../../contracts/errors.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import { viewApproval } from '../approval-view.ts'
import { defineMethod } from '../method.ts'

const runId = z.string().min(1).max(128)
/** Of one text. */
const SHOWN_CHARACTERS = 4000

export const turnsList = defineMethod({
  name: 'turns.list',
  scope: 'operator.read',
  params: z.strictObject({ limit: z.int().min(1).max(1000).default(50), sessionKey: z.string().min(1).max(512).optional(), open: z.boolean().default(false) }),
  result: turnsListResult,
  async handle({ limit, sessionKey, open }, { deps }) {
    const turns = await deps.gateway.store.turns.history.list({ limit, isOpen: open, ...(sessionKey === undefined ? {} : { sessionKey }) })
    return { turns: turns.map(viewTurn) }
  },
})

export const turnsGet = defineMethod({
  name: 'turns.get',
  scope: 'operator.read',
  params: z.strictObject({ runId }),
  result: turnsGetResult,
  async handle(params, { deps: { gateway } }) {
    const turn = await existing(gateway, params.runId)
    const [lines, approvals] = await Promise.all([gateway.store.turns.history.story(turn.turnId), gateway.store.approvals.ofTurn(turn.turnId)])
    return { turn: viewTurn(turn), lines: lines.map(viewLine), approvals: approvals.map(viewApproval) }
  },
})

export const turnsResume = defineMethod({
  name: 'turns.resume',
  scope: 'operator.write',
  params: z.strictObject({ runId }),
  result: turnsResumeResult,
  async handle(params, { deps: { gateway } }) {
    await gateway.resume(params.runId)
    return { turn: viewTurn(await existing(gateway, params.runId)) }
  },
})

export const turnsCancel = defineMethod({
  name: 'turns.cancel',
  scope: 'operator.write',
  params: z.strictObject({ runId, reason: z.string().max(200).optional() }),
  result: turnsCancelResult,
  async handle(params, { deps: { gateway } }) {
    const turn = await existing(gateway, params.runId)
    return { runId: turn.turnId, cancelled: (await gateway.abort({ turnId: turn.turnId }, params.reason ?? 'The owner cancelled it')) > 0 }
  },
})

export const turnsReplay = defineMethod({
  name: 'turns.replay',
  scope: 'operator.read',
  params: z.strictObject({ runId }),
  result: turnsReplayResult,
  async handle(params, { deps: { gateway } }) {
    const { turnId, calls, requests, compared, differences, notes } = await gateway.replay(params.runId)
    const verdict = ({ kind, rules }: CallVerdict) => ({ kind, rules: [...rules] })
    return {
      runId: turnId,
      calls: calls.map(({ callId, tool, before, now }) => ({ callId, tool, before: verdict(before), now: now === null ? null : verdict(now) })),
      requests,
      compared,
      differences: [...differences],
      notes: [...notes],
    }
  },
})

async function existing(gateway: Gateway, turnId: string): Promise<TurnOverview> {
  const turn = await gateway.store.turns.history.get(turnId)
  if (turn === null) throw new AppError('turn/not-found', turnId)
  return turn
}

function viewTurn({ turnId, sessionKey, door, acceptedAt, state, fence, questions, wakesAt, error, model, durationMs }: TurnOverview) {
  return { runId: turnId, sessionKey, door, acceptedAt, state, fence, questions, wakesAt, error, model, durationMs }
}

function viewLine(line: StoryLine) {
  if (line.kind === 'began')
    return { kind: line.kind, at: line.at, text: '', calls: [{ callId: line.callId, tool: line.tool, effectId: line.effectId }], results: [] }
  const { message } = line
  return { kind: line.kind, at: line.at, text: cut(textIn(message)), calls: callsIn(message), results: resultsIn(message) }
}

function textIn(message: Message): string {
  return message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
}

function callsIn(message: Message) {
  if (message.role !== 'assistant') return []
  return message.parts.flatMap((part) => (part.type === 'tool-call' ? [{ callId: part.callId, tool: part.tool, input: cut(JSON.stringify(part.input)) }] : []))
}

function resultsIn(message: Message) {
  if (message.role !== 'tool') return []
  return message.parts.map(({ callId, tool, output, isError }) => ({ callId, tool, output: cut(output), isError }))
}

function cut(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}… [${text.length - SHOWN_CHARACTERS} more]`
}
