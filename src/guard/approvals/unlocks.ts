/** How far the owner's word may be made to reach: what is offered for a held call, what a grant then holds, and which calls it covers. Values are compared as the guard compares them. */
import { canonicalJson } from '../../std/canonical-json.ts'
import type { Grant, Hold, Unlock } from '../../contracts/approval.ts'
import type { AnyTool, ToolCall } from '../../contracts/tool.ts'
import { isPlain } from '../provenance/fold.ts'
import { addressed, answeredFor, destinationsOf, effectOf, reachesOut } from '../provenance/judge-call.ts'
import { classify } from '../provenance/values.ts'

/** The only rule that a word about destinations answers. */
const ABOUT_DESTINATIONS = 'destinationsKnown'

/** The smallest first. A value that does not read as it is written is allowed once at most: he may have read another. */
export function unlocksFor(call: ToolCall, tool: AnyTool, holds: readonly Pick<Hold, 'rule'>[]): readonly Unlock[] {
  const values = answeredFor(call, tool.manifest)
  if (!values.every(isPlain)) return ['once']
  const isAboutDestinations = tool.manifest.consent === 'judged' && holds.every(({ rule }) => rule === ABOUT_DESTINATIONS)
  return [
    'once',
    ...(isAboutDestinations && call.sessionId !== null && values.length > 0 ? (['session'] as const) : []),
    ...(isAboutDestinations && destinationsOf(call, tool.manifest).length > 0 ? (['destination'] as const) : []),
    ...(alwaysShape(call, tool) === null ? [] : (['always'] as const)),
  ]
}

/** What a grant of this reach holds. */
export function grantOf(unlock: Exclude<Unlock, 'once'>, call: ToolCall, tool: AnyTool): Pick<Grant, 'unlock' | 'tool' | 'sessionId' | 'values' | 'shape'> {
  const { manifest } = tool
  return {
    unlock,
    tool: call.tool,
    sessionId: unlock === 'session' ? call.sessionId : null,
    // An object is meant in one conversation; what is the owner's own everywhere is a destination.
    values: unlock === 'always' ? [] : unlock === 'destination' ? destinationsOf(call, manifest) : answeredFor(call, manifest),
    shape: unlock === 'always' ? alwaysShape(call, tool) : null,
  }
}

/** Null where `always` would mean every call of a tool, or any amount to an account. */
export function alwaysShape(call: ToolCall, tool: AnyTool): string | null {
  if (tool.shape !== undefined) return canonicalJson(tool.shape(tool.input.parse(call.input), call.binding))
  const { manifest } = tool
  const values = addressed(call, manifest)
  if (values.length === 0 || effectOf(call, manifest) === 'irreversible') return null
  return canonicalJson(values)
}

/** Whether what the grant names counts as said by the owner where this call is judged: destinations for every tool, what he allowed in a conversation for its tool alone. */
export function isOwnersOwn({ unlock, tool }: Grant, call: ToolCall): boolean {
  return unlock === 'destination' || (unlock === 'session' && tool === call.tool)
}

/** Whether the grant speaks of this call, and of which rules: null means all of them. */
export function coverage(grant: Grant, call: ToolCall, tool: AnyTool): { readonly rules: readonly string[] | null } | null {
  if (grant.tool !== call.tool || (grant.sessionId !== null && grant.sessionId !== call.sessionId)) return null
  if (grant.unlock === 'always') return grant.shape !== null && grant.shape === alwaysShape(call, tool) ? { rules: null } : null
  const values = answeredFor(call, tool.manifest)
  const known = new Set(grant.values.map(keyOf))
  const isCovered = values.length > 0 && values.every((value) => isPlain(value) && known.has(keyOf(value)))
  return isCovered && reachesOut(effectOf(call, tool.manifest)) ? { rules: [ABOUT_DESTINATIONS] } : null
}

function keyOf(text: string): string {
  const { kind, key } = classify(text)
  return `${kind} ${key}`
}
