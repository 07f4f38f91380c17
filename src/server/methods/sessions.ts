import * as z from 'zod'
import { AppError } from '../../contracts/errors.ts'
import type { Entry } from '../../contracts/store.ts'
import { sessionResult, sessionsDeleteResult, sessionsListResult, sessionsPreviewResult, sessionsResetResult } from '../../contracts/ws/sessions.ts'
import { newId } from '../../std/ids.ts'
import { endTurns } from '../end-turns.ts'
import { defineMethod } from '../method.ts'
import { viewEntry, viewSession } from '../turn-view.ts'
import { findSession, model, sessionKey } from './params.ts'

const title = z.string().max(256)

export const sessionsList = defineMethod({
  name: 'sessions.list',
  scope: 'operator.read',
  params: z.strictObject({ limit: z.int().min(1).max(1000).default(100), offset: z.int().min(0).default(0), search: z.string().max(256).optional() }),
  result: sessionsListResult,
  async handle({ limit, offset, search }, { deps }) {
    const { sessions, total } = await deps.gateway.store.sessions.list({ limit, offset, ...(search === undefined ? {} : { search }) })
    return { sessions: sessions.map(viewSession), total }
  },
})

export const sessionsPreview = defineMethod({
  name: 'sessions.preview',
  scope: 'operator.read',
  params: z.strictObject({
    keys: z.array(sessionKey).min(1).max(100),
    limit: z.int().min(1).max(50).default(5),
    maxChars: z.int().min(1).max(2000).default(200),
  }),
  result: sessionsPreviewResult,
  async handle({ keys, limit, maxChars }, { deps }) {
    const { sessions } = deps.gateway.store
    const previewed = (entry: Entry) => {
      const { role, text, at } = viewEntry(entry, maxChars)
      return { role, text, at }
    }
    const items = await Promise.all(
      keys.map(async (key) => {
        const session = await sessions.find(key)
        if (session === null) return { key, status: 'missing' as const, messages: [] }
        const entries = await sessions.tail(session.id, { limit })
        return { key, status: entries.length === 0 ? ('empty' as const) : ('ok' as const), messages: entries.map(previewed) }
      }),
    )
    return { items }
  },
})

export const sessionsCreate = defineMethod({
  name: 'sessions.create',
  scope: 'operator.write',
  params: z.strictObject({ key: sessionKey.optional(), title: title.optional(), model: model.optional() }),
  result: sessionResult,
  async handle(params, { deps }) {
    const { sessions } = deps.gateway.store
    const key = params.key ?? newId('chat', deps.now())
    if ((await sessions.find(key)) !== null) throw new AppError('session/exists', key)
    const session = await sessions.open(key, deps.now())
    const change = { ...(params.title === undefined ? {} : { title: params.title }), ...(params.model === undefined ? {} : { model: params.model }) }
    return { session: viewSession(Object.keys(change).length === 0 ? session : await sessions.rename(key, change)) }
  },
})

export const sessionsRename = defineMethod({
  name: 'sessions.rename',
  scope: 'operator.write',
  params: z
    .strictObject({ key: sessionKey, newKey: sessionKey.optional(), title: title.optional(), model: model.nullable().optional() })
    .refine((params) => params.newKey !== undefined || params.title !== undefined || params.model !== undefined, 'give newKey, title or model'),
  result: sessionResult,
  async handle(params, { deps }) {
    const session = await deps.gateway.store.sessions.rename(params.key, {
      ...(params.newKey === undefined ? {} : { key: params.newKey }),
      ...(params.title === undefined ? {} : { title: params.title }),
      ...(params.model === undefined ? {} : { model: params.model }),
    })
    return { session: viewSession(session) }
  },
})

export const sessionsReset = defineMethod({
  name: 'sessions.reset',
  scope: 'operator.write',
  params: z.strictObject({ key: sessionKey }),
  result: sessionsResetResult,
  async handle({ key }, { deps }) {
    await findSession(deps.gateway, key)
    await endTurns(deps.gateway, key, 'the conversation was reset')
    await deps.gateway.store.sessions.reset(key, deps.now())
    return { key, reset: true as const }
  },
})

export const sessionsDelete = defineMethod({
  name: 'sessions.delete',
  scope: 'operator.write',
  params: z.strictObject({ key: sessionKey }),
  result: sessionsDeleteResult,
  async handle({ key }, { deps }) {
    await endTurns(deps.gateway, key, 'the conversation was deleted')
    return { key, deleted: await deps.gateway.store.sessions.delete(key) }
  },
})
