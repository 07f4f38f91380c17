import * as z from 'zod'
import { outboxStatuses, type OutboxEntry } from '../../contracts/outbox.ts'
import { outboxGetResult, outboxListResult, outboxMessagesResult } from '../../contracts/ws/outbox.ts'
import { defineMethod } from '../method.ts'

const id = z.string().min(1).max(128)
const name = z.string().min(1).max(64)
const ids = z.array(id).min(1).max(100)

export const outboxList = defineMethod({
  name: 'outbox.list',
  scope: 'operator.read',
  params: z.strictObject({ status: z.enum(outboxStatuses).optional(), to: name.optional(), limit: z.int().min(1).max(1000).default(50) }),
  result: outboxListResult,
  async handle({ status, to, limit }, { deps }) {
    const { entries, paused } = await deps.outbox.list({ limit, ...(status === undefined ? {} : { status }), ...(to === undefined ? {} : { to }) })
    return { messages: entries.map(viewEntry), paused: [...paused] }
  },
})

export const outboxGet = defineMethod({
  name: 'outbox.get',
  scope: 'operator.read',
  params: z.strictObject({ id }),
  result: outboxGetResult,
  async handle(params, { deps }) {
    const { entry, texts } = await deps.outbox.get(params.id)
    return { message: viewEntry(entry), texts: [...texts] }
  },
})

export const outboxRetry = defineMethod({
  name: 'outbox.retry',
  scope: 'operator.write',
  params: z.union([z.strictObject({ ids }), z.strictObject({ to: name })]),
  result: outboxMessagesResult,
  async handle(params, { deps, principal }) {
    const entries = await ('ids' in params ? deps.outbox.retry(params.ids, principal.id) : deps.outbox.retryAll(params.to, principal.id))
    return { messages: entries.map(viewEntry) }
  },
})

export const outboxDrop = defineMethod({
  name: 'outbox.drop',
  scope: 'operator.write',
  params: z.strictObject({ ids }),
  result: outboxMessagesResult,
  handle: async (params, { deps, principal }) => ({ messages: (await deps.outbox.drop(params.ids, principal.id)).map(viewEntry) }),
})

function viewEntry({ turnId, ...entry }: OutboxEntry) {
  return { ...entry, runId: turnId }
}
