/** What a turn costs by the length of its conversation. Each length has a gateway and a database of its own; turns alternate between them. */
import { join } from 'node:path'
import type { Bench } from './support/bench.ts'
import { atMostTimes, type Figure } from './support/figure.ts'
import { fillHistory } from './support/fill-history.ts'
import { startLoadGenerator } from './support/load.ts'
import { startGateway, startUpstream, type Gateway } from './support/servers.ts'
import { median } from './support/stats.ts'

const LENGTHS = [10, 1000, 100_000]
/** Few enough that no conversation reaches its next summary while it is measured. */
const TURNS = 24

interface Side {
  readonly length: number
  readonly gateway: Gateway
  readonly latencies: number[]
  cpuMs: number
}

export const history: Bench = {
  name: 'history',
  title: 'A turn in a conversation of so many messages',
  async run({ checkout, quick }) {
    const upstream = await startUpstream(checkout)
    const load = startLoadGenerator()
    const sessions = Array.from({ length: quick ? 2 : 4 }, (_, index) => `bench-${index}`)
    const sides: Side[] = []
    for (const length of LENGTHS) {
      const stateDir = await checkout.folder()
      for (const session of sessions) await fillHistory(join(stateDir, 'carapace.db'), session, length)
      const gateway = await startGateway(checkout, { upstream, stateDir })
      await load.run({ target: gateway, atOnce: 8, count: quick ? 500 : 1500 })
      sides.push({ length, gateway, latencies: [], cpuMs: 0 })
    }
    for (const [round, session] of sessions.entries()) {
      for (let index = 0; index < sides.length; index++) {
        const side = sides[(round + index) % sides.length]
        if (side === undefined) continue
        const before = await side.gateway.cpuMs()
        const { latencies } = await load.run({ target: side.gateway, atOnce: 1, session, count: TURNS })
        side.cpuMs += (await side.gateway.cpuMs()) - before
        side.latencies.push(...latencies)
      }
    }
    load.stop()
    for (const { gateway } of sides) await gateway.stop()
    await upstream.stop()
    return figures(sides)
  },
}

function figures(sides: readonly Side[]): readonly Figure[] {
  const [shortest, ...longer] = sides
  if (shortest === undefined) return []
  return longer.flatMap((side) => {
    const reference = (value: number) => ({ name: `${shortest.length} messages`, value })
    const bar = side === longer.at(-1) ? { bar: atMostTimes(1.3) } : {}
    const name = `${side.length.toLocaleString('en')} messages`
    return [
      { name: `${name}: p50`, value: median(side.latencies), unit: 'ms', reference: reference(median(shortest.latencies)), ...bar } as const,
      {
        name: `${name}: CPU`,
        value: side.cpuMs / side.latencies.length,
        unit: 'ms',
        reference: reference(shortest.cpuMs / shortest.latencies.length),
        ...bar,
      } as const,
    ]
  })
}
