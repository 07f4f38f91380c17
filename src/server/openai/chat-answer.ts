/** The answer of Chat Completions, whole and in chunks. */
import type { ToolCallPart } from '../../contracts/message.ts'
import type { TurnEvent, TurnResult } from '../../contracts/turn.ts'
import { errorAnswer, retryAfter } from '../respond.ts'
import type { ServerResponse } from 'node:http'
import { sendJson } from '../respond.ts'
import { carapaceNote, chatUsage, headerValue, turnFault } from './answer.ts'
import { EventStream } from './event-stream.ts'

const FINISH = { stop: 'stop', length: 'length', 'tool-calls': 'tool_calls', refused: 'content_filter' } as const

function toolCalls(calls: readonly ToolCallPart[]) {
  return calls.map((call, index) => ({
    index,
    id: call.callId,
    type: 'function',
    function: { name: call.tool, arguments: call.invalidInput ?? JSON.stringify(call.input) },
  }))
}

/** The whole answer. Throws the turn's failure. */
export function sendChat(response: ServerResponse, result: TurnResult, created: number, switched: boolean): void {
  const fault = turnFault(result)
  if (fault !== null) throw fault
  const calls = toolCalls(result.clientToolCalls)
  const body = {
    id: `chatcmpl-${result.turnId}`,
    object: 'chat.completion',
    created,
    model: result.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: result.text === '' && calls.length > 0 ? null : result.text,
          refusal: null,
          ...(calls.length === 0 ? {} : { tool_calls: calls }),
        },
        logprobs: null,
        finish_reason: FINISH[result.finishReason],
      },
    ],
    usage: chatUsage(result.usage),
    carapace: carapaceNote(result, switched),
  }
  sendJson(response, 200, body, { 'x-carapace-turn': result.turnId, 'x-carapace-model': headerValue(result.model) })
}

/** Turns events into chunks. Everything but the delta is built once per model. */
export class ChatStream {
  readonly #stream: EventStream
  readonly #created: number
  readonly #includeUsage: boolean
  #turnId = ''
  #model = ''
  #head = ''
  #contentHead = ''
  #switched = false
  #saidText = false
  #began = false

  constructor(response: ServerResponse, created: number, includeUsage: boolean) {
    this.#stream = new EventStream(response, () => ({
      'x-carapace-turn': this.#turnId,
      ...(this.#model === '' ? {} : { 'x-carapace-model': headerValue(this.#model) }),
    }))
    this.#created = created
    this.#includeUsage = includeUsage
  }

  /** Throws the turn's failure when nothing was sent yet. */
  hear(event: TurnEvent, turnId: string): void {
    switch (event.type) {
      case 'text-delta':
        if (!this.#began) this.#begin()
        this.#saidText = true
        return this.#stream.write(`${this.#contentHead}${JSON.stringify(event.text)}},"logprobs":null,"finish_reason":null}]}\n\n`)
      case 'reasoning-delta':
        return this.#delta({ reasoning_content: event.text })
      case 'turn-started':
        this.#turnId = turnId
        return this.#name(event.model)
      case 'model-switched':
        this.#switched = true
        return this.#name(event.to)
      case 'turn-finished':
        this.#turnId = turnId
        return this.#finish(event.result)
      default:
    }
  }

  #name(model: string): void {
    this.#model = model
    this.#head = `data: ${JSON.stringify({ id: `chatcmpl-${this.#turnId}`, object: 'chat.completion.chunk', created: this.#created, model }).slice(0, -1)},`
    this.#contentHead = `${this.#head}"choices":[{"index":0,"delta":{"content":`
  }

  #begin(): void {
    this.#began = true
    this.#choice({ role: 'assistant', content: '', refusal: null }, null)
  }

  #delta(delta: object): void {
    if (!this.#began) this.#begin()
    this.#choice(delta, null)
  }

  #choice(delta: object, finish: string | null): void {
    this.#stream.write(`${this.#head}"choices":[${JSON.stringify({ index: 0, delta, logprobs: null, finish_reason: finish })}]}\n\n`)
  }

  #finish(result: TurnResult): void {
    const fault = turnFault(result)
    if (fault !== null) {
      if (!this.#stream.isOpen && !this.#began) {
        this.#stream.discard()
        throw fault
      }
      const answer = errorAnswer(fault)
      const wait = retryAfter(fault)['retry-after']
      return this.#stream.end(
        `data: ${JSON.stringify({ error: { ...answer.error, ...(wait === undefined ? {} : { retry_after: Number(wait) }) } })}\n\ndata: [DONE]\n\n`,
      )
    }
    if (this.#model !== result.model) this.#name(result.model)
    if (!this.#began) this.#begin()
    if (!this.#saidText && result.text !== '') this.#choice({ content: result.text }, null)
    const calls = toolCalls(result.clientToolCalls)
    if (calls.length > 0) this.#choice({ tool_calls: calls }, null)
    this.#choice({}, FINISH[result.finishReason])
    const last = JSON.stringify({
      choices: [],
      ...(this.#includeUsage ? { usage: chatUsage(result.usage) } : {}),
      carapace: carapaceNote(result, this.#switched),
    })
    this.#stream.end(`${this.#head}${last.slice(1)}\n\ndata: [DONE]\n\n`)
  }
}
