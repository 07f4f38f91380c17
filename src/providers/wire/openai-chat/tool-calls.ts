/**
 * Puts calls together from their pieces. Pieces belong together by `index`; where a server leaves that out, or gives every call the index 0 (Ollama), a new id with
 * a name begins a new call.
 */
import type { ModelEvent, ModelRequest } from '../../../contracts/provider.ts'
import { CallIds } from '../call-ids.ts'
import { fieldsOf, textOf } from '../read-json.ts'
import { readArguments } from '../tool-arguments.ts'

interface Call {
  readonly index: number
  readonly vendorId: string
  readonly callId: string
  tool: string
  text: string
  isStarted: boolean
}

export class ToolCalls {
  readonly #ids: CallIds
  #open: Call[] = []
  #count = 0

  constructor(request: ModelRequest) {
    this.#ids = new CallIds(request, 'call')
  }

  get count(): number {
    return this.#count
  }

  add(piece: unknown, events: ModelEvent[]): void {
    const fields = fieldsOf(piece)
    const code = fieldsOf(fields?.['function'])
    if (fields === null || code === null) return
    const tool = textOf(code['name'])
    const call = this.#find(typeof fields['index'] === 'number' ? fields['index'] : null, textOf(fields['id']), tool)
    if (call.tool === '') call.tool = tool
    const text = argumentsText(code['arguments'])
    call.text += text
    if (!call.isStarted && call.tool !== '') {
      this.#start(call, events)
      if (call.text !== '') events.push({ type: 'tool-call-delta', callId: call.callId, text: call.text })
    } else if (call.isStarted && text !== '') events.push({ type: 'tool-call-delta', callId: call.callId, text })
  }

  close(events: ModelEvent[]): void {
    for (const call of this.#open) {
      if (!call.isStarted) this.#start(call, events)
      events.push({ type: 'tool-call-end', callId: call.callId, tool: call.tool, ...readArguments(call.text) })
    }
    this.#open = []
  }

  #find(index: number | null, vendorId: string, tool: string): Call {
    const known = this.#open.findLast((call) => (index === null ? true : call.index === index))
    const isOther = known !== undefined && known.tool !== '' && tool !== '' && (vendorId === '' ? index === null : vendorId !== known.vendorId)
    if (known !== undefined && !isOther) return known
    const call: Call = { index: index ?? this.#open.length, vendorId, callId: this.#ids.take(vendorId), tool: '', text: '', isStarted: false }
    this.#open.push(call)
    this.#count++
    return call
  }

  #start(call: Call, events: ModelEvent[]): void {
    call.isStarted = true
    events.push({ type: 'tool-call-start', callId: call.callId, tool: call.tool })
  }
}

/** The standard says text; some servers send the object itself. */
function argumentsText(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : textOf(value)
}
