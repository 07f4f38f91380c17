/**
 * One answer out of a chain of models: retry with backoff inside one, then the next. Never after output has reached the user, and never for a refusal.
 */
import { backoffMs } from '../std/backoff.ts'
import type { Cleared } from '../contracts/cleared.ts'
import type { Clock } from '../contracts/clock.ts'
import type { JsonValue } from '../contracts/json.ts'
import type { AssistantPart, Message, ToolCallPart } from '../contracts/message.ts'
import type { FaultKind, FinishReason, ModelEvent, ModelFault, ModelRequest } from '../contracts/provider.ts'
import type { TurnEvent } from '../contracts/turn.ts'
import { NO_USAGE, type Usage } from '../contracts/usage.ts'
import type { ResolvedModel } from './models.ts'

export interface Answer {
  readonly model: ResolvedModel
  /** In the order of arrival, which vendors want back with interleaved reasoning. Text is raw, before the outbound guard. */
  readonly parts: readonly AssistantPart[]
  readonly calls: readonly ToolCallPart[]
  readonly reason: FinishReason
  readonly usage: Usage
  /** Why there is no whole answer; what came before it stands in the other members. */
  readonly fault: ModelFault | null
}

export interface CallOptions {
  readonly chain: readonly ResolvedModel[]
  /** Where in the chain to begin: a model that failed over is not asked again in the same turn. */
  readonly from: number
  /** The request as this model gets it, or the fault that keeps it from being asked. */
  readonly requestFor: (model: ResolvedModel) => Cleared<ModelRequest> | ModelFault
  /** Gets raw text, before the outbound guard. */
  readonly onText: (delta: string) => void
  readonly onReasoning: (delta: string) => void
  readonly emit: (event: TurnEvent) => void
  readonly clock: Clock
  readonly signal: AbortSignal
}

const ATTEMPTS = 3
const BACKOFF = { baseMs: 500, maxMs: 8000 }
/** A vendor that asks for more is given up for the next. */
export const MAX_WAIT_MS = 30_000
export const RETRYABLE: ReadonlySet<FaultKind> = new Set(['rate-limit', 'overloaded', 'network'])
const FINAL: ReadonlySet<FaultKind> = new Set(['refused', 'cancelled'])

export async function callModel(options: CallOptions): Promise<{ readonly answer: Answer; readonly at: number }> {
  const { chain, emit } = options
  for (let at = options.from; ; at++) {
    const model = chain[at]
    if (model === undefined) throw new RangeError('a chain has at least one model')
    const answer = await tryModel(model, options)
    const next = chain[at + 1]
    if (answer.fault === null || FINAL.has(answer.fault.kind) || hasOutput(answer) || next === undefined) return { answer, at }
    emit({ type: 'model-switched', from: model.name, to: next.name, reason: answer.fault.kind })
  }
}

async function tryModel(model: ResolvedModel, options: CallOptions): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    const request = options.requestFor(model)
    const answer = 'kind' in request ? emptyAnswer(model, request) : await ask(model, request, options)
    const { fault } = answer
    if (fault === null || !RETRYABLE.has(fault.kind) || attempt === ATTEMPTS || hasOutput(answer)) return answer
    const waitMs = fault.retryAfterMs ?? backoffMs(attempt, BACKOFF)
    if (waitMs > MAX_WAIT_MS) return answer
    options.emit({ type: 'model-retried', model: model.name, reason: fault.kind, waitMs })
    try {
      await options.clock.sleep(waitMs, options.signal)
    } catch {
      return { ...answer, fault: { kind: 'cancelled', message: 'Cancelled while waiting to try again' } }
    }
  }
}

/** What the user has seen cannot be unsaid by another model. */
export function hasOutput(answer: Answer): boolean {
  return answer.parts.some(({ type }) => type !== 'tool-call')
}

function emptyAnswer(model: ResolvedModel, fault: ModelFault | null): Answer {
  return { model, parts: [], calls: [], reason: 'stop', usage: NO_USAGE, fault }
}

async function ask(model: ResolvedModel, request: Cleared<ModelRequest>, { onText, onReasoning, signal }: CallOptions): Promise<Answer> {
  const collector = new Collector(model)
  for await (const event of model.provider.stream(request, signal)) {
    collector.take(event)
    if (event.type === 'text-delta') onText(event.text)
    else if (event.type === 'reasoning-delta') onReasoning(event.text)
  }
  return collector.answer()
}

