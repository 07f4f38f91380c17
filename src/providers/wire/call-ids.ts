import type { ModelRequest } from '../../contracts/provider.ts'

/** Ids of the calls in one answer: the vendor's, or our own where it gave none or one that the conversation has used before, because results are matched by them. */
export class CallIds {
  readonly #taken: Set<string>
  readonly #prefix: string

  constructor(request: ModelRequest, prefix: string) {
    const parts = request.messages.flatMap((message) => (message.role === 'assistant' ? message.parts : []))
    this.#taken = new Set(parts.flatMap((part) => (part.type === 'tool-call' ? [part.callId] : [])))
    this.#prefix = prefix
  }

  take(vendorId: string): string {
    let id = vendorId
    for (let next = this.#taken.size; id === '' || this.#taken.has(id); next++) id = `${this.#prefix}_${next}`
    this.#taken.add(id)
    return id
  }
}
