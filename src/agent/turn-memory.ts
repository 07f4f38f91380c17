/** What the model of this turn is told, and what it has thereby seen. Grows step by step; the session's older part is loaded once. */
import { messageTokens } from '../contracts/message-tokens.ts'
import type { Message } from '../contracts/message.ts'
import { NO_TAINT, type JournalStep, type Session, type SessionStore, type Taint } from '../contracts/store.ts'
import type { AnyTool } from '../contracts/tool.ts'
import type { InboundMessage } from '../contracts/turn.ts'
import { taintOf } from '../contracts/taint.ts'
import type { CoreConfig } from '../config/schema.ts'
import { Evidence } from '../guard/provenance/evidence.ts'
import { compact, needsCompaction } from './compact.ts'
import { fitWindow, loadConversation, statelessConversation, toMessages, type Conversation } from './context.ts'

export interface Remembering {
  readonly sessions: SessionStore
  readonly turnId: string
  readonly limits: CoreConfig['agent']['context']
  readonly tools: ReadonlyMap<string, AnyTool>
  /** Tokens that the conversation may take before its older part is summarised. */
  readonly budgetTokens: number
  readonly summarize: (prompt: string) => Promise<string | null>
  readonly now: () => number
}

export class TurnMemory {
  /** What the guard knows values from. What a summary has replaced vouches for nothing: then the owner is asked. */
  readonly evidence: Evidence
  #conversation: Conversation
  #taint: Taint

  constructor(conversation: Conversation, before: Taint, tools: ReadonlyMap<string, AnyTool>) {
    this.#conversation = conversation
    this.evidence = new Evidence(tools)
    for (const message of [...toMessages(conversation.summary, []), ...conversation.lines.map((line) => line.message)]) this.evidence.add(message)
    const summarised = conversation.summary?.taint ?? NO_TAINT
    this.#taint = taintOf(
      conversation.lines.map((line) => line.message),
      { untrusted: before.untrusted || summarised.untrusted, private: before.private || summarised.private },
    )
  }

  get taint(): Taint {
    return this.#taint
  }

  add(message: Message): void {
    this.evidence.add(message)
    this.#taint = taintOf([message], this.#taint)
    this.#conversation = { ...this.#conversation, lines: [...this.#conversation.lines, { message, tokens: messageTokens(message), entryId: null }] }
  }

  /** The newest whole exchanges that fit into this many tokens, the summary included. */
  within(tokens: number): readonly Message[] {
    const { summary, lines } = this.#conversation
    return toMessages(summary, fitWindow(lines, tokens - (summary?.tokens ?? 0)))
  }
}

/** A stateless request brings its own context; what an earlier process did for it comes after that. */
export function statelessMemory(request: InboundMessage, steps: readonly JournalStep[], tools: ReadonlyMap<string, AnyTool>): TurnMemory {
  const said: readonly Message[] = request.parts.length === 0 ? [] : [{ role: 'user', parts: request.parts }]
  const recovered = steps.flatMap((step) => (step.kind === 'tool-intent' ? [] : [step.message]))
  return new TurnMemory(statelessConversation([...(request.options.context ?? []), ...said, ...recovered]), NO_TAINT, tools)
}

/** The session's own lines, this turn's message and recovered steps among them. */
export async function sessionMemory(session: Session, { sessions, turnId, limits, tools, budgetTokens, summarize, now }: Remembering): Promise<TurnMemory> {
  const { maxMessages, keepMessages } = limits
  const loaded = await loadConversation(sessions, session.id, maxMessages, turnId)
  const conversation = needsCompaction(loaded, { maxMessages, budgetTokens })
    ? await compact(loaded, { sessions, sessionId: session.id, maxMessages, keepMessages, budgetTokens, summarize, now })
    : loaded
  return new TurnMemory(conversation, session.taint, tools)
}
