import { createHash } from 'node:crypto'
import { canonicalJson } from '../../std/canonical-json.ts'
import type { ToolCall } from '../../contracts/tool.ts'

/** What the owner's word is bound to: the very arguments, and the facts that the tool bound them to. */
export function callHash({ tool, input, binding }: Pick<ToolCall, 'tool' | 'input' | 'binding'>): string {
  return createHash('sha256').update(canonicalJson({ tool, input, binding })).digest('hex')
}
