import * as z from 'zod'
import { AppError } from '../../contracts/errors.ts'
import { chatAbortResult, chatHistoryResult, chatSendResult } from '../../contracts/ws/chat.ts'
import { defineMethod } from '../method.ts'
import { viewApproval } from '../approval-view.ts'
import { fitNewest, viewEntry, viewResult } from '../turn-view.ts'
import { chosenKey, findSession, idempotencyKey, messageText, model, ownerMessage, runId, sessionMember } from './params.ts'

const DEFAULT_SESSION = 'main'
const MAX_HISTORY_BYTES = 768 * 1024

export const chatSend = defineMethod({
  name: 'chat.send',
  scope: 'operator.write',
  params: z.strictObject({ message: messageText, idempotencyKey, ...sessionMember, model: model.optional(), wait: z.boolean().optional() }),
  result: chatSendResult,
  async handle(params, { deps, principal, signal }) {
    const message = ownerMessage({ ...params, sessionKey: chosenKey(params) ?? DEFAULT_SESSION }, principal)
    const { turnId, sessionKey, status } = await deps.gateway.submit(message)
    const accepted = { runId: turnId, sessionKey, status }
    if (params.wait !== true) return accepted
    const end = await deps.gateway.waitOrAsked(turnId, signal)
    return 'turnId' in end ? { ...accepted, result: viewResult(end) } : { ...accepted, approvals: end.map(viewApproval) }
  },
})

export const chatHistory = defineMethod({
  name: 'chat.history',
  scope: 'operator.read',
  params: z.strictObject({ ...sessionMember, limit: z.int().min(1).max(1000).default(50), beforeId: z.int().min(1).optional() }),
  result: chatHistoryResult,
  async handle(params, { deps }) {
    const key = chosenKey(params) ?? DEFAULT_SESSION
    const { id } = await findSession(deps.gateway, key)
    const entries = await deps.gateway.store.sessions.tail(id, {
      limit: params.limit + 1,
      ...(params.beforeId === undefined ? {} : { beforeId: params.beforeId }),
    })
    const views = entries.slice(-params.limit).map((entry) => viewEntry(entry))
    const messages = [...fitNewest(views, MAX_HISTORY_BYTES)]
    return { sessionKey: key, messages, more: messages.length < entries.length }
  },
})

export const chatAbort = defineMethod({
  name: 'chat.abort',
  scope: 'operator.write',
  params: z.strictObject({ ...sessionMember, runId: runId.optional(), reason: z.string().max(1024).optional() }),
  result: chatAbortResult,
  async handle(params, { deps }) {
    const key = chosenKey(params)
    if ((params.runId === undefined) === (key === null)) throw new AppError('request/invalid', 'give either runId or sessionKey')
    const target = key === null ? { turnId: params.runId ?? '' } : { sessionKey: key }
    return { aborted: await deps.gateway.abort(target, params.reason ?? 'the owner stopped it') }
  },
})
