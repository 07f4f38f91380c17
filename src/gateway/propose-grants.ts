/** The fewest grants under which no call of shadow mode would have been held. */
import type { ShadowCall } from '../contracts/approval.ts'
import type { Proposal } from './approvals.ts'

/** Calls held for more than their destination need one `always` for each shape; the destinations of all others of a tool fit into one grant. */
export function proposeGrants(calls: readonly ShadowCall[]): Proposal {
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
  return { calls: calls.length, proposals: [...destinations, ...always].toSorted((a, b) => b.covers - a.covers) }
}

function isAboutDestinations({ rules, destinations }: Pick<ShadowCall, 'rules' | 'destinations'>): boolean {
  return destinations.length > 0 && rules.every((rule) => rule === 'destinationsKnown')
}
