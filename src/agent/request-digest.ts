import { createHash } from 'node:crypto'
import { canonicalJson } from '../std/canonical-json.ts'
import type { ModelRequest } from '../contracts/provider.ts'
import type { RequestDigest } from '../contracts/replay.ts'

/** What a model was asked, short enough to keep with its answer. */
export function digestOf({ system, tools, messages, model: _model, maxOutputTokens: _limit, ...options }: ModelRequest): RequestDigest {
  return { system: short(system), tools: short(tools), messages: short(messages.map(({ role, parts }) => ({ role, parts }))), options: short(options) }
}

function short(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('base64url').slice(0, 16)
}
