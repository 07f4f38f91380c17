/** The answer of the Responses API, whole and as events. */
import type { ServerResponse } from 'node:http'
import type { TurnEvent, TurnResult } from '../../contracts/turn.ts'
import { errorAnswer, sendJson } from '../respond.ts'
import { carapaceNote, headerValue, responsesUsage, turnFault } from './answer.ts'
import { EventStream } from './event-stream.ts'

type OutputItem = Readonly<Record<string, unknown>>

function textContent(text: string) {
  return { type: 'output_text', text, annotations: [], logprobs: [] }
}

function messageItem(id: string, status: string, content: readonly OutputItem[]): OutputItem {
  return { type: 'message', id, status, role: 'assistant', content }
}

function reasoningItem(id: string, summary: readonly OutputItem[]): OutputItem {
  return { type: 'reasoning', id, summary }
}

function callItems({ turnId, clientToolCalls }: TurnResult): readonly OutputItem[] {
  return clientToolCalls.map((call, index) => ({
    type: 'function_call',
    id: `fc_${turnId}_${index}`,
    call_id: call.callId,
    name: call.tool,
    arguments: call.invalidInput ?? JSON.stringify(call.input),
    status: 'completed',
  }))
}

interface Envelope {
  readonly turnId: string
  readonly created: number
  readonly model: string
}

function responseObject({ turnId, created, model }: Envelope, status: string, output: readonly OutputItem[], more: OutputItem = {}): OutputItem {
  return {
    id: `resp_${turnId}`,
    object: 'response',
    created_at: created,
    status,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    model,
    output,
    parallel_tool_calls: true,
    temperature: null,
    tool_choice: 'auto',
    tools: [],
    top_p: null,
    store: false,
    usage: null,
    ...more,
  }
}

/** `incomplete` says why in its own member. */
function ending(result: TurnResult, created: number, output: readonly OutputItem[], switched: boolean): OutputItem {
  const reason = result.finishReason === 'length' ? 'max_output_tokens' : result.finishReason === 'refused' ? 'content_filter' : null
  return responseObject({ turnId: result.turnId, created, model: result.model }, reason === null ? 'completed' : 'incomplete', output, {
    incomplete_details: reason === null ? null : { reason },
    usage: responsesUsage(result.usage),
    carapace: carapaceNote(result, switched),
  })
}

/** The whole answer. Throws the turn's failure. */
export function sendResponse(response: ServerResponse, result: TurnResult, created: number, switched: boolean): void {
  const fault = turnFault(result)
  if (fault !== null) throw fault
  const calls = callItems(result)
  const message = result.text === '' && calls.length > 0 ? [] : [messageItem(`msg_${result.turnId}_0`, 'completed', [textContent(result.text)])]
  sendJson(response, 200, ending(result, created, [...message, ...calls], switched), {
    'x-carapace-turn': result.turnId,
    'x-carapace-model': headerValue(result.model),
  })
}

interface OpenItem {
  readonly kind: 'message' | 'reasoning'
  readonly id: string
  readonly index: number
  /** All of a delta event before the delta. */
  readonly deltaHead: string
  text: string
}

/** Turns events into the typed events of a streamed response. */
export class ResponseStream {
  readonly #stream: EventStream
  readonly #created: number
  readonly #output: OutputItem[] = []
  #turnId = ''
  #model = ''
  #switched = false
  #began = false
  #saidText = false
  #sequence = 0
  #open: OpenItem | null = null

