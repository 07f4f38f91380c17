/** A conversation as the guard sees it, and the verdict over the next call in it. */
import * as z from 'zod'
import type { JsonObject } from '../../src/contracts/json.ts'
import { OWNER, type Origin } from '../../src/contracts/origin.ts'
import type { AnyTool, ToolManifest } from '../../src/contracts/tool.ts'
import { toolCall, toolResult } from '../../src/guard/pipeline.ts'
import { NO_WORD } from '../../src/guard/approvals/owners-word.ts'
import { Evidence } from '../../src/guard/provenance/evidence.ts'
import { clear, clearNow } from '../../src/guard/run-checkpoint.ts'
import type { Refusal } from '../../src/guard/stage.ts'
import { createSecretRegistry } from '../../src/telemetry/secret-registry.ts'

const secrets = createSecretRegistry()
const quiet = () => undefined

const READS: ToolManifest = {
  effect: 'read',
  effectWithoutDestination: 'read',
  recovery: 'pure',
  consent: 'judged',
  destinations: [],
  targets: [],
  content: [],
  paths: [],
  returns: { trust: 'untrusted', private: true, curated: false, records: true },
}
const RECEIPT = { trust: 'trusted', private: false, curated: false, records: true } as const

function tool(name: string, more: Partial<ToolManifest> = {}): AnyTool {
  return { name, description: '', input: z.record(z.string(), z.json()), manifest: { ...READS, ...more }, run: () => Promise.reject(new Error('never run')) }
}

const outside = { effect: 'egress', effectWithoutDestination: 'egress', recovery: 'unsafe', returns: RECEIPT } as const
const final = { effect: 'irreversible', effectWithoutDestination: 'irreversible', recovery: 'unsafe', returns: RECEIPT } as const

export const tools: ReadonlyMap<string, AnyTool> = new Map(
  [
    tool('mail_search'),
    tool('page_fetch', {
      ...outside,
      destinations: ['url'],
      content: ['url'],
      returns: { trust: 'untrusted', private: false, curated: false, records: false },
    }),
    tool('profile_read', { returns: { ...RECEIPT, private: true } }),
    tool('people_search', { returns: { ...RECEIPT, private: true, curated: true } }),
    tool('note_write', { effect: 'write', effectWithoutDestination: 'write', content: ['text'], returns: RECEIPT }),
    tool('note_read', { returns: { ...RECEIPT, private: true } }),
    tool('send_mail', { ...outside, destinations: ['to'], content: ['text', 'attachments'] }),
    tool('create_event', { ...outside, effectWithoutDestination: 'write', destinations: ['guests'], content: ['title'] }),
    tool('pay', { ...final, destinations: ['account'], content: ['reference'] }),
    tool('delete_event', { ...final, targets: ['event_id'] }),
    tool('update_password', { ...final, targets: ['password'] }),
    tool('confirm_payment', { ...final, targets: ['code'] }),
    tool('place_order', final),
    tool('add_to_cart', { effect: 'write', effectWithoutDestination: 'write', targets: ['product'], returns: RECEIPT }),
    tool('send_parcel', { ...final, destinations: ['address'] }),
    tool('book_table', { ...final, destinations: ['place'], targets: ['slot'] }),
    tool('add_guest', { ...outside, destinations: ['guest'], targets: ['event_id'] }),
    tool('review_list', { returns: { trust: 'untrusted', private: false, curated: false, records: true } }),
  ].map((one) => [one.name, one]),
)

export class Conversation {
  readonly evidence = new Evidence(tools)
  #untrusted = false
  #private = false
  #calls = 0

  says(text: string): this {
    this.evidence.add({ role: 'user', parts: [{ type: 'text', text, origin: OWNER }] })
    return this
  }

  /** A call that was let through, and what came back. */
  did(name: string, input: JsonObject, output: string, said: Origin | null = null): this {
    const known = tools.get(name)
    if (known === undefined) throw new RangeError(name)
    const callId = `c${this.#calls++}`
    this.evidence.add({ role: 'assistant', parts: [{ type: 'tool-call', callId, tool: name, input }] })
    const outcome = clearNow(toolResult, { output, isError: false, origin: said }, { tool: known, secrets, injection: 'mark' }, quiet)
    if (!outcome.ok || outcome.value.origin === null) throw new Error('a result was refused')
    const { origin } = outcome.value
    this.evidence.add({ role: 'tool', parts: [{ type: 'tool-result', callId, tool: name, output, isError: false, origin }] })
    this.#untrusted ||= origin.trust === 'untrusted'
    this.#private ||= origin.private
    return this
  }

  /** Null when the call passes. */
  async tries(name: string, input: JsonObject): Promise<Refusal | null> {
    const origin = { author: { kind: 'model', name: 'm' }, trust: this.#untrusted ? 'untrusted' : 'trusted', private: this.#private } as const
    const call = { callId: 'next', tool: name, input, turnId: 't', sessionId: null, effectId: 'e', binding: null, origin }
    const context = { tools, policy: { policy: 'allow-all', list: [] }, roots: [], evidence: this.evidence, word: NO_WORD } as const
    const decision = await clear(toolCall, call, context, quiet, AbortSignal.timeout(5000))
    return decision.ok ? null : decision.refusal
  }

  async stoppedBy(name: string, input: JsonObject): Promise<string | null> {
    return (await this.tries(name, input))?.stage ?? null
  }
}
