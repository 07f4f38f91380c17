/** Think, act, look, repeat: one turn from the conversation to the reply. Every step is journaled before the next one acts. */
import { withDeadline } from '../std/deadline.ts'
import { NO_TAINT, type JournalStep, type Session, type Store, type Taint } from '../contracts/store.ts'
import type { Clock } from '../contracts/clock.ts'
import { AppError, type ErrorCode } from '../contracts/errors.ts'
import type { Log, SecretRegistry } from '../contracts/log.ts'
import { joinTexts, TEXT_SEPARATOR, type Message, type ToolCallPart, type ToolResultPart } from '../contracts/message.ts'
import { messageTokens } from '../contracts/message-tokens.ts'
import type { FaultKind, ModelFault, ToolDefinition } from '../contracts/provider.ts'
import type { AnyTool } from '../contracts/tool.ts'
import type { InboundMessage, ToolOutcome, TurnEvent, TurnResult } from '../contracts/turn.ts'
import type { CoreConfig } from '../config/schema.ts'
import { OutboundStream } from '../guard/outbound-stream.ts'
import type { Reporter } from '../guard/stage.ts'
import { isOffered } from '../guard/stages/tool/policy-allows.ts'
import { Budget, budgetNotice } from './budget.ts'
import { assistantParts, callModel, type Answer } from './call-model.ts'
import { compact, needsCompaction } from './compact.ts'
import { fitWindow, loadConversation, statelessConversation, taintOf, toMessages, type Conversation, type Line } from './context.ts'
import { composeRequest, promptOverhead, type Composition } from './compose-request.ts'
import type { ModelDirectory, ResolvedModel } from './models.ts'
import { runTool, type ToolRun } from './run-tool.ts'
import { createSummarizer } from './summarize.ts'
import { systemPrompt } from './system-prompt.ts'

export interface AgentDeps {
  readonly models: ModelDirectory
  readonly store: Store
  readonly tools: ReadonlyMap<string, AnyTool>
  readonly definitions: readonly ToolDefinition[]
  readonly config: Pick<CoreConfig, 'agent' | 'tools' | 'filesystem'>
  readonly secrets: SecretRegistry
  readonly report: Reporter
  readonly clock: Clock
  readonly timeZone: string
  readonly log: Log
}

export interface AgentTurn {
  readonly turnId: string
  readonly session: Session | null
  readonly request: InboundMessage
  /** Steps that an earlier process journaled. */
  readonly steps: readonly JournalStep[]
  readonly emit: (event: TurnEvent) => void
}

export interface AgentOutcome {
  readonly result: Omit<TurnResult, 'durationMs'>
  readonly reply: Message | null
  readonly taint: Taint
}

export async function runAgent(turn: AgentTurn, deps: AgentDeps, signal: AbortSignal): Promise<AgentOutcome> {
  const chain = await deps.models.resolve(turn.request.options.model ?? turn.session?.model ?? null)
  const first = chain[0]
  if (first === undefined) throw new AppError('provider/none')
  turn.emit({ type: 'turn-started', model: first.name, demo: first.provider.traits.demo })
  return withDeadline(deps.config.agent.budgets.maxTurnMs, signal, (either, expired) => new AgentRun(turn, deps, chain, either, expired).toEnd())
}

class AgentRun {
  readonly #turn: AgentTurn
  readonly #deps: AgentDeps
  readonly #chain: readonly ResolvedModel[]
  readonly #signal: AbortSignal
  readonly #isExpired: () => boolean
  readonly #budget: Budget
  readonly #composition: Composition
  readonly #texts: string[] = []
  readonly #outcomes: ToolOutcome[] = []
  #conversation: Conversation = { summary: null, lines: [] }
  #taint: Taint = NO_TAINT
  #at = 0