  constructor(response: ServerResponse, created: number) {
    this.#stream = new EventStream(response, () => ({
      'x-carapace-turn': this.#turnId,
      ...(this.#model === '' ? {} : { 'x-carapace-model': headerValue(this.#model) }),
    }))
    this.#created = created
  }

  /** Throws the turn's failure when nothing was sent yet. */
  hear(event: TurnEvent, turnId: string): void {
    switch (event.type) {
      case 'turn-started':
        this.#turnId = turnId
        this.#model = event.model
        return
      case 'model-switched':
        this.#switched = true
        this.#model = event.to
        return
      case 'text-delta':
        this.#saidText = true
        return this.#delta('message', event.text)
      case 'reasoning-delta':
        return this.#delta('reasoning', event.text)
      case 'turn-finished':
        this.#turnId = turnId
        return this.#finish(event.result)
      default:
    }
  }

  #delta(kind: OpenItem['kind'], text: string): void {
    const item = this.#open?.kind === kind ? this.#open : this.#openItem(kind)
    item.text += text
    this.#stream.write(`${item.deltaHead}${JSON.stringify(text)},"sequence_number":${this.#sequence++}}\n\n`)
  }

  #emit(type: string, members: OutputItem): void {
    this.#stream.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...members, sequence_number: this.#sequence++ })}\n\n`)
  }

  #begin(): void {
    if (this.#began) return
    this.#began = true
    const response = responseObject({ turnId: this.#turnId, created: this.#created, model: this.#model }, 'in_progress', [])
    this.#emit('response.created', { response })
    this.#emit('response.in_progress', { response })
  }

  #openItem(kind: OpenItem['kind']): OpenItem {
    this.#begin()
    this.#closeItem()
    const index = this.#output.length
    const id = `${kind === 'message' ? 'msg' : 'rs'}_${this.#turnId}_${index}`
    const isMessage = kind === 'message'
    const type = isMessage ? 'response.output_text.delta' : 'response.reasoning_summary_text.delta'
    const place = { item_id: id, output_index: index, ...(isMessage ? { content_index: 0, logprobs: [] } : { summary_index: 0 }) }
    const deltaHead = `event: ${type}\ndata: ${JSON.stringify({ type, ...place }).slice(0, -1)},"delta":`
    const item = { kind, id, index, deltaHead, text: '' }
    this.#open = item
    this.#emit('response.output_item.added', { output_index: index, item: isMessage ? messageItem(id, 'in_progress', []) : reasoningItem(id, []) })
    if (isMessage) this.#emit('response.content_part.added', { item_id: id, output_index: index, content_index: 0, part: textContent('') })
    else this.#emit('response.reasoning_summary_part.added', { item_id: id, output_index: index, summary_index: 0, part: { type: 'summary_text', text: '' } })
    return item
  }

  #closeItem(): void {
    const item = this.#open
    if (item === null) return
    this.#open = null
    const { id, index, text } = item
    if (item.kind === 'message') {
      const place = { item_id: id, output_index: index, content_index: 0 }
      this.#emit('response.output_text.done', { ...place, text, logprobs: [] })
      this.#emit('response.content_part.done', { ...place, part: textContent(text) })
      this.#close(index, messageItem(id, 'completed', [textContent(text)]))
    } else {
      const place = { item_id: id, output_index: index, summary_index: 0 }
      const part = { type: 'summary_text', text }
      this.#emit('response.reasoning_summary_text.done', { ...place, text })
      this.#emit('response.reasoning_summary_part.done', { ...place, part })
      this.#close(index, reasoningItem(id, [part]))
    }
  }

  #close(index: number, item: OutputItem): void {
    this.#output.push(item)
    this.#emit('response.output_item.done', { output_index: index, item })
  }

  #finish(result: TurnResult): void {
    const fault = turnFault(result)
    if (fault !== null && !this.#stream.isOpen && !this.#began) {
      this.#stream.discard()
      throw fault
    }
    this.#model = result.model === '' ? this.#model : result.model
    this.#begin()
    if (fault !== null) return this.#fail(errorAnswer(fault).error)
    if (!this.#saidText && (result.text !== '' || result.clientToolCalls.length === 0)) this.#delta('message', result.text)
    this.#closeItem()
    for (const item of callItems(result)) this.#call(item)
    const response = ending(result, this.#created, this.#output, this.#switched)
    this.#emit(response['status'] === 'completed' ? 'response.completed' : 'response.incomplete', { response })
    this.#stream.end('')
  }

  #call(item: OutputItem): void {
    const index = this.#output.length
    const place = { item_id: item['id'], output_index: index }
    this.#emit('response.output_item.added', { output_index: index, item: { ...item, arguments: '', status: 'in_progress' } })
    this.#emit('response.function_call_arguments.delta', { ...place, delta: item['arguments'] })
    this.#emit('response.function_call_arguments.done', { ...place, name: item['name'], arguments: item['arguments'] })
    this.#close(index, item)
  }

  #fail(error: { readonly code: string; readonly message: string }): void {
    this.#closeItem()
    const envelope = { turnId: this.#turnId, created: this.#created, model: this.#model }
    this.#emit('response.failed', { response: responseObject(envelope, 'failed', this.#output, { error: { code: error.code, message: error.message } }) })
    this.#stream.end('')
  }
}
