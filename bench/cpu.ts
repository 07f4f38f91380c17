import type { Bench } from './support/bench.ts'
import { atMost, type Figure } from './support/figure.ts'
import { startLoadGenerator, type Load, type LoadGenerator } from './support/load.ts'
import type { Program } from './support/process.ts'
import { startGateway, startProxy, startUpstream } from './support/servers.ts'

interface Work {
  readonly name: string
  readonly load: Pick<Load, 'atOnce' | 'model' | 'stream'>
  readonly count: number
  readonly limitMs?: number
}

const works: readonly Work[] = [
  { name: 'plain turn, 1 at once', load: { atOnce: 1 }, count: 1200, limitMs: 3 },
  { name: 'plain turn, 8 at once', load: { atOnce: 8 }, count: 2000, limitMs: 3 },
  { name: 'stream of 1,000 parts, 1 at once', load: { atOnce: 1, model: 'long', stream: true }, count: 250, limitMs: 8 },
  { name: 'stream of 1,000 parts, 8 at once', load: { atOnce: 8, model: 'long', stream: true }, count: 250, limitMs: 8 },
  { name: 'the same, each part in a write of its own', load: { atOnce: 1, model: 'long-cut', stream: true }, count: 60 },
]

export const cpu: Bench = {
  name: 'cpu',
  title: 'CPU of the process, all threads',
  async run({ checkout, quick }) {
    const upstream = await startUpstream(checkout)
    const gateway = await startGateway(checkout, { upstream })
    const proxy = await startProxy(checkout, upstream)
    const load = startLoadGenerator()
    const figures: Figure[] = []
    for (const { name, load: kind, count, limitMs } of works) {
      const turns = quick ? Math.ceil(count / 4) : count
      const bare = await cpuPerRequest(proxy, load, kind, turns)
      const value = await cpuPerRequest(gateway, load, kind, turns)
      figures.push({ name, value, unit: 'ms', reference: { name: 'bare proxy', value: bare }, ...(limitMs === undefined ? {} : { bar: atMost(limitMs) }) })
    }
    load.stop()
    for (const program of [gateway, proxy, upstream]) await program.stop()
    return figures
  },
}

async function cpuPerRequest(target: Program, load: LoadGenerator, kind: Work['load'], count: number): Promise<number> {
  await load.run({ ...kind, target, count: Math.ceil(count / 2) })
  const before = await target.cpuMs()
  await load.run({ ...kind, target, count })
  return ((await target.cpuMs()) - before) / count
}