  constructor(turn: AgentTurn, deps: AgentDeps, chain: readonly ResolvedModel[], signal: AbortSignal, isExpired: () => boolean) {
    this.#turn = turn
    this.#deps = deps
    this.#chain = chain
    this.#budget = new Budget(deps.config.agent.budgets, deps.clock)
    this.#signal = signal
    this.#isExpired = isExpired
    const { policy, list } = deps.config.tools
    this.#composition = {
      system: systemPrompt({ custom: deps.config.agent.systemPrompt, now: deps.clock.now(), timeZone: deps.timeZone }),
      tools: deps.definitions.filter(({ name }) => isOffered(name, policy, list)),
      options: turn.request.options,
      config: deps.config.agent,
      cacheKey: turn.session?.id,
      report: deps.report,
    }
  }

  async toEnd(): Promise<AgentOutcome> {
    await this.#load()
    await this.#finishRecoveredCalls()
    for (;;) {
      const exceeded = this.#budget.exceeded()
      if (exceeded !== null) return this.#stopped(exceeded)
      const { answer, text } = await this.#ask()
      if (answer.fault !== null) return this.#failed(answer, answer.fault, text)
      const { own, client } = this.#sortCalls(answer.calls)
      if (client.length > 0 || own.length === 0) return this.#done(answer, text, client)
      if (this.#signal.aborted) return this.#ended(null, text)
      await this.#say(answer, text, own)
      this.#budget.noteCalls(own)
      if (this.#budget.exceeded() === 'repeated-call') return this.#stopped('repeated-call')
      await this.#act(own)
      if (this.#signal.aborted) return this.#ended(null, '')
    }
  }

  async #load(): Promise<void> {
    const { session, request, steps } = this.#turn
    if (session === null) {
      const said: readonly Message[] = request.parts.length === 0 ? [] : [{ role: 'user', parts: request.parts }]
      const recovered = steps.flatMap((step) => (step.kind === 'tool-intent' ? [] : [step.message]))
      this.#conversation = statelessConversation([...(request.options.context ?? []), ...said, ...recovered])
    } else {
      this.#conversation = await this.#loadSession(session)
    }
    const messages = this.#conversation.lines.map((line) => line.message)
    this.#taint = taintOf(messages, session?.taint ?? NO_TAINT)
  }

  async #loadSession(session: Session): Promise<Conversation> {
    const { store, config, clock, log } = this.#deps
    const { maxMessages, keepMessages } = config.agent.context
    const conversation = await loadConversation(store.sessions, session.id, maxMessages)
    const model = this.#chain[0]
    if (model === undefined) return conversation
    const budgetTokens = Math.max(256, (model.windowTokens - promptOverhead(this.#composition, model)) * 0.7)
    if (!needsCompaction(conversation, { maxMessages, budgetTokens })) return conversation
    const summarize = createSummarizer({
      model,
      report: this.#deps.report,
      signal: this.#signal,
      log,
      spend: (usage) => this.#budget.spendModel(usage, model.price),
    })
    return compact(conversation, {
      sessions: store.sessions,
      sessionId: session.id,
      maxMessages,
      keepMessages,
      budgetTokens,
      summarize,
      now: () => clock.now(),
    })
  }

  /** A process died between a call and its result: what may run again does, what may not is told to the model as unknown. */
  async #finishRecoveredCalls(): Promise<void> {
    const { steps } = this.#turn
    for (const step of steps) {
      if (step.kind !== 'assistant') continue
      this.#budget.spendModel(step.usage, this.#chain.find(({ name }) => name === step.model)?.price ?? null)
      this.#texts.push(...step.message.parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])))
    }
    // Only the last answer can have open calls: the next is not asked for before all are closed.
    const last = steps.findLastIndex((step) => step.kind === 'assistant')
    const begun = new Set<string>()
    const answered = new Set<string>()
    for (const step of steps.slice(last + 1)) {
      if (step.kind === 'tool-intent') begun.add(step.callId)
      else for (const part of step.message.parts) if (part.type === 'tool-result') answered.add(part.callId)
    }
    const asked = steps[last]
    const calls = asked?.kind === 'assistant' ? asked.message.parts.filter((part) => part.type === 'tool-call') : []
    const open = calls.filter(({ callId }) => !answered.has(callId))
    const isUnknown = ({ callId, tool }: ToolCallPart) => {
      const recovery = this.#deps.tools.get(tool)?.manifest.recovery
      return begun.has(callId) && (recovery === 'unsafe' || recovery === 'probe')
    }
    for (const { callId, tool } of open.filter(isUnknown)) {
      const output = 'Unknown: the program stopped while this ran. Ask the owner before doing it again.'
      const origin = { author: { kind: 'tool', name: tool }, trust: 'trusted', private: false } as const
      await this.#remember({ role: 'tool', parts: [{ type: 'tool-result', callId, tool, output, isError: true, origin }] }, 0)
    }
    await this.#act(open.filter((call) => !isUnknown(call)))
  }

  async #ask(): Promise<{ readonly answer: Answer; readonly text: string }> {
    const stream = new OutboundStream({ secrets: this.#deps.secrets }, this.#deps.report)
    let text = ''
    const leave = (cleared: string) => {
      if (cleared === '') return
      if (text === '' && this.#texts.length > 0) this.#turn.emit({ type: 'text-delta', text: TEXT_SEPARATOR })
      text += cleared
      this.#turn.emit({ type: 'text-delta', text: cleared })
    }
    const { answer, at } = await callModel({
      chain: this.#chain,
      from: this.#at,
      requestFor: (model) => composeRequest(this.#composition, model, this.#messagesFor(model), this.#budget.remainingOutputTokens),
      onText: (delta) => leave(stream.push(delta)),
      emit: this.#turn.emit,
      clock: this.#deps.clock,
      signal: this.#signal,
    })
    leave(stream.end())
    this.#at = at
    this.#budget.spendModel(answer.usage, answer.model.price)
    return { answer, text }
  }

  /** What is kept is what left. */
  readonly #clean = (text: string): string => {
    const stream = new OutboundStream({ secrets: this.#deps.secrets }, this.#deps.report)
    return stream.push(text) + stream.end()
  }

  #messagesFor(model: ResolvedModel): readonly Message[] {
    const { summary, lines } = this.#conversation
    const room = model.windowTokens - promptOverhead(this.#composition, model) - (summary?.tokens ?? 0)
    return toMessages(summary, fitWindow(lines, room))
  }

  /** A call to one of the caller's tools is the caller's to run; our own calls beside it wait until the model asks again. */
  #sortCalls(calls: readonly ToolCallPart[]): { readonly own: readonly ToolCallPart[]; readonly client: readonly ToolCallPart[] } {
    const names = new Set(this.#turn.request.options.clientTools?.map(({ name }) => name))
    return { own: calls.filter(({ tool }) => !names.has(tool)), client: calls.filter(({ tool }) => names.has(tool)) }
  }

  async #say(answer: Answer, text: string, calls: readonly ToolCallPart[]): Promise<void> {
    const message: Message = { role: 'assistant', parts: assistantParts(answer, this.#clean, calls) }
    this.#add(message)
    if (text !== '') this.#texts.push(text)
    await this.#journal([{ kind: 'assistant', message, usage: answer.usage, model: answer.model.name }])
  }

  /** Reads run side by side, everything else one after the other, in the model's order. */
  async #act(calls: readonly ToolCallPart[]): Promise<void> {
    const startedAt = this.#deps.clock.now()
    let reads: ToolCallPart[] = []
    const flush = async () => {
      const batch = reads
      reads = []
      // In the model's order, which is not the order in which they end.
      this.#outcomes.push(...(await Promise.all(batch.map((call) => this.#runOne(call)))).flat())
    }
    for (const call of calls) {
      if (this.#deps.tools.get(call.tool)?.manifest.effect === 'read') reads.push(call)
      else {
        await flush()
        this.#outcomes.push(...(await this.#runOne(call)))
      }
    }
    await flush()
    this.#budget.spendTools(this.#deps.clock.now() - startedAt)
  }

  async #runOne(call: ToolCallPart): Promise<readonly ToolOutcome[]> {
    const outcomes: ToolOutcome[] = []
    const { tools, secrets, report, clock, log, config } = this.#deps
    const run: ToolRun = {
      turnId: this.#turn.turnId,
      sessionId: this.#turn.session?.id ?? null,
      taint: this.#taint,
      guard: { tools, policy: config.tools, roots: config.filesystem.roots },
      secrets,
      report,
      journal: (steps) => this.#journal(steps),
      emit: (event) => {
        if (event.type === 'tool-finished') outcomes.push(event.outcome)
        this.#turn.emit(event)
      },
      clock,
      log,
      timeoutMs: this.#budget.remainingToolMs,
    }
    this.#see(await runTool(call, run, this.#signal))
    return outcomes
  }

  #see(result: ToolResultPart): void {
    const message: Message = { role: 'tool', parts: [result] }
    this.#taint = taintOf([message], this.#taint)
    this.#add(message)
  }

  async #remember(message: Message, ms: number): Promise<void> {
    this.#add(message)
    await this.#journal([{ kind: 'tool-result', message, ms }])
  }

  #add(message: Message): void {
    const line: Line = { message, tokens: messageTokens(message) }
    this.#conversation = { ...this.#conversation, lines: [...this.#conversation.lines, { ...line, entryId: null }] }
  }

  #journal(steps: readonly JournalStep[]): Promise<void> {
    return this.#deps.store.turns.append(this.#turn.turnId, this.#turn.session?.id ?? null, steps, this.#deps.clock.now())
  }

  #done(answer: Answer, text: string, client: readonly ToolCallPart[]): AgentOutcome {
    const reason = client.length > 0 ? 'tool-calls' : answer.reason === 'tool-calls' ? 'stop' : answer.reason
    return this.#outcome(
      'completed',
      { finishReason: reason, clientToolCalls: client },
      { role: 'assistant', parts: assistantParts(answer, this.#clean, client) },
      text,
    )
  }

  #stopped(kind: NonNullable<TurnResult['stoppedBy']>): AgentOutcome {
    const notice = budgetNotice(kind)
    this.#turn.emit({ type: 'text-delta', text: this.#texts.length > 0 ? `${TEXT_SEPARATOR}${notice}` : notice })
    return this.#outcome('completed', { finishReason: 'length', stoppedBy: kind }, ownWords(notice), notice)
  }

  #failed(answer: Answer, fault: ModelFault, text: string): AgentOutcome {
    const reply: Message | null = text === '' ? null : { role: 'assistant', parts: assistantParts(answer, this.#clean, []) }
    if (fault.kind === 'cancelled') return this.#ended(reply, text)
    if (fault.kind === 'refused')
      return this.#outcome('completed', { finishReason: 'refused' }, reply ?? ownWords(fault.message), text === '' ? fault.message : text)
    const error = { code: FAULT_CODES[fault.kind], message: fault.message, ...(fault.retryAfterMs === undefined ? {} : { retryAfterMs: fault.retryAfterMs }) }
    return this.#outcome('failed', { finishReason: 'stop', error }, reply, text)
  }

  /** The signal ended it: by somebody's word, or by the clock. */
  #ended(reply: Message | null, text: string): AgentOutcome {
    if (this.#isExpired()) return this.#stopped('wall-clock')
    const error = { code: 'turn/cancelled', message: new AppError('turn/cancelled').message } as const
    return this.#outcome('cancelled', { finishReason: 'stop', error }, reply, text)
  }

  #outcome(
    status: TurnResult['status'],
    more: Pick<TurnResult, 'finishReason' | 'stoppedBy' | 'error'> & Partial<Pick<TurnResult, 'clientToolCalls'>>,
    reply: Message | null,
    text: string,
  ): AgentOutcome {
    const { turnId, request } = this.#turn
    return {
      reply,
      taint: this.#taint,
      result: {
        turnId,
        sessionKey: request.sessionKey,
        status,
        text: joinTexts([...this.#texts, text]),
        clientToolCalls: [],
        toolCalls: this.#outcomes,
        model: this.#chain[this.#at]?.name ?? '',
        usage: this.#budget.usage,
        costUsd: this.#budget.costUsd,
        ...more,
      },
    }
  }
}

const FAULT_CODES: Readonly<Record<FaultKind, ErrorCode>> = {
  auth: 'provider/auth',
  'rate-limit': 'provider/rate-limit',
  overloaded: 'provider/overloaded',
  'context-too-long': 'provider/context-too-long',
  refused: 'provider/refused',
  network: 'provider/unreachable',
  'bad-request': 'provider/bad-request',
  cancelled: 'turn/cancelled',
}

function ownWords(text: string): Message {
  const origin = { author: { kind: 'model', name: 'carapace' }, trust: 'trusted', private: false } as const
  return { role: 'assistant', parts: [{ type: 'text', text, origin }] }
}
