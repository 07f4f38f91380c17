/** Content blocks that a stream opens, fills and closes by index, interleaved if it likes: what Anthropic Messages and Bedrock Converse share. */
import { AppError } from '../../contracts/errors.ts'
import type { ModelEvent, ModelRequest } from '../../contracts/provider.ts'
import { CallIds } from './call-ids.ts'
import { readArguments } from './tool-arguments.ts'

const MAX_OPEN = 1024

interface ToolBlock {
  readonly kind: 'tool'
  readonly callId: string
  readonly tool: string
  written: string
}
interface ReasoningBlock {
  readonly kind: 'reasoning'
  signature: string
  isRedacted: boolean
}

export class ContentBlocks {
  readonly #open = new Map<number, ToolBlock | ReasoningBlock>()
  readonly #callIds: CallIds
  #hasCalls = false

  constructor(request: ModelRequest) {
    this.#callIds = new CallIds(request, 'call')
  }

  /** Whether the answer called a tool so far. */
  get hasCalls(): boolean {
    return this.#hasCalls
  }

  openTool(index: number, vendorId: string, tool: string): readonly ModelEvent[] {
    const callId = this.#callIds.take(vendorId)
    this.#hasCalls = true
    this.#set(index, { kind: 'tool', callId, tool, written: '' })
    return [{ type: 'tool-call-start', callId, tool }]
  }

  writeText(text: string): readonly ModelEvent[] {
    return text === '' ? [] : [{ type: 'text-delta', text }]
  }

  writeArguments(index: number, text: string): readonly ModelEvent[] {
    const block = this.#open.get(index)
    if (block?.kind !== 'tool' || text === '') return []
    block.written += text
    return [{ type: 'tool-call-delta', callId: block.callId, text }]
  }

  writeReasoning(index: number, text: string): readonly ModelEvent[] {
    this.#reasoning(index)
    return text === '' ? [] : [{ type: 'reasoning-delta', text }]
  }

  sign(index: number, signature: string): void {
    this.#reasoning(index).signature += signature
  }

  /** Reasoning that only its model can read: the token takes the place of the text. */
  redact(index: number, token: string): void {
    const block = this.#reasoning(index)
    block.isRedacted = true
    block.signature += token
  }

  close(index: number): readonly ModelEvent[] {
    const block = this.#open.get(index)
    this.#open.delete(index)
    if (block === undefined) return []
    if (block.kind === 'tool') return [{ type: 'tool-call-end', callId: block.callId, tool: block.tool, ...readArguments(block.written) }]
    return [{ type: 'reasoning-end', ...(block.signature === '' ? {} : { signature: block.signature }), ...(block.isRedacted ? { redacted: true } : {}) }]
  }

  /** Closes what the vendor left open. */
  closeAll(): readonly ModelEvent[] {
    return [...this.#open.keys()].flatMap((index) => this.close(index))
  }

  #reasoning(index: number): ReasoningBlock {
    const open = this.#open.get(index)
    if (open?.kind === 'reasoning') return open
    const block: ReasoningBlock = { kind: 'reasoning', signature: '', isRedacted: false }
    this.#set(index, block)
    return block
  }

  #set(index: number, block: ToolBlock | ReasoningBlock): void {
    if (this.#open.size >= MAX_OPEN) throw new AppError('net/too-large', 'the answer opens too many blocks')
    this.#open.set(index, block)
  }
}
