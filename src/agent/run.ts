/** Think, act, look, repeat: one turn from the conversation to the reply. Every step is journaled before the next one acts. */
import { withDeadline } from '../std/deadline.ts'
import type { HeldCall } from '../contracts/approval.ts'
import { AppError } from '../contracts/errors.ts'
import { outcomesOf } from '../contracts/tool-outcomes.ts'
import { OWNER } from '../contracts/origin.ts'
import { joinTexts, TEXT_SEPARATOR, type Message, type ToolCallPart } from '../contracts/message.ts'
import type { ModelFault, ModelRequest } from '../contracts/provider.ts'
import type { JournalStep } from '../contracts/store.ts'
import { sentBy, type BudgetKind, type ToolOutcome, type TurnEvent } from '../contracts/turn.ts'
import type { Reporter } from '../guard/stage.ts'
import { isOffered } from '../guard/stages/tool/policy-allows.ts'
import { act } from './act.ts'
import type { AgentDeps, AgentTurn } from './agent-turn.ts'
import { describeCall, wordsOf } from './admit-call.ts'
import { closeUnknown, settleBegun } from './begun-calls.ts'
import { askOwner } from './ask-owner.ts'
import { Budget, budgetNotice } from './budget.ts'
import { assistantMessage, callModel, hasOutput, MAX_WAIT_MS, RETRYABLE, type Answer } from './call-model.ts'
import { composeRequest, promptOverhead, type Composition } from './compose-request.ts'
import { LeavingAnswer } from './leaving-answer.ts'
import type { ResolvedModel } from './models.ts'
import type { AskingTurn } from './questions.ts'
import { readSteps } from './recovered-steps.ts'
import { ReplyContext } from './reply-context.ts'
import { digestOf } from './request-digest.ts'
import { toldEvent } from './told.ts'
import { keepingRefusals } from './keep-refusals.ts'
import { refuseHeld, type ToolRun } from './run-tool.ts'
import { createSummarizer } from './summarize.ts'
import { systemPrompt } from './system-prompt.ts'
import { TurnAnswers } from './turn-answers.ts'
import { sessionMemory, statelessMemory, type TurnMemory } from './turn-memory.ts'
import { cancelledEnding, faultEnding, ownWords, PARKED, type AgentOutcome, type Ending } from './turn-outcome.ts'

/** `parked`: the owner was asked. Nothing of the run is needed any more; when all is answered the turn is taken up from its journal. */
export async function runAgent(turn: AgentTurn, deps: AgentDeps, signal: AbortSignal): Promise<AgentOutcome | typeof PARKED> {
  const chain = await deps.models.resolve(turn.request.options.model ?? turn.session?.model ?? null)
  const [first] = chain
  if (first === undefined) throw new AppError('provider/none')
  turn.emit({ type: 'turn-started', model: first.name, demo: first.provider.traits.demo })
  return withDeadline(deps.config.agent.budgets.maxTurnMs, signal, async (either, isExpired) => {
    const run = new AgentRun(turn, deps, chain, first, either, isExpired)
    const close = deps.questions.open(turn.turnId, run.account)
    try {
      return await run.toEnd()
    } finally {
      close()
    }
  })
}

class AgentRun {
  readonly #turn: AgentTurn
  readonly #deps: AgentDeps
  readonly #chain: readonly ResolvedModel[]
  readonly #first: ResolvedModel
  readonly #signal: AbortSignal
  readonly #isExpired: () => boolean
  readonly #budget: Budget
  readonly #composition: Composition
  readonly #reply: ReplyContext
  readonly #texts: string[] = []
  readonly #outcomes: ToolOutcome[] = []
  #at = 0
  /** What the model was asked last. */
  #asked: ModelRequest | null = null
  #answers: TurnAnswers
  /** What the outbound checkpoint refuses is kept. */
  readonly #reportOutbound: Reporter

