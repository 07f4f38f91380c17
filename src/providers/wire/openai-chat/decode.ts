/**
 * Chunks of a streamed chat completion → events. https://platform.openai.com/docs/api-reference/chat-streaming
 * The answer ends with `[DONE]`, not with the finish reason: usage comes in between. Reasoning arrives as `reasoning_content` (llama.cpp, DeepSeek, Venice) or
 * `reasoning` (Ollama, OpenRouter).
 */
import type { FinishReason, ModelEvent, ModelRequest } from '../../../contracts/provider.ts'
import { NO_USAGE, type Usage } from '../../../contracts/usage.ts'
import type { Decoder, Frame } from '../protocol.ts'
import { countOf, fieldsOf, type Fields, listOf, parseFields, textOf } from '../read-json.ts'
import { sortFault } from './fault.ts'
import { ToolCalls } from './tool-calls.ts'

const FINISH_REASONS: Readonly<Record<string, FinishReason>> = {
  length: 'length',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'refused',
}

export class ChatDecoder implements Decoder {
  readonly #calls: ToolCalls
  #usage: Usage = NO_USAGE
  #reason: FinishReason | null = null
  #isRefusal = false
  #isReasoning = false
  #isDone = false

  constructor(request: ModelRequest) {
    this.#calls = new ToolCalls(request)
  }

  push(frame: Frame): readonly ModelEvent[] {
    if (this.#isDone) return []
    if (frame.data.trim() === '[DONE]') return this.#finish()
    const chunk = parseFields(frame.data)
    if (chunk === null) return this.#fail({ type: 'error', fault: { kind: 'network', message: 'the answer holds a chunk that is not JSON' } })
    const fault = fieldsOf(chunk['error']) ?? (textOf(chunk['error']) || (chunk['object'] === 'error' ? chunk : null))
    if (fault !== null) return this.#fail({ type: 'error', fault: sortFault(null, { error: fault }) })
    const usage = fieldsOf(chunk['usage'])
    if (usage !== null) this.#usage = readUsage(usage)
    const choice = fieldsOf(listOf(chunk['choices'])[0])
    return choice === null ? [] : this.#choice(choice)
  }

  end(): readonly ModelEvent[] {
    if (this.#isDone) return []
    // Some servers close without `[DONE]`; the finish reason says that the answer is whole.
    if (this.#reason !== null) return this.#finish()
    return this.#fail({ type: 'error', fault: { kind: 'network', message: 'the connection ended in the middle of the answer' } })
  }

  #choice(choice: Fields): readonly ModelEvent[] {
    const events: ModelEvent[] = []
    const delta = fieldsOf(choice['delta'])
    if (delta !== null) this.#delta(delta, events)
    const reason = choice['finish_reason']
    if (typeof reason === 'string' && reason !== '') {
      this.#reason = FINISH_REASONS[reason] ?? 'stop'
      this.#closeReasoning(events)
      this.#calls.close(events)
    }
    return events
  }

  #delta(delta: Fields, events: ModelEvent[]): void {
    const reasoning = textOf(delta['reasoning_content']) || textOf(delta['reasoning'])
    if (reasoning !== '') {
      this.#isReasoning = true
      events.push({ type: 'reasoning-delta', text: reasoning })
    }
    const refusal = textOf(delta['refusal'])
    if (refusal !== '') this.#isRefusal = true
    const text = textOf(delta['content']) + refusal
    if (text !== '') {
      this.#closeReasoning(events)
      events.push({ type: 'text-delta', text })
    }
    const calls = listOf(delta['tool_calls'])
    if (calls.length > 0) this.#closeReasoning(events)
    for (const call of calls) this.#calls.add(call, events)
  }

  #closeReasoning(events: ModelEvent[]): void {
    if (this.#isReasoning) events.push({ type: 'reasoning-end' })
    this.#isReasoning = false
  }

  #finish(): readonly ModelEvent[] {
    this.#isDone = true
    const events: ModelEvent[] = []
    this.#closeReasoning(events)
    this.#calls.close(events)
    events.push({ type: 'finish', reason: this.#finishReason(), usage: this.#usage })
    return events
  }

  #finishReason(): FinishReason {
    if (this.#isRefusal) return 'refused'
    const reason = this.#reason ?? 'stop'
    // Ollama and others say `stop` after tool calls.
    return reason === 'stop' && this.#calls.count > 0 ? 'tool-calls' : reason
  }

  #fail(event: ModelEvent): readonly ModelEvent[] {
    this.#isDone = true
    return [event]
  }
}

function readUsage(usage: Fields): Usage {
  const input = fieldsOf(usage['prompt_tokens_details'])
  const output = fieldsOf(usage['completion_tokens_details'])
  return {
    inputTokens: countOf(usage['prompt_tokens']),
    outputTokens: countOf(usage['completion_tokens']),
    // DeepSeek counts its cache beside the details.
    cacheReadTokens: countOf(input?.['cached_tokens']) || countOf(usage['prompt_cache_hit_tokens']),
    cacheWriteTokens: 0,
    reasoningTokens: countOf(output?.['reasoning_tokens']),
  }
}
