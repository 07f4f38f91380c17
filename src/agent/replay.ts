/**
 * Runs a past turn again from its journal, through the same loop and the same guard as they are now: the models answer what they answered, the tools return what they returned, and
 * the owner says what he said. Nothing leaves, nothing takes effect, nothing is kept.
 */
import type { Approval, HeldCall } from '../contracts/approval.ts'
import type { AuditTrail } from '../contracts/audit.ts'
import { AppError } from '../contracts/errors.ts'
import type { Message, ToolCallPart, ToolResultPart } from '../contracts/message.ts'
import { joinTexts, TEXT_SEPARATOR, textOf } from '../contracts/message.ts'
import type { ModelEvent, ModelRequest, Provider } from '../contracts/provider.ts'
import type { CallVerdict, Difference, Replay, ReplayedCall, RequestDigest } from '../contracts/replay.ts'
import { NO_TAINT, type JournalStep, type Session, type SessionStore, type Store, type TurnRecord } from '../contracts/store.ts'
import type { AnyTool } from '../contracts/tool.ts'
import { NO_USAGE } from '../contracts/usage.ts'
import { EFFECT_UNKNOWN } from './begun-calls.ts'
import type { ResolvedModel } from './models.ts'
import { digestOf } from './request-digest.ts'
import type { AgentDeps } from './agent-turn.ts'
import { runAgent } from './run.ts'
import { ownWords, PARKED, type AgentOutcome } from './turn-outcome.ts'

type AssistantStep = Extract<JournalStep, { kind: 'assistant' }>

/** A turn asks at most once for each answer of its model, and answers are bounded by its budget. */
const MAX_ROUNDS = 500
const REFUSED = 'Refused: '
const CLIPPED = 300
const NO_TRAIL: AuditTrail = { note: () => undefined, keep: async () => undefined, mac: () => '', faults: () => [] }

export async function replayTurn(turn: TurnRecord, deps: AgentDeps): Promise<Replay> {
  return new Replaying(turn, deps, await deps.store.approvals.ofTurn(turn.turnId)).run()
}

class Replaying {
  readonly #turn: TurnRecord
  readonly #deps: AgentDeps
  readonly #recorded: readonly Approval[]
  readonly #answers: readonly AssistantStep[]
  readonly #notes = new Set<string>()
  readonly #digests: RequestDigest[] = []
  /** What this run journaled, asked, ran and refused; calls by answer and id. */
  readonly #steps: JournalStep[] = []
  readonly #decided: Approval[] = []
  readonly #asked = new Map<string, readonly string[]>()
  readonly #ran = new Set<string>()
  readonly #refused = new Map<string, string>()
  #open: readonly Approval[] = []
  #answer = 0

  constructor(turn: TurnRecord, deps: AgentDeps, recorded: readonly Approval[]) {
    this.#turn = turn
    this.#deps = deps
    this.#recorded = recorded.filter(({ holds }) => !holds.some(({ rule }) => rule === EFFECT_UNKNOWN))
    this.#answers = turn.steps.filter((step) => step.kind === 'assistant')
  }

