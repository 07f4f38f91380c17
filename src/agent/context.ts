/**
 * What a model is told of the conversation: a summary of what is long ago, then the newest messages word for word, whole exchanges only, inside the model's window. The full
 * history stays on disk. Its cost depends on the window, never on the length of the history.
 */
import { messageTokens } from '../contracts/message-tokens.ts'
import type { Message, ToolResultPart } from '../contracts/message.ts'
import type { Entry, SessionStore, Summary } from '../contracts/store.ts'

export interface Line {
  readonly message: Message
  readonly tokens: number
}

export interface Conversation {
  readonly summary: Summary | null
  /** Oldest first. `entryId` is null for what stands in no session. */
  readonly lines: readonly (Line & { readonly entryId: number | null })[]
}

/**
 * Loads what a session remembers up to this turn: at most `maxMessages` + 1 lines after its summary, so that one too many shows that a summary is due. Later turns may
 * have ended before one that is taken up again.
 */
export async function loadConversation(sessions: SessionStore, sessionId: string, maxMessages: number, turnId?: string): Promise<Conversation> {
  const summary = await sessions.summary(sessionId)
  const entries = await sessions.tail(sessionId, { limit: maxMessages + 1, afterId: summary?.coversUntil ?? 0 })
  const own = turnId === undefined ? -1 : entries.findLastIndex((entry) => entry.turnId === turnId)
  return { summary, lines: (own === -1 ? entries : entries.slice(0, own + 1)).map(toLine) }
}

export function toLine(entry: Entry): Conversation['lines'][number] {
  return { message: entry.message, tokens: entry.tokens, entryId: entry.id }
}

export function statelessConversation(messages: readonly Message[]): Conversation {
  return { summary: null, lines: messages.map((message) => ({ message, tokens: messageTokens(message), entryId: null })) }
}

export function linesTokens(lines: readonly Line[]): number {
  return lines.reduce((sum, line) => sum + line.tokens, 0)
}

/** The first line from `from` on that may begin a context: a user's message, so that no call is parted from its result. The last user message at the latest. */
export function exchangeStart(lines: readonly Line[], from: number): number {
  for (let index = from; index < lines.length; index++) if (lines[index]?.message.role === 'user') return index
  return Math.max(
    0,
    lines.findLastIndex((line) => line.message.role === 'user'),
  )
}

/** The newest whole exchanges that fit. The last one always stays: if that alone is too large, the guard says so. */
export function fitWindow(lines: readonly Line[], budgetTokens: number): readonly Line[] {
  let start = lines.length
  for (let tokens = 0; start > 0; start--) {
    tokens += lines[start - 1]?.tokens ?? 0
    if (tokens > budgetTokens) break
  }
  if (start === 0) return lines
  // System messages of a stateless context hold for all of it.
  const first = exchangeStart(lines, start)
  return [...lines.slice(0, first).filter((line) => line.message.role === 'system'), ...lines.slice(first)]
}

export function toMessages(summary: Summary | null, lines: readonly Line[]): readonly Message[] {
  const messages = repairCalls(lines.map((line) => line.message))
  return summary === null ? messages : [summaryMessage(summary), ...messages]
}

function summaryMessage(summary: Summary): Message {
  const trust = summary.taint.untrusted ? 'untrusted' : 'trusted'
  const origin = { author: { kind: 'model', name: 'summary' }, trust, private: summary.taint.private } as const
  return { role: 'user', parts: [{ type: 'text', text: `[Summary of the conversation so far]\n${summary.text}`, origin }] }
}

/**
 * Makes every call have exactly one result, right after it: a turn that was cancelled or died leaves calls open, and parallel results are journaled as they come. Vendors
 * refuse a history without this.
 */
function repairCalls(messages: readonly Message[]): readonly Message[] {
  return messages.flatMap((message, index): readonly Message[] => {
    if (message.role === 'tool') return []
    if (message.role !== 'assistant') return [message]
    const calls = message.parts.filter((part) => part.type === 'tool-call')
    if (calls.length === 0) return [message]
    const results = resultsAfter(messages, index)
    return [message, { role: 'tool', parts: calls.map(({ callId, tool }) => results.get(callId) ?? unanswered(callId, tool)) }]
  })
}

/** Up to the next answer of the model: some vendors use the same call ids again in every answer. */
function resultsAfter(messages: readonly Message[], index: number): ReadonlyMap<string, ToolResultPart> {
  const results = new Map<string, ToolResultPart>()
  for (let next = index + 1; next < messages.length; next++) {
    const message = messages[next]
    if (message === undefined || message.role === 'assistant') break
    if (message.role === 'tool') for (const part of message.parts) results.set(part.callId, part)
  }
  return results
}

function unanswered(callId: string, tool: string): ToolResultPart {
  const origin = { author: { kind: 'tool', name: tool }, trust: 'trusted', private: false } as const
  return { type: 'tool-result', callId, tool, output: 'No result: the turn ended before this call did.', isError: true, origin }
}
