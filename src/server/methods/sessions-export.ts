import * as z from 'zod'
import type { JsonObject, JsonValue } from '../../contracts/json.ts'
import type { Message } from '../../contracts/message.ts'
import { sessionsExportResult } from '../../contracts/ws/sessions.ts'
import { defineMethod } from '../method.ts'
import { fitNewest, viewSession } from '../turn-view.ts'
import { findSession, sessionKey } from './params.ts'

const PAGE = 200
const MAX_PAGE_BYTES = 768 * 1024

export const sessionsExport = defineMethod({
  name: 'sessions.export',
  scope: 'operator.read',
  params: z.strictObject({ key: sessionKey, beforeId: z.int().min(1).optional() }),
  result: sessionsExportResult,
  async handle({ key, beforeId }, { deps }) {
    const session = await findSession(deps.gateway, key)
    const entries = await deps.gateway.store.sessions.tail(session.id, { limit: PAGE + 1, ...(beforeId === undefined ? {} : { beforeId }) })
    const views = entries.slice(-PAGE).map(({ id, turnId, at, message }) => ({ id, turnId, at, message: asJson(message) }))
    const page = fitNewest(views, MAX_PAGE_BYTES)
    return { session: viewSession(session), entries: [...page], nextBeforeId: page.length < entries.length ? (page[0]?.id ?? null) : null }
  },
})

/** Everything of a message but opaque tokens of vendors. */
function asJson({ role, parts }: Message): JsonValue {
  return {
    role,
    parts: parts.map((part): JsonObject => {
      switch (part.type) {
        case 'text':
          return { type: part.type, text: part.text, origin: { ...part.origin, author: { ...part.origin.author } } }
        case 'image':
          return { type: part.type, mediaType: part.mediaType, data: part.data, origin: { ...part.origin, author: { ...part.origin.author } } }
        case 'reasoning':
          return { type: part.type, text: part.text, model: part.model }
        case 'tool-call':
          return { type: part.type, callId: part.callId, tool: part.tool, input: part.input }
        default: {
          const { type, callId, tool, output, isError } = part
          return { type, callId, tool, output, isError, origin: { ...part.origin, author: { ...part.origin.author } } }
        }
      }
    }),
  }
}
