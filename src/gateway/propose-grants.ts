/** The fewest grants under which no call of shadow mode would have been held. */
import { createHash } from 'node:crypto'
import { canonicalJson } from '../std/canonical-json.ts'
import type { Grant, ShadowCall } from '../contracts/approval.ts'
import { isPlain } from '../guard/provenance/fold.ts'
import type { Proposal } from './approvals.ts'

/**
 * Calls held for more than their destination need one `always` for each shape; the destinations of all others of a tool fit into one grant. What the owner has granted since is not
 * proposed again, nor what he would read as something else.
 */
export function proposeGrants(recorded: readonly ShadowCall[], granted: readonly Grant[] = []): Proposal {
  const own = new Set(granted.flatMap(({ unlock, values }) => (unlock === 'destination' ? values : [])))
  const shaped = new Set(granted.flatMap(({ unlock, tool, shape }) => (unlock === 'always' && shape !== null ? [`${tool} ${shape}`] : [])))
  const isGranted = (call: ShadowCall) =>
    shaped.has(`${call.tool} ${call.shape ?? ''}`) || (isAboutDestinations(call) && call.destinations.every((each) => own.has(each)))
  const open = recorded.filter((call) => !isGranted(call))
  const calls = open.filter(({ destinations, shape }) => [...destinations, ...(shape ?? '').split('"')].every(isPlain))
  const shapes = new Map<string, { readonly tool: string; readonly shape: string }>()
  for (const { tool, shape, ...call } of calls) if (shape !== null && !isAboutDestinations(call)) shapes.set(`${tool} ${shape}`, { tool, shape })
  const always = [...shapes].map(([key, { tool, shape }]) => {
    return { tool, unlock: 'always' as const, values: [], shape, covers: calls.filter((call) => `${call.tool} ${call.shape ?? ''}` === key).length }
  })
  const rest = calls.filter((call) => isAboutDestinations(call) && !shapes.has(`${call.tool} ${call.shape ?? ''}`))
  const destinations = [...Map.groupBy(rest, ({ tool }) => tool)].map(([tool, its]) => {
    const values = [...new Set(its.flatMap((call) => call.destinations))].sort()
    return { tool, unlock: 'destination' as const, values, shape: null, covers: its.length }
  })
  const proposals = [...destinations, ...always].toSorted((a, b) => b.covers - a.covers)
  return { calls: open.length, proposals, hash: createHash('sha256').update(canonicalJson(proposals)).digest('hex') }
}

function isAboutDestinations({ rules, destinations }: Pick<ShadowCall, 'rules' | 'destinations'>): boolean {
  return destinations.length > 0 && rules.every((rule) => rule === 'destinationsKnown')
}
