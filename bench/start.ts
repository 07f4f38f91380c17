import { median } from './support/stats.ts'
import { startBareServer, startGateway, startUpstream } from './support/servers.ts'
import { atMostTimes } from './support/figure.ts'
import type { Bench } from './support/bench.ts'

export const start: Bench = {
  name: 'start',
  title: 'Start to the first /health',
  async run({ checkout, quick }) {
    const upstream = await startUpstream(checkout)
    const own: number[] = []
    const bare: number[] = []
    // The first round only warms the compile cache.
    for (let round = 0; round <= (quick ? 4 : 11); round++) {
      const server = await startBareServer(checkout)
      await server.stop()
      const gateway = await startGateway(checkout, { upstream })
      await gateway.stop()
      if (round === 0) continue
      bare.push(server.startedInMs)
      own.push(gateway.startedInMs)
    }
    await upstream.stop()
    return [
      {
        name: './cara start',
        value: median(own),
        unit: 'ms',
        reference: { name: 'bare node:http', value: median(bare) },
        bar: atMostTimes(5),
        note: 'median; through the launcher, on an empty state folder, compile cache warm',
      },
    ]
  },
}
