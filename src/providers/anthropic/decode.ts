/** Answers of the Messages API as a stream. https://platform.claude.com/docs/en/build-with-claude/streaming */
import type { FinishReason, ModelEvent, ModelFault, ModelRequest } from '../../contracts/provider.ts'
import { ContentBlocks } from '../wire/content-blocks.ts'
import type { Decoder, Frame } from '../wire/protocol.ts'
import { countOf, fieldsOf, parseFields, textOf, type Fields } from '../wire/read-json.ts'
import { faultIn } from './fault.ts'

const REASONS: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  tool_use: 'tool-calls',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  // The vendor paused a long turn: what there is, is not all.
  pause_turn: 'length',
  refusal: 'refused',
}

const COUNTS = ['input_tokens', 'output_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'] as const

export class AnthropicDecoder implements Decoder {
  readonly #blocks: ContentBlocks
  readonly #counts = new Map<string, number>()
  #stopReason = ''
  #isDone = false

  constructor(request: ModelRequest) {
    this.#blocks = new ContentBlocks(request)
  }

  push(frame: Frame): readonly ModelEvent[] {
    if (this.#isDone || frame.data === '[DONE]') return []
    const event = parseFields(frame.data)
    if (event === null) return this.#fail({ kind: 'network', message: 'the stream holds an event that is not JSON' })
    switch (event['type']) {
      case 'message_start':
        this.#count(fieldsOf(fieldsOf(event['message'])?.['usage']))
        return []
      case 'content_block_start':
        return this.#start(countOf(event['index']), fieldsOf(event['content_block']) ?? {})
      case 'content_block_delta':
        return this.#delta(countOf(event['index']), fieldsOf(event['delta']) ?? {})
      case 'content_block_stop':
        return this.#blocks.close(countOf(event['index']))
      case 'message_delta':
        this.#stopReason = textOf(fieldsOf(event['delta'])?.['stop_reason']) || this.#stopReason
        this.#count(fieldsOf(event['usage']))
        return []
      case 'message_stop':
        return this.#finish()
      case 'error':
        return this.#fail(faultIn(event, 500))
      default:
        // `ping`, and whatever the vendor adds: unknown events are to be ignored, by its versioning policy.
        return []
    }
  }

  end(): readonly ModelEvent[] {
    if (this.#isDone) return []
    return this.#stopReason === '' ? this.#fail({ kind: 'network', message: 'the answer was cut off' }) : this.#finish()
  }

  #start(index: number, block: Fields): readonly ModelEvent[] {
    switch (block['type']) {
      case 'text':
        return this.#blocks.writeText(textOf(block['text']))
      case 'thinking':
        return this.#blocks.writeReasoning(index, textOf(block['thinking']))
      case 'redacted_thinking':
        this.#blocks.redact(index, textOf(block['data']))
        return []
      case 'tool_use':
        return [...this.#blocks.openTool(index, textOf(block['id']), textOf(block['name'])), ...this.#whole(index, block['input'])]
      default:
        return []
    }
  }

  /** Some servers of this protocol send the arguments at once. */
  #whole(index: number, input: unknown): readonly ModelEvent[] {
    const fields = fieldsOf(input)
    return fields === null || Object.keys(fields).length === 0 ? [] : this.#blocks.writeArguments(index, JSON.stringify(fields))
  }

  #delta(index: number, delta: Fields): readonly ModelEvent[] {
    switch (delta['type']) {
      case 'text_delta':
        return this.#blocks.writeText(textOf(delta['text']))
      case 'input_json_delta':
        return this.#blocks.writeArguments(index, textOf(delta['partial_json']))
      case 'thinking_delta':
        return this.#blocks.writeReasoning(index, textOf(delta['thinking']))
      case 'signature_delta':
        this.#blocks.sign(index, textOf(delta['signature']))
        return []
      default:
        return []
    }
  }

  /** Counts are totals so far: the newest of each holds. */
  #count(usage: Fields | null): void {
    for (const name of COUNTS) if (typeof usage?.[name] === 'number') this.#counts.set(name, countOf(usage[name]))
    const thought = fieldsOf(usage?.['output_tokens_details'])?.['thinking_tokens']
    if (thought !== undefined) this.#counts.set('thinking_tokens', countOf(thought))
  }

  #finish(): readonly ModelEvent[] {
    this.#isDone = true
    const count = (name: string): number => this.#counts.get(name) ?? 0
    const cacheReadTokens = count('cache_read_input_tokens')
    const cacheWriteTokens = count('cache_creation_input_tokens')
    return [
      ...this.#blocks.closeAll(),
      {
        type: 'finish',
        reason: REASONS[this.#stopReason] ?? (this.#blocks.hasCalls ? 'tool-calls' : 'stop'),
        usage: {
          inputTokens: count('input_tokens') + cacheReadTokens + cacheWriteTokens,
          outputTokens: count('output_tokens'),
          cacheReadTokens,
          cacheWriteTokens,
          reasoningTokens: count('thinking_tokens'),
        },
      },
    ]
  }

  #fail(fault: ModelFault): readonly ModelEvent[] {
    this.#isDone = true
    return [{ type: 'error', fault }]
  }
}
