/**
 * Decides over a call that reaches outside or cannot be undone: `destinations` over where it goes and what it acts on, `content` over what it carries. Null means that nothing
 * stands against it.
 */
import type { JsonValue } from '../../contracts/json.ts'
import type { Effect, ToolCall, ToolManifest } from '../../contracts/tool.ts'
import { valuesAt } from '../stages/tool/values-at.ts'
import { carriedIdentifier, carriedLink, outgoing } from './carried.ts'
import type { Evidence } from './evidence.ts'
import { isAskedFor, ownerPieces } from './owner-words.ts'
import { argument, isIdentity, isOwners, trace, type Trace } from './trace.ts'
import { classify, isTyped } from './values.ts'

export interface Objection {
  readonly why: string
  readonly evidence: string
}

interface Traced extends Named {
  readonly trace: Trace
}

interface Named {
  readonly path: string
  readonly name: string
  readonly text: string
}

export function effectOf({ input }: ToolCall, manifest: ToolManifest): Effect {
  return manifest.destinations.length > 0 && namedAt(input, manifest.destinations).length === 0 ? manifest.effectWithoutDestination : manifest.effect
}

export function reachesOut(effect: Effect): boolean {
  return effect === 'egress' || effect === 'irreversible'
}

/** Where it goes, and what it acts on. */
export function judgeDestinations(call: ToolCall, manifest: ToolManifest, evidence: Evidence): Objection | null {
  const destinations = namedAt(call.input, manifest.destinations)
  const targets = namedAt(call.input, manifest.targets).filter(({ text }) => classify(text).kind !== 'moment')
  const all = [...destinations, ...targets]
  const judged = all.map((each) => traced(each, call.tool, evidence))
  const isAimed = destinations.length > 0
  if (call.origin.trust === 'trusted') {
    // No third party has spoken yet: what was seen at all may be acted on. What was not is the model's invention.
    const invented = judged.filter(({ trace: found }) => !isOwners(found) && found.by !== 'seen')
    return objection(call.tool, invented) ?? deedObjection(call, manifest, isAimed, evidence)
  }
  const unknown = judged.filter(({ path, trace: found }) => !isOwners(found) && !(found.by === 'seen' && isAimed && !manifest.destinations.includes(path)))
  if (unknown.length > 0) return objection(call.tool, unknown)
  if (all.length > 0 && judged.every(({ trace: { by } }) => by === 'code')) return null
  if (all.length === 0 && !isAssembled(evidence)) return { why: unasked(call.tool), evidence: 'none of its arguments says what it acts on' }
  const isDone = evidence.deeds.some(
    (deed) => deed.tool === call.tool && deed.effect === 'irreversible' && all.every(({ text }) => deed.arguments.includes(text)),
  )
  if (isDone) return { why: unasked(call.tool), evidence: 'it was done once already' }
  return deedObjection(call, manifest, isAimed, evidence)
}

/**
 * Whether what a call without arguments acts on was put together in this conversation, out of objects that the owner named: a cart that he had filled. One object that somebody
 * else's text chose, and he is asked.
 */
function isAssembled(evidence: Evidence): boolean {
  const parts = evidence.deeds.filter(({ effect, targets }) => effect === 'write' && targets.length > 0)
  return parts.length > 0 && parts.every(({ tool, targets }) => targets.every(({ name, text }) => isOwners(trace(argument(name, text), tool, evidence))))
}

const unasked = (tool: string) => `${tool} acts outside, and you did not ask for this`

/** What speaks against the deed itself, though all that it names is known. To look at a page that the owner named needs no other word of his. */
function deedObjection({ tool }: ToolCall, manifest: ToolManifest, isAimed: boolean, evidence: Evidence): Objection | null {
  const isLookUp = isAimed && manifest.effect === 'egress' && manifest.destinations.every((path) => manifest.content.includes(path))
  return isLookUp || isAskedFor(tool, ownerPieces(evidence)) ? null : { why: unasked(tool), evidence: 'no word of yours asks for such a deed' }
}

/** What it carries: objects of the owner, links and accounts that others wrote, and what identifies the owner. */
export function judgeContent(call: ToolCall, manifest: ToolManifest, evidence: Evidence): Objection | null {
  if (call.origin.trust === 'trusted') return null
  const carried = manifest.content
    .filter((path) => !manifest.destinations.includes(path))
    .flatMap((path) => scalarsAt(valuesAt(call.input, path.split('.')), path))
  const objects = carried
    .filter(({ name }) => isIdentity(name))
    .map((each) => traced(each, call.tool, evidence))
    .filter(({ trace: found }) => !isOwners(found) && found.by !== 'seen')
  if (objects.length > 0) return objection(call.tool, objects)
  const texts = outgoing(carried.map(({ text }) => text))
  const link = carriedLink(texts, evidence)
  if (link !== null) return { why: `${call.tool} would pass on “${link.value}”, which only somebody else’s text gives`, evidence: link.evidence }
  const identifier = call.origin.private ? carriedIdentifier(texts, evidence) : null
  if (identifier === null) return null
  return { why: `${call.tool} would send private data that you did not speak of`, evidence: identifier.evidence }
}

function traced({ path, name, text }: Named, tool: string, evidence: Evidence): Traced {
  return { path, name, text, trace: trace(argument(name, text), tool, evidence) }
}

function objection(tool: string, unknown: readonly Traced[]): Objection | null {
  const [first] = unknown
  if (first === undefined) return null
  const others = unknown.length > 1 ? ` and ${unknown.length - 1} more` : ''
  const shown = first.text.length > 80 ? `${first.text.slice(0, 80).toWellFormed()}…` : first.text
  return {
    why: `${tool}: ${first.path} “${shown}”${others} is not known from you`,
    evidence: first.trace.by === 'seen' ? `it is in ${first.trace.evidence}, but you did not name it` : first.trace.evidence,
  }
}

/** What the owner answers for when he lets a call go: where it goes and what it acts on. For the rest of the task these are his words. */
export function answeredFor({ input }: ToolCall, { destinations, targets }: ToolManifest): readonly string[] {
  return namedAt(input, [...destinations, ...targets]).map(({ text }) => text)
}

/** Its destinations and targets, each with the argument that it stands in. */
export function addressed({ input }: ToolCall, { destinations, targets }: ToolManifest): readonly (readonly [path: string, text: string])[] {
  return namedAt(input, [...destinations, ...targets]).map(({ path, text }) => [path, text])
}

/** Where it goes, as written. */
export function destinationsOf({ input }: ToolCall, { destinations }: ToolManifest): readonly string[] {
  return namedAt(input, destinations).map(({ text }) => text)
}

function namedAt(input: JsonValue, paths: readonly string[]): readonly Named[] {
  return paths.flatMap((path) => scalarsAt(valuesAt(input, path.split('.')), path))
}

function scalarsAt(values: readonly JsonValue[], path: string): readonly Named[] {
  return values.flatMap((value): readonly Named[] => {
    if (value === null || typeof value === 'boolean' || value === '') return []
    if (typeof value !== 'object') return [{ path, name: path.split('.').at(-1) ?? path, text: String(value) }]
    // A map from addresses to something names them by its keys.
    const keys = Object.keys(value).filter((key) => isTyped(classify(key)))
    const members = Object.entries(value).flatMap(([key, member]) => scalarsAt([member], /^\d+$/.test(key) ? path : `${path}.${key}`))
    return [...keys.map((key) => ({ path, name: path, text: key })), ...members]
  })
}
