/** Replies in the wire of chat completions, as https://platform.openai.com/docs/api-reference/chat-streaming shows it. */
import type { Reply } from './model-server.ts'

export interface ChatAnswer {
  /** Each piece is a chunk of its own. */
  readonly text?: readonly string[]
  readonly reasoning?: readonly string[]
  readonly calls?: readonly { readonly id: string; readonly name: string; readonly arguments: string }[]
  readonly finish?: 'stop' | 'length' | 'tool_calls' | 'content_filter'
  readonly usage?: { readonly input: number; readonly output: number; readonly cached?: number; readonly reasoning?: number }
}

const SSE = { 'content-type': 'text/event-stream; charset=utf-8' }

/** An answer that hangs or is cut stops before its finish reason. */
export function chatReply(answer: ChatAnswer, ending: 'end' | 'hang' | 'cut' = 'end'): Reply {
  const parts = partsOf(answer)
  return { headers: SSE, pieces: ending === 'end' ? [...parts, ...closing(answer), 'data: [DONE]\n\n'] : parts, ending }
}

function partsOf({ text = [], reasoning = [], calls = [] }: ChatAnswer): readonly string[] {
  return [
    ...reasoning.map((reasoning_content) => delta({ reasoning_content })),
    ...text.map((content) => delta({ content })),
    ...calls.map(({ id, name, arguments: text }, index) => delta({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: text } }] })),
  ]
}

function closing({ calls = [], finish, usage = { input: 10, output: 5 } }: ChatAnswer): readonly string[] {
  return [
    chunk([{ index: 0, delta: {}, finish_reason: finish ?? (calls.length > 0 ? 'tool_calls' : 'stop') }]),
    chunk([], {
      prompt_tokens: usage.input,
      completion_tokens: usage.output,
      total_tokens: usage.input + usage.output,
      prompt_tokens_details: { cached_tokens: usage.cached ?? 0 },
      completion_tokens_details: { reasoning_tokens: usage.reasoning ?? 0 },
    }),
  ]
}

export function modelList(...ids: readonly string[]): Reply {
  const data = ids.map((id) => ({ id, object: 'model', created: 1_763_800_000, owned_by: 'test' }))
  return { headers: { 'content-type': 'application/json' }, pieces: [JSON.stringify({ object: 'list', data })] }
}

function delta(content: object): string {
  return chunk([{ index: 0, delta: content, finish_reason: null }])
}

function chunk(choices: readonly object[], usage: object | null = null): string {
  return `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_763_800_000, model: 'test', choices, usage })}\n\n`
}