  async run(): Promise<Replay> {
    const { turnId } = this.#turn
    const outcome = await this.#toEnd()
    const calls = this.#answers.flatMap((step, index) => callsOf(step.message).map((call) => this.#compared(call, index + 1)))
    const compared = this.#answers.map(({ request }) => request)
    return {
      turnId,
      calls,
      requests: this.#digests.length,
      compared: compared.filter((digest) => digest !== undefined).length,
      differences: [...calls.flatMap(differenceOf), ...this.#requestDifferences(compared), ...this.#endDifferences(outcome)],
      notes: [...this.#notes],
    }
  }

  async #toEnd(): Promise<AgentOutcome | null> {
    const { turnId, request, sessionId } = this.#turn
    const stored = sessionId === null ? null : await this.#deps.store.sessions.get(sessionId)
    // What it had seen since is none of this turn's.
    const session: Session | null = stored === null ? null : { ...stored, taint: NO_TAINT }
    if (sessionId !== null && session === null) this.#notes.add('its conversation is gone: it ran without what came before it')
    const deps = await this.#replayDeps()
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const given = { turnId, fence: 0, session, request, steps: [...this.#steps], emit: () => undefined, wantsPieces: () => false }
      const outcome = await runAgent(given, deps, new AbortController().signal)
      if (outcome !== PARKED) return outcome
      this.#decided.push(...this.#open.map((asked) => this.#answerTo(asked)))
    }
    return null
  }

  /** As he answered then; what he was not asked then goes on, so that the rest can be seen. */
  #answerTo(asked: Approval): Approval {
    const before = this.#recorded.find(({ group, callId }) => group === asked.group && callId === asked.callId)
    const decision = before?.decision ?? { at: 0, by: 'replay', door: 'replay', unlock: 'once' as const, input: null, hash: asked.hash, note: null }
    const isAllowed = before === undefined || before.status === 'allowed'
    const hash = before === undefined || before.hash === asked.hash ? decision.hash : asked.hash
    return { ...asked, status: isAllowed ? 'allowed' : before.status, decision: { ...decision, hash } }
  }

  async #replayDeps(): Promise<AgentDeps> {
    const { models, store, tools, config } = this.#deps
    const name = this.#answers[0]?.model ?? this.#turn.result?.model ?? ''
    const known = await models.resolve(name).catch(() => [])
    if (known.length === 0) this.#notes.add(`${name === '' ? 'the model' : name} cannot be asked any more: its window was guessed`)
    const traits = { images: true, tools: true, ...known[0]?.provider.traits, demo: true }
    const provider: Provider = { id: 'replay', traits, stream: (request) => this.#stream(request), listModels: async () => [] }
    const model: ResolvedModel = { model: name, windowTokens: 200_000, price: null, ...known[0], name, provider }
    return {
      ...this.#deps,
      models: { ...models, resolve: async () => [model] },
      store: this.#replayStore(store),
      tools: new Map([...tools].map(([key, tool]) => [key, this.#replayTool(tool)])),
      classifier: null,
      audit: NO_TRAIL,
      questions: { ask: async () => Promise.reject(new AppError('turn/not-found')), open: () => () => undefined },
      report: () => undefined,
      clock: { now: () => this.#turn.acceptedAt, sleep: async () => undefined },
      config: { ...config, approvals: { ...config.approvals, mode: config.approvals.mode === 'deny' ? 'deny' : 'ask' } },
    }
  }

  async *#stream(request: ModelRequest): AsyncGenerator<ModelEvent> {
    this.#digests.push(digestOf(request))
    const step = this.#answers[this.#answer]
    this.#answer++
    const said = step?.message ?? (this.#answer === this.#answers.length + 1 ? this.#reply : null)
    if (said === null || said === undefined || said.role !== 'assistant') {
      yield { type: 'error', fault: { kind: 'bad-request', message: 'the journal holds no further answer' } }
      return
    }
    for (const part of said.parts) {
      if (part.type === 'text') yield { type: 'text-delta', text: part.text }
      else if (part.type === 'tool-call') yield { ...part, type: 'tool-call-end' }
      else {
        yield { type: 'reasoning-delta', text: part.text }
        yield {
          type: 'reasoning-end',
          ...(part.signature === undefined ? {} : { signature: part.signature }),
          ...(part.redacted === undefined ? {} : { redacted: part.redacted }),
        }
      }
    }
    yield { type: 'finish', reason: step === undefined ? 'stop' : 'tool-calls', usage: step?.usage ?? NO_USAGE }
  }

  #replayTool(tool: AnyTool): AnyTool {
    return {
      ...tool,
      ...(tool.bind === undefined ? {} : { bind: async (input, signal) => this.#bound(tool, input) ?? tool.bind?.(input, signal) ?? null }),
      run: async (_input, call) => {
        this.#ran.add(this.#key(call.callId))
        const before = this.#resultOf(this.#answer, call.callId)
        return { output: before?.output ?? '', isError: before?.isError ?? true, ...(before === undefined ? {} : { origin: before.origin }) }
      },
    }
  }

  /** What the call was bound to when the owner was asked. */
  #bound(tool: AnyTool, input: unknown): Approval['binding'] | undefined {
    const text = JSON.stringify(input)
    return this.#recorded.find((asked) => asked.tool === tool.name && JSON.stringify(tool.input.safeParse(asked.input).data) === text)?.binding
  }

  #replayStore(store: Store): Store {
    const { firstStepId } = this.#turn
    const beforeId = firstStepId ?? Number.MAX_SAFE_INTEGER
    const sessions: SessionStore = {
      ...store.sessions,
      tail: (id, query) => store.sessions.tail(id, { ...query, beforeId }),
      summary: async (id) => {
        const summary = await store.sessions.summary(id)
        if (summary === null || summary.coversUntil < beforeId) return summary
        this.#notes.add('its conversation was summarised since: it ran with the messages before it, word for word')
        return null
      },
      saveSummary: async () => undefined,
    }
    return {
      ...store,
      sessions,
      turns: { ...store.turns, append: async (_turn, steps) => void this.#steps.push(...steps.map((step) => this.#journaled(step))) },
      approvals: {
        ...store.approvals,
        ofTurn: async () => this.#decided,
        ask: async (_turn, asked) => {
          this.#open = asked
          for (const call of asked) this.#asked.set(this.#key(call.callId), rulesOf(call))
          return true
        },
      },
      refusals: { ...store.refusals, keep: async () => undefined },
    }
  }

  #journaled(step: JournalStep): JournalStep {
    if (step.kind === 'tool-result') {
      for (const part of step.message.parts) {
        if (part.type === 'tool-result' && part.output.startsWith(REFUSED) && !this.#ran.has(this.#key(part.callId)))
          this.#refused.set(this.#key(part.callId), part.tool)
      }
    }
    return step
  }

  #key(callId: string, answer = this.#answer): string {
    return `${answer}/${callId}`
  }

  #resultOf(answer: number, callId: string): ToolResultPart | undefined {
    const [from, to] = [this.#answers[answer - 1], this.#answers[answer]]
    const { steps } = this.#turn
    const own = steps.slice(from === undefined ? 0 : steps.indexOf(from), to === undefined ? undefined : steps.indexOf(to))
    for (const step of own) {
      if (step.kind !== 'tool-result' || step.message.role !== 'tool') continue
      const found = step.message.parts.find((part) => part.callId === callId)
      if (found !== undefined) return found
    }
    return undefined
  }

  #compared({ callId, tool }: ToolCallPart, answer: number): ReplayedCall {
    const key = this.#key(callId, answer)
    const asked = this.#recorded.find((one) => one.callId === callId && one.group === `${this.#turn.turnId}.${answer}`)
    const result = this.#resultOf(answer, callId)
    const before: CallVerdict =
      asked !== undefined ? { kind: 'asked', rules: rulesOf(asked) } : { kind: result?.output.startsWith(REFUSED) === true ? 'refused' : 'ran', rules: [] }
    const rules = this.#asked.get(key)
    const isMade = rules !== undefined || this.#ran.has(key) || this.#refused.has(key)
    const now: CallVerdict = rules !== undefined ? { kind: 'asked', rules } : { kind: this.#ran.has(key) ? 'ran' : 'refused', rules: [] }
    return { callId, tool, before, now: isMade ? now : null }
  }

  /** A stateless turn keeps its text with its result alone. */
  get #reply(): Message | null {
    const { reply, result, sessionId } = this.#turn
    if (reply !== null || sessionId !== null || result === null) return reply
    const before = joinTexts(this.#answers.map(({ message }) => textOf(message)))
    const text = before === '' ? result.text : result.text.slice(before.length + TEXT_SEPARATOR.length)
    return text === '' ? null : ownWords(text)
  }

  #requestDifferences(recorded: readonly (RequestDigest | undefined)[]): readonly Difference[] {
    return recorded.flatMap((before, index) => {
      const now = this.#digests[index]
      if (before === undefined || now === undefined) return []
      return (['system', 'tools', 'messages', 'options'] as const)
        .filter((part) => before[part] !== now[part])
        .map((part): Difference => ({ kind: 'request', what: `${part} of request ${index + 1}`, before: before[part], now: now[part] }))
    })
  }

  #endDifferences(outcome: AgentOutcome | null): readonly Difference[] {
    const { result } = this.#turn
    const reply = this.#reply
    if (result === null) {
      this.#notes.add('it has not ended: its end was not compared')
      return []
    }
    const differences: Difference[] = []
    const end = outcome?.result.status ?? 'without end'
    if (result.status === 'completed' && end !== 'completed')
      differences.push({ kind: 'end', what: 'status', before: result.status, now: `${end}: ${outcome?.result.error?.message ?? ''}` })
    if (result.status !== 'completed') this.#notes.add(`it ended as ${result.status}: how a model failed is not in the journal`)
    const [before, now] = [reply === null ? '' : textOf(reply), outcome?.reply === null || outcome === null ? '' : textOf(outcome.reply)]
    if (result.status === 'completed' && before !== now) differences.push({ kind: 'reply', what: 'text', ...apart(before, now) })
    return differences
  }
}

function rulesOf({ holds }: Pick<HeldCall, 'holds'>): readonly string[] {
  return holds.map(({ rule }) => rule)
}

function callsOf(message: Message): readonly ToolCallPart[] {
  return message.role === 'assistant' ? message.parts.filter((part) => part.type === 'tool-call') : []
}

function differenceOf({ callId, tool, before, now }: ReplayedCall): readonly Difference[] {
  const text = (verdict: CallVerdict | null) => (verdict === null ? 'not made' : [verdict.kind, ...verdict.rules].join(' '))
  return text(before) === text(now) ? [] : [{ kind: 'call', what: `${tool} (${callId})`, before: text(before), now: text(now) }]
}

/** Where two texts part, with a little before it. */
function apart(before: string, now: string): Pick<Difference, 'before' | 'now'> {
  let at = 0
  while (at < before.length && before[at] === now[at]) at++
  const from = Math.max(0, at - 40)
  const shown = (text: string) => `${from > 0 ? '…' : ''}${text.slice(from, from + CLIPPED)}${text.length > from + CLIPPED ? '…' : ''}`
  return { before: shown(before), now: shown(now) }
}
