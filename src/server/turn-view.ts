/** Turns and messages as they travel to clients. */
import type { Entry, Session } from '../contracts/store.ts'
import type { TurnResult } from '../contracts/turn.ts'
import type { historyMessage } from '../contracts/ws/chat.ts'
import type { sessionInfo } from '../contracts/ws/sessions.ts'
import type { turnResult } from '../contracts/ws/shared.ts'
import type * as z from 'zod'

const MAX_TEXT = 256 * 1024

export function viewResult(result: TurnResult): z.output<typeof turnResult> {
  const { clientToolCalls, toolCalls, ...rest } = result
  return {
    ...rest,
    // A vendor's signatures are no business of clients.
    clientToolCalls: clientToolCalls.map(({ type, callId, tool, input }) => ({ type, callId, tool, input })),
    toolCalls: [...toolCalls],
  }
}

export function viewSession({ id, key, title, model, messageCount, createdAt, lastActivityAt }: Session): z.input<typeof sessionInfo> {
  return { id, key, title, model, messageCount, createdAt, lastActivityAt }
}

export function viewEntry({ id, turnId, message, at }: Entry, maxText = MAX_TEXT): z.input<typeof historyMessage> {
  let text = ''
  let reasoning = ''
  let images = 0
  const toolCalls = []
  const toolResults = []
  for (const part of message.parts) {
    if (part.type === 'text') text += part.text
    else if (part.type === 'reasoning') reasoning += part.text
    else if (part.type === 'image') images++
    else if (part.type === 'tool-call') toolCalls.push({ callId: part.callId, tool: part.tool, input: part.input })
    else toolResults.push({ callId: part.callId, tool: part.tool, output: part.output.slice(0, maxText), isError: part.isError })
  }
  return {
    id,
    runId: turnId,
    role: message.role,
    text: text.slice(0, maxText),
    ...(reasoning === '' ? {} : { reasoning: reasoning.slice(0, maxText) }),
    ...(images === 0 ? {} : { images }),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
    ...(toolResults.length === 0 ? {} : { toolResults }),
    at,
    ...(text.length > maxText || reasoning.length > maxText ? { truncated: true } : {}),
  }
}

/** The newest views whose JSON fits, oldest first; at least one. */
export function fitNewest<T>(views: readonly T[], maxBytes: number): readonly T[] {
  let bytes = 0
  let first = views.length
  while (first > 0) {
    bytes += Buffer.byteLength(JSON.stringify(views[first - 1]))
    if (bytes > maxBytes && first < views.length) break
    first--
  }
  return views.slice(first)
}