  constructor(turn: AgentTurn, deps: AgentDeps, chain: readonly ResolvedModel[], first: ResolvedModel, signal: AbortSignal, isExpired: () => boolean) {
    this.#turn = turn
    this.#deps = deps
    this.#chain = chain
    this.#first = first
    this.#signal = signal
    this.#isExpired = isExpired
    this.#answers = new TurnAnswers(turn.turnId, 0, [])
    const keeping = { refusals: deps.store.refusals, clock: deps.clock, log: deps.log }
    this.#reportOutbound = keepingRefusals(deps.report, { turnId: turn.turnId, sessionId: turn.session?.id ?? null }, keeping)
    this.#budget = new Budget(deps.config.agent.budgets, deps.clock)
    this.#reply = new ReplyContext(turn.request, deps.config.guard, deps.secrets)
    const { policy, list } = deps.config.tools
    this.#composition = {
      system: systemPrompt({ custom: deps.config.agent.systemPrompt, now: deps.clock.now(), timeZone: deps.timeZone }),
      tools: deps.definitions.filter(({ name }) => isOffered(name, policy, list) && deps.tools.get(name)?.isOffered?.() !== false),
      options: turn.request.options,
      config: deps.config.agent,
      injection: deps.config.guard.injection,
      cacheKey: turn.session?.id,
      report: deps.report,
    }
  }

  /** Who pays for what its tools ask models. */
  get account(): AskingTurn {
    return { chain: this.#chain, budget: this.#budget }
  }

  async toEnd(): Promise<AgentOutcome | typeof PARKED> {
    const memory = await this.#remember()
    const ending = await this.#converse(memory)
    if (ending === PARKED) return PARKED
    const { text, reply, status, ...more } = ending
    const { turnId, request } = this.#turn
    return {
      reply,
      taint: memory.taint,
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

  async #converse(memory: TurnMemory): Promise<Ending | typeof PARKED> {
    if (await this.#closeRecoveredCalls(memory)) return PARKED
    for (;;) {
      if (this.#signal.aborted) return this.#interrupted(null, '')
      const exceeded = this.#budget.exceeded()
      if (exceeded !== null) return this.#stopped(exceeded)
      const { answer, text } = await this.#ask(memory)
      const { fault, calls } = answer
      if (fault?.kind === 'cancelled') return this.#interrupted(this.#said(answer, text, []), text)
      if (fault !== null && (await this.#sleeps(answer, fault))) return PARKED
      if (fault !== null) return faultEnding(fault, this.#said(answer, text, []), text)
      const client = calls.filter((call) => this.#isClients(call))
      if (client.length > 0 || calls.length === 0) return this.#done(answer, text, client)
      await this.#keep(memory, answer, text)
      this.#budget.noteCalls(calls)
      const refused = this.#budget.refusesCalls()
      if (refused !== null) return this.#stopped(refused)
      if (await this.#act(memory, calls)) return PARKED
    }
  }

  /** A model that says when to ask again is not waited for in memory. Only in a conversation: outside one somebody waits for the answer, and may ask again himself. */
  async #sleeps(answer: Answer, { kind, retryAfterMs = 0 }: ModelFault): Promise<boolean> {
    const { store, config, clock, log } = this.#deps
    const { turnId, session, emit } = this.#turn
    const { maxModelWaitMs } = config.agent
    if (session === null || retryAfterMs <= MAX_WAIT_MS || retryAfterMs > maxModelWaitMs || !RETRYABLE.has(kind) || hasOutput(answer)) return false
    if (!(await store.turns.leases.sleep(this.#turn, clock.now() + retryAfterMs, maxModelWaitMs))) return false
    log.info('turn.sleeps', { turn: turnId, model: answer.model.name, ms: retryAfterMs })
    emit({ type: 'model-retried', model: answer.model.name, reason: kind, waitMs: retryAfterMs })
    return true
  }

  #remember(): Promise<TurnMemory> | TurnMemory {
    const { session, request, steps } = this.#turn
    const { store, config, tools, clock, log, report } = this.#deps
    if (session === null) return statelessMemory(request, steps, tools)
    const model = this.#first
    return sessionMemory(session, {
      sessions: store.sessions,
      turnId: this.#turn.turnId,
      limits: config.agent.context,
      tools,
      budgetTokens: Math.max(256, (model.windowTokens - promptOverhead(this.#composition, model)) * 0.7),
      summarize: createSummarizer({ model, report, signal: this.#signal, log, spend: (usage) => this.#budget.spendModel(usage, model.price) }),
      now: () => clock.now(),
    })
  }

  /** The owner was asked, or a worker was lost between a call and its result: what may run does, what may not is asked about. True when the owner is asked. */
  async #closeRecoveredCalls(memory: TurnMemory): Promise<boolean> {
    if (this.#turn.steps.length === 0) return false
    const { texts, spent, answers, calls, again, begun } = readSteps(this.#turn.steps, this.#deps.tools)
    this.#texts.push(...texts)
    this.#outcomes.push(...outcomesOf(this.#turn.steps))
    this.#budget.noteCalls(calls)
    this.#answers = new TurnAnswers(this.#turn.turnId, answers, await this.#deps.store.approvals.ofTurn(this.#turn.turnId))
    this.#hearOwner(memory)
    for (const { model, usage } of spent) this.#budget.spendModel(usage, this.#chain.find(({ name }) => name === model)?.price ?? null)
    const open = [...again]
    const held: HeldCall[] = []
    for (const each of begun) {
      const settled = await settleBegun(each, this.#closingRun(memory), this.#signal)
      if (settled.kind === 'again') open.push(each.call)
      else if (settled.kind === 'held') held.push(settled.held)
      else memory.add({ role: 'tool', parts: [settled.result] })
    }
    if (held.length > 0 && (await askOwner(held, this.#answers.group, this.#closingRun(memory), this.#deps))) return true
    for (const { callId } of held) {
      const call = begun.find((each) => each.call.callId === callId)?.call
      if (call !== undefined) memory.add({ role: 'tool', parts: [await closeUnknown(call, this.#closingRun(memory))] })
    }
    // In the model's order.
    return this.#act(
      memory,
      calls.filter((call) => open.includes(call)),
    )
  }

  /** What he let go in this turn, as he changed it, are his words; so is what he said with it. */
  #hearOwner(memory: TurnMemory): void {
    const run = { turnId: this.#turn.turnId, sessionId: this.#turn.session?.id ?? null, taint: memory.taint }
    for (const { callId, tool, input, decision } of this.#answers.allowed) {
      const known = this.#deps.tools.get(tool)
      if (known !== undefined) memory.evidence.grant(wordsOf({ callId, tool, input: decision.input ?? input }, known, run))
    }
    for (const text of this.#answers.notes) memory.evidence.add({ role: 'user', parts: [{ type: 'text', text, origin: OWNER }] })
  }

  async #ask(memory: TurnMemory): Promise<{ readonly answer: Answer; readonly text: string }> {
    const { emit, wantsPieces } = this.#turn
    const leaving = new LeavingAnswer({ context: this.#reply.of(memory), report: this.#reportOutbound, earlier: this.#texts.at(-1) ?? null, emit, wantsPieces })
    const { answer, at } = await callModel({
      chain: this.#chain,
      from: this.#at,
      requestFor: (model) => {
        const messages = memory.within(model.windowTokens - promptOverhead(this.#composition, model))
        const request = composeRequest(this.#composition, model, messages, this.#budget.remainingOutputTokens)
        this.#asked = 'kind' in request ? null : request
        return request
      },
      onText: (delta) => leaving.say(delta),
      onReasoning: (delta) => leaving.think(delta),
      emit,
      clock: this.#deps.clock,
      signal: this.#signal,
    })
    const text = leaving.end()
    this.#at = at
    this.#budget.spendModel(answer.usage, answer.model.price)
    return { answer: leaving.cleaned(answer), text }
  }

  /** A call to one of the caller's tools is the caller's to run; our own calls beside it wait until the model asks again. */
  #isClients({ tool }: ToolCallPart): boolean {
    return this.#turn.request.options.clientTools?.some(({ name }) => name === tool) ?? false
  }

  async #keep(memory: TurnMemory, answer: Answer, text: string): Promise<void> {
    const message = assistantMessage(answer, answer.calls)
    memory.add(message)
    if (text !== '') this.#texts.push(text)
    this.#answers.nextAnswer()
    // For a replay: what it was asked, by its hash. An answer without calls leaves none.
    const request = this.#asked === null ? {} : { request: digestOf(this.#asked) }
    await this.#journal([{ kind: 'assistant', message, usage: answer.usage, model: answer.model.name, ...request }])
  }

  /** True when the owner is asked: then nothing more happens until he has answered. */
  async #act(memory: TurnMemory, calls: readonly ToolCallPart[]): Promise<boolean> {
    const { clock, tools } = this.#deps
    const startedAt = clock.now()
    const onResult = (result: Extract<Message, { role: 'tool' }>['parts'][number]) => memory.add({ role: 'tool', parts: [result] })
    const { outcomes, held } = await act(calls, { tools, emit: this.#turn.emit, nextRun: (emit) => this.#toolRun(memory, emit), onResult }, this.#signal)
    this.#outcomes.push(...outcomes)
    this.#budget.spendTools(clock.now() - startedAt)
    if (held.length === 0 || this.#signal.aborted) return false
    const run = this.#closingRun(memory)
    if (await askOwner(held, this.#answers.group, run, this.#deps)) return true
    for (const call of held) {
      const part = { type: 'tool-call', callId: call.callId, tool: call.tool, input: call.input } as const
      onResult(await refuseHeld(part, call, describeCall(part, run), run))
    }
    return false
  }

  /** For calls that end without running. */
  #closingRun(memory: TurnMemory): ToolRun {
    return this.#toolRun(memory, (event) => {
      if (event.type === 'tool-finished') this.#outcomes.push(event.outcome)
      this.#turn.emit(event)
    })
  }

  /** A result is told before it is evidence: what its tool returns says whose words it holds. */
  #told(event: TurnEvent, memory: TurnMemory): TurnEvent {
    const { tools, report } = this.#deps
    const isForeign = event.type === 'tool-finished' && tools.get(event.outcome.tool)?.manifest.returns.trust !== 'trusted'
    return toldEvent(event, this.#reply.of(memory, isForeign), report)
  }

  #toolRun(memory: TurnMemory, emit: (event: TurnEvent) => void): ToolRun {
    const { tools, secrets, report, audit, clock, log, config, store } = this.#deps
    const { turnId, fence } = this.#turn
    const sessionId = this.#turn.session?.id ?? null
    const { door } = this.#turn.request
    return {
      door,
      by: sentBy(this.#turn.request),
      turnId,
      fence,
      sessionId,
      taint: memory.taint,
      guard: { tools, policy: config.tools, roots: config.filesystem.roots, evidence: memory.evidence },
      mode: config.approvals.mode,
      grants: () => store.approvals.grants({ sessionId }),
      answers: this.#answers,
      refusals: store.refusals,
      approvals: store.approvals,
      secrets,
      injection: config.guard.injection,
      classifier: this.#deps.classifier,
      report: (decision) => report({ ...decision, turn: turnId }),
      audit,
      journal: (steps) => this.#journal(steps),
      emit: (event) => emit(this.#told(event, memory)),
      clock,
      log,
      timeoutMs: this.#budget.remainingToolMs,
    }
  }

  #journal(steps: readonly JournalStep[]): Promise<void> {
    const { turnId, fence, session } = this.#turn
    return this.#deps.store.turns.append({ turnId, fence, sessionId: session?.id ?? null }, steps, this.#deps.clock.now())
  }

  #said(answer: Answer, text: string, calls: readonly ToolCallPart[]): Message | null {
    return text === '' && calls.length === 0 ? null : assistantMessage(answer, calls)
  }

  #done(answer: Answer, text: string, client: readonly ToolCallPart[]): Ending {
    const finishReason = client.length > 0 ? 'tool-calls' : answer.reason === 'tool-calls' ? 'stop' : answer.reason
    return { status: 'completed', finishReason, clientToolCalls: client, reply: assistantMessage(answer, client), text }
  }

  #stopped(stoppedBy: BudgetKind): Ending {
    const text = budgetNotice(stoppedBy)
    this.#turn.emit({ type: 'text-delta', text: this.#texts.length > 0 ? `${TEXT_SEPARATOR}${text}` : text })
    return { status: 'completed', finishReason: 'length', stoppedBy, reply: ownWords(text), text }
  }

  /** The signal ended it: by the clock, or by somebody's word. */
  #interrupted(said: Message | null, text: string): Ending {
    return this.#isExpired() ? this.#stopped('wall-clock') : cancelledEnding(said, text)
  }
}
