import * as z from 'zod'
import { AppError } from '../../contracts/errors.ts'
import { conversationKinds, type SqlValue } from '../../contracts/store.ts'
import { dataEraseResult, dataExportResult, dataShowResult } from '../../contracts/ws/data.ts'
import { endTurns } from '../end-turns.ts'
import { defineMethod } from '../method.ts'
import { findSession, sessionKey } from './params.ts'

const gone = (key: string) => new AppError('session/not-found', key)

export const dataShow = defineMethod({
  name: 'data.show',
  scope: 'operator.admin',
  params: z.strictObject({ key: sessionKey }),
  result: dataShowResult,
  async handle({ key }, { deps }) {
    const facts = await deps.gateway.store.conversationFacts(key)
    if (facts === null) throw gone(key)
    return { key, rows: { ...facts.rows }, notes: [...facts.notes] }
  },
})

export const dataExport = defineMethod({
  name: 'data.export',
  scope: 'operator.admin',
  params: z.strictObject({ key: sessionKey, kind: z.enum(conversationKinds), offset: z.int().min(0).default(0) }),
  result: dataExportResult,
  async handle({ key, kind, offset }, { deps }) {
    const page = await deps.gateway.store.conversationData(key, kind, offset)
    if (page === null) throw gone(key)
    return { rows: page.rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, shown(value)]))), next: page.next }
  },
})

export const dataErase = defineMethod({
  name: 'data.erase',
  scope: 'operator.admin',
  params: z.strictObject({ key: sessionKey }),
  result: dataEraseResult,
  async handle({ key }, { deps, principal }) {
    const session = await findSession(deps.gateway, key)
    await endTurns(deps.gateway, key, 'the conversation is erased')
    const erased = await deps.erase(key, session.id, principal.id)
    if (erased === null) throw gone(key)
    return { key, notes: [...erased.notes], copies: erased.copies }
  },
})

function shown(value: SqlValue): string | number | null {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
}
