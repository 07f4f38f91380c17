/** Answers of `streamGenerateContent?alt=sse`: every event is a whole response that holds the next parts. https://ai.google.dev/api/generate-content */
import type { FinishReason, ModelEvent, ModelFault, ModelRequest } from '../../contracts/provider.ts'
import { NO_USAGE, type Usage } from '../../contracts/usage.ts'
import { CallIds } from '../wire/call-ids.ts'
import type { Decoder, Frame } from '../wire/protocol.ts'
import { countOf, fieldsOf, listOf, parseFields, parseJson, textOf, type Fields } from '../wire/read-json.ts'
import { MAX_SIGNATURE, OWN_CALL_ID } from './encode.ts'
import { faultIn } from './fault.ts'

const REASONS: Readonly<Record<string, FinishReason>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'refused',
  RECITATION: 'refused',
  LANGUAGE: 'refused',
  BLOCKLIST: 'refused',
  PROHIBITED_CONTENT: 'refused',
  SPII: 'refused',
  IMAGE_SAFETY: 'refused',
  IMAGE_PROHIBITED_CONTENT: 'refused',
}
/** The model wrote what its own server could not read; another attempt may go well. */
const BROKEN = new Set(['MALFORMED_FUNCTION_CALL', 'MALFORMED_RESPONSE', 'UNEXPECTED_TOOL_CALL', 'TOO_MANY_TOOL_CALLS'])

export class GeminiDecoder implements Decoder {
  readonly #callIds: CallIds
  #usage: Usage | null = null
  #finishReason = ''
  #isReasoning = false
  #hasCalls = false
  #isDone = false

  constructor(request: ModelRequest) {
    this.#callIds = new CallIds(request, OWN_CALL_ID)
  }

  push(frame: Frame): readonly ModelEvent[] {
    if (this.#isDone) return []
    const answer = parseFields(frame.data)
    if (answer === null) return this.#fail({ kind: 'network', message: 'the stream holds an event that is not JSON' })
    const error = fieldsOf(answer['error'])
    if (error !== null) return this.#fail(faultIn(error, countOf(error['code'])))
    this.#usage = usageOf(fieldsOf(answer['usageMetadata'])) ?? this.#usage
    if (textOf(fieldsOf(answer['promptFeedback'])?.['blockReason']) !== '') return this.#finish('refused')
    const candidate = fieldsOf(listOf(answer['candidates'])[0])
    const parts = listOf(fieldsOf(candidate?.['content'])?.['parts'])
    const events = parts.flatMap((part) => this.#part(fieldsOf(part) ?? {}))
    this.#finishReason = textOf(candidate?.['finishReason']) || this.#finishReason
    return this.#finishReason === '' || this.#usage === null ? events : [...events, ...this.#conclude()]
  }

  end(): readonly ModelEvent[] {
    if (this.#isDone) return []
    return this.#finishReason === '' ? this.#fail({ kind: 'network', message: 'the answer was cut off' }) : this.#conclude()
  }

  #part(part: Fields): readonly ModelEvent[] {
    const call = fieldsOf(part['functionCall'])
    if (call !== null) return [...this.#closeReasoning(), ...this.#call(call, textOf(part['thoughtSignature']))]
    const text = textOf(part['text'])
    if (text === '') return []
    if (part['thought'] !== true) return [...this.#closeReasoning(), { type: 'text-delta', text }]
    this.#isReasoning = true
    return [{ type: 'reasoning-delta', text }]
  }

  /** Calls arrive whole. */
  #call(call: Fields, signature: string): readonly ModelEvent[] {
    this.#hasCalls = true
    const callId = this.#callIds.take(textOf(call['id']))
    const tool = textOf(call['name'])
    const text = JSON.stringify(fieldsOf(call['args']) ?? {})
    const kept = signature === '' || signature.length > MAX_SIGNATURE ? {} : { signature }
    return [
      { type: 'tool-call-start', callId, tool },
      { type: 'tool-call-delta', callId, text },
      { type: 'tool-call-end', callId, tool, input: parseJson(text) ?? {}, ...kept },
    ]
  }

  #closeReasoning(): readonly ModelEvent[] {
    if (!this.#isReasoning) return []
    this.#isReasoning = false
    return [{ type: 'reasoning-end' }]
  }

  #conclude(): readonly ModelEvent[] {
    const reason = this.#finishReason
    if (BROKEN.has(reason)) return this.#fail({ kind: 'network', message: `the model wrote a call that cannot be read (${reason})` })
    if (reason === 'MISSING_THOUGHT_SIGNATURE') return this.#fail({ kind: 'bad-request', message: 'a call of the conversation lacks its signature' })
    const known = REASONS[reason] ?? 'stop'
    return this.#finish(known === 'stop' && this.#hasCalls ? 'tool-calls' : known)
  }

  #finish(reason: FinishReason): readonly ModelEvent[] {
    this.#isDone = true
    return [...this.#closeReasoning(), { type: 'finish', reason, usage: this.#usage ?? NO_USAGE }]
  }

  #fail(fault: ModelFault): readonly ModelEvent[] {
    this.#isDone = true
    return [{ type: 'error', fault }]
  }
}

/** Thoughts are counted beside the candidates; cached tokens are part of the prompt's. */
function usageOf(metadata: Fields | null): Usage | null {
  if (metadata === null) return null
  const reasoningTokens = countOf(metadata['thoughtsTokenCount'])
  return {
    inputTokens: countOf(metadata['promptTokenCount']),
    outputTokens: countOf(metadata['candidatesTokenCount']) + reasoningTokens,
    cacheReadTokens: countOf(metadata['cachedContentTokenCount']),
    cacheWriteTokens: 0,
    reasoningTokens,
  }
}
