/** Answers of `ConverseStream`. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html */
import type { FinishReason, ModelEvent, ModelFault, ModelRequest } from '../../contracts/provider.ts'
import { NO_USAGE, type Usage } from '../../contracts/usage.ts'
import { ContentBlocks } from '../wire/content-blocks.ts'
import type { Decoder, Frame } from '../wire/protocol.ts'
import { countOf, fieldsOf, parseFields, textOf, type Fields } from '../wire/read-json.ts'
import { namedFault } from './fault.ts'

const REASONS: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  tool_use: 'tool-calls',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  guardrail_intervened: 'refused',
  content_filtered: 'refused',
}
/** The model wrote what its own server could not read; another attempt may go well. */
const BROKEN = new Set(['malformed_tool_use', 'malformed_model_output'])

export class BedrockDecoder implements Decoder {
  readonly #blocks: ContentBlocks
  #usage: Usage | null = null
  #stopReason = ''
  #isDone = false

  constructor(request: ModelRequest) {
    this.#blocks = new ContentBlocks(request)
  }

  push(frame: Frame): readonly ModelEvent[] {
    if (this.#isDone) return []
    if (frame.isException === true) return this.#fail(namedFault(frame.event, frame.data, 500))
    const event = parseFields(frame.data === '' ? '{}' : frame.data)
    if (event === null) return this.#fail({ kind: 'network', message: 'the stream holds an event that is not JSON' })
    const index = countOf(event['contentBlockIndex'])
    switch (frame.event) {
      case 'contentBlockStart':
        return this.#start(index, fieldsOf(fieldsOf(event['start'])?.['toolUse']))
      case 'contentBlockDelta':
        return this.#delta(index, fieldsOf(event['delta']) ?? {})
      case 'contentBlockStop':
        return this.#blocks.close(index)
      case 'messageStop':
        this.#stopReason = textOf(event['stopReason'])
        return this.#finishWhenComplete()
      case 'metadata':
        this.#usage = usageOf(fieldsOf(event['usage']) ?? {})
        return this.#finishWhenComplete()
      default:
        return []
    }
  }

  end(): readonly ModelEvent[] {
    if (this.#isDone) return []
    return this.#stopReason === '' ? this.#fail({ kind: 'network', message: 'the answer was cut off' }) : this.#finish()
  }

  #start(index: number, toolUse: Fields | null): readonly ModelEvent[] {
    return toolUse === null ? [] : this.#blocks.openTool(index, textOf(toolUse['toolUseId']), textOf(toolUse['name']))
  }

  #delta(index: number, delta: Fields): readonly ModelEvent[] {
    const reasoning = fieldsOf(delta['reasoningContent'])
    if (reasoning !== null) return this.#reasoning(index, reasoning)
    const toolUse = fieldsOf(delta['toolUse'])
    return toolUse === null ? this.#blocks.writeText(textOf(delta['text'])) : this.#blocks.writeArguments(index, textOf(toolUse['input']))
  }

  #reasoning(index: number, reasoning: Fields): readonly ModelEvent[] {
    const signature = textOf(reasoning['signature'])
    const redacted = textOf(reasoning['redactedContent'])
    if (signature !== '') this.#blocks.sign(index, signature)
    if (redacted !== '') this.#blocks.redact(index, redacted)
    return this.#blocks.writeReasoning(index, textOf(reasoning['text']))
  }

  /** The reason and the usage come as the last two events, in either order. */
  #finishWhenComplete(): readonly ModelEvent[] {
    return this.#stopReason === '' || this.#usage === null ? [] : this.#finish()
  }

  #finish(): readonly ModelEvent[] {
    const open = this.#blocks.closeAll()
    if (BROKEN.has(this.#stopReason)) {
      return [...open, ...this.#fail({ kind: 'network', message: `the model wrote an answer that cannot be read (${this.#stopReason})` })]
    }
    this.#isDone = true
    const reason = REASONS[this.#stopReason] ?? (this.#blocks.hasCalls ? 'tool-calls' : 'stop')
    return [...open, { type: 'finish', reason, usage: this.#usage ?? NO_USAGE }]
  }

  #fail(fault: ModelFault): readonly ModelEvent[] {
    this.#isDone = true
    return [{ type: 'error', fault }]
  }
}

/** `inputTokens` leaves out what the cache read and wrote; reasoning is counted within the output and not told apart. */
function usageOf(usage: Fields): Usage {
  const cacheReadTokens = countOf(usage['cacheReadInputTokens'])
  const cacheWriteTokens = countOf(usage['cacheWriteInputTokens'])
  return {
    inputTokens: countOf(usage['inputTokens']) + cacheReadTokens + cacheWriteTokens,
    outputTokens: countOf(usage['outputTokens']),
    cacheReadTokens,
    cacheWriteTokens,
    reasoningTokens: 0,
  }
}