class Collector {
  readonly #model: ResolvedModel
  readonly #parts: AssistantPart[] = []
  readonly #ids = new Set<string>()
  #text = ''
  #thought = ''
  #end: { readonly reason: FinishReason; readonly usage: Usage } | ModelFault | null = null

  constructor(model: ResolvedModel) {
    this.#model = model
  }

  take(event: ModelEvent): void {
    switch (event.type) {
      case 'text-delta':
        if (this.#thought !== '') this.#endReasoning()
        this.#text += event.text
        return
      case 'reasoning-delta':
        this.#endText()
        this.#thought += event.text
        return
      case 'reasoning-end':
        this.#endText()
        return this.#endReasoning(event.signature, event.redacted)
      case 'tool-call-end':
        this.#endText()
        if (this.#thought !== '') this.#endReasoning()
        this.#parts.push({ type: 'tool-call', ...this.#identified(event) })
        return
      case 'finish':
        this.#end = { reason: event.reason, usage: event.usage }
        return
      case 'error':
        this.#end = event.fault
        return
      default:
    }
  }

  answer(): Answer {
    if (this.#thought !== '') this.#endReasoning()
    this.#endText()
    const end = this.#end ?? { kind: 'network' as const, message: 'The answer ended without saying so' }
    const shared = { model: this.#model, parts: this.#parts, calls: this.#parts.filter((part) => part.type === 'tool-call') }
    return 'kind' in end ? { ...shared, reason: 'stop', usage: NO_USAGE, fault: end } : { ...shared, reason: end.reason, usage: end.usage, fault: null }
  }

  #endText(): void {
    if (this.#text === '') return
    const origin = { author: { kind: 'model', name: this.#model.name }, trust: 'untrusted', private: false } as const
    this.#parts.push({ type: 'text', text: this.#text, origin })
    this.#text = ''
  }

  #endReasoning(signature?: string, redacted?: boolean): void {
    this.#parts.push({
      type: 'reasoning',
      text: this.#thought,
      model: this.#model.name,
      ...(signature === undefined ? {} : { signature }),
      ...(redacted === undefined ? {} : { redacted }),
    })
    this.#thought = ''
  }

  /** Some servers repeat a call id within one answer; ours are unique, so that a result finds its call. */
  #identified(event: Extract<ModelEvent, { type: 'tool-call-end' }>): CallParts {
    const { type: _type, callId, ...rest } = event
    let unique = callId
    for (let copy = 2; this.#ids.has(unique); copy++) unique = `${callId}-${copy}`
    this.#ids.add(unique)
    return { ...rest, callId: unique }
  }
}

interface CallParts {
  readonly callId: string
  readonly tool: string
  readonly input: JsonValue
  readonly invalidInput?: string
  readonly signature?: string
}

export interface Cleaning {
  /** The next text part, as it left. */
  readonly text: (text: string) => string
  readonly reasoning: (text: string) => string
  /** Arguments run as they are but for secrets: an address that was made unreadable would be another address. */
  readonly argument: (text: string) => string
}

/** The answer as it may be kept, run and shown: everything that the model wrote, its arguments too. */
export function cleanAnswer(answer: Answer, clean: Cleaning): Answer {
  const parts = answer.parts.flatMap((part): readonly AssistantPart[] => {
    if (part.type === 'tool-call') return [{ ...part, input: cleanJson(part.input, clean.argument) }]
    const text = part.type === 'text' ? clean.text(part.text) : clean.reasoning(part.text)
    return part.type === 'text' && text === '' ? [] : [{ ...part, text }]
  })
  return { ...answer, parts, calls: parts.filter((part) => part.type === 'tool-call') }
}

export function cleanJson(value: JsonValue, clean: (text: string) => string): JsonValue {
  if (typeof value === 'string') return clean(value)
  if (value === null || typeof value !== 'object') return value
  if (isArray(value)) return value.map((element) => cleanJson(element, clean))
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [clean(name), cleanJson(member, clean)]))
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}

/** The answer as a message of the conversation, with those of its calls that were taken up. */
export function assistantMessage(answer: Answer, calls: readonly ToolCallPart[]): Message {
  return { role: 'assistant', parts: answer.parts.filter((part) => part.type !== 'tool-call' || calls.includes(part)) }
}
