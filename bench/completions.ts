/** The whole journaled pipeline against a bare proxy, in alternating rounds. Three programs share the cores with the one that is measured: ratios hold, absolutes vary. */
import { atLeastTimes, atMostMore, type Figure } from './support/figure.ts'
import type { Bench } from './support/bench.ts'
import { startLoadGenerator, type Load, type LoadGenerator, type LoadResult } from './support/load.ts'
import type { Program } from './support/process.ts'
import { startGateway, startProxy, startUpstream, type Gateway } from './support/servers.ts'
import { median, quantile } from './support/stats.ts'

type Kind = Pick<Load, 'model' | 'stream' | 'atOnce'>

export const completions: Bench = {
  name: 'completions',
  title: '/v1/chat/completions, every turn durable',
  async run({ checkout, quick }) {
    const upstream = await startUpstream(checkout)
    const gateway = await startGateway(checkout, { upstream })
    const proxy = await startProxy(checkout, upstream)
    const load = startLoadGenerator()
    const rounds = quick ? 3 : 9
    const forMs = quick ? 250 : 400
    const compare = (kind: Kind) => alternate(load, { gateway, proxy, rounds, forMs }, kind)
    // What a gateway that has run for a while does: its first thousands of turns take twice the time, until the compiler has seen them.
    const warmUp = quick ? 1000 : 4000
    for (const stream of [false, true]) {
      await load.run({ target: gateway, atOnce: 8, stream, count: warmUp })
      await load.run({ target: proxy, atOnce: 8, stream, count: warmUp })
    }
    const figures: Figure[] = []
    for (const atOnce of [1, 8, 32]) figures.push(...plainFigures(atOnce, await compare({ atOnce })))
    for (const atOnce of [1, 8, 32]) figures.push(...streamFigures(atOnce, await compare({ atOnce, stream: true })))
    const paced = await compare({ atOnce: 1, stream: true, model: 'paced' })
    figures.push({
      ...versus('stream of a part per 10 ms, 1 at once: first token p50', 'ms', paced, ({ firstTokens }) => quantile(firstTokens, 0.5)),
      bar: atMostMore(5),
    })
    load.stop()
    for (const program of [gateway, proxy, upstream]) await program.stop()
    return figures
  },
}

interface Sides {
  readonly own: readonly LoadResult[]
  readonly bare: readonly LoadResult[]
}

async function alternate(
  load: LoadGenerator,
  { gateway, proxy, rounds, forMs }: { readonly gateway: Gateway; readonly proxy: Program; readonly rounds: number; readonly forMs: number },
  kind: Kind,
): Promise<Sides> {
  const own: LoadResult[] = []
  const bare: LoadResult[] = []
  for (let round = 0; round < rounds; round++) {
    bare.push(await load.run({ ...kind, target: proxy, forMs }))
    own.push(await load.run({ ...kind, target: gateway, forMs }))
  }
  return { own, bare }
}

function plainFigures(atOnce: number, sides: Sides): readonly Figure[] {
  const name = `plain, ${atOnce} at once`
  return [
    { ...versus(name, 'req/s', sides, ({ perSecond }) => perSecond), ...(atOnce === 8 ? { bar: atLeastTimes(0.3) } : {}) },
    versus(`${name}: p50`, 'ms', sides, ({ latencies }) => quantile(latencies, 0.5)),
    versus(`${name}: p99`, 'ms', sides, ({ latencies }) => quantile(latencies, 0.99)),
  ]
}

function streamFigures(atOnce: number, sides: Sides): readonly Figure[] {
  const name = `stream, ${atOnce} at once`
  return [
    versus(name, 'req/s', sides, ({ perSecond }) => perSecond),
    {
      ...versus(`${name}: first token p50`, 'ms', sides, ({ firstTokens }) => quantile(firstTokens, 0.5)),
      ...(atOnce === 1 ? { bar: atMostMore(5) } : {}),
    },
    versus(`${name}: first token p99`, 'ms', sides, ({ firstTokens }) => quantile(firstTokens, 0.99)),
    versus(`${name}: p50`, 'ms', sides, ({ latencies }) => quantile(latencies, 0.5)),
    versus(`${name}: p99`, 'ms', sides, ({ latencies }) => quantile(latencies, 0.99)),
  ]
}

/** The median round of each side. */
function versus(name: string, unit: Figure['unit'], { own, bare }: Sides, pick: (result: LoadResult) => number): Figure {
  return { name, unit, value: median(own.map(pick)), reference: { name: 'bare proxy', value: median(bare.map(pick)) } }
}
