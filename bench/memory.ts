import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from './support/bench.ts'
import { atMostTimes } from './support/figure.ts'
import { startLoadGenerator, type LoadGenerator } from './support/load.ts'
import type { Program } from './support/process.ts'
import { startBareServer, startGateway, startUpstream } from './support/servers.ts'
import { median } from './support/stats.ts'

const REST_MS = 1000
const TURNS = 1000

export const memory: Bench = {
  name: 'memory',
  title: 'Resident memory',
  async run({ checkout, quick }) {
    const upstream = await startUpstream(checkout)
    const load = startLoadGenerator()
    const own: Resident[] = []
    const bare: Resident[] = []
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      bare.push(await measure(await startBareServer(checkout), load))
      own.push(await measure(await startGateway(checkout, { upstream }), load))
    }
    load.stop()
    await upstream.stop()
    const reference = (pick: (one: Resident) => number) => ({ name: 'bare node:http', value: median(bare.map(pick)) })
    return [
      { name: 'idle', value: median(own.map(({ idle }) => idle)), unit: 'MB', reference: reference(({ idle }) => idle), bar: atMostTimes(2) },
      { name: `after ${TURNS} turns`, value: median(own.map(({ used }) => used)), unit: 'MB', reference: reference(({ used }) => used) },
    ]
  },
}

interface Resident {
  readonly idle: number
  readonly used: number
}

async function measure(program: Program, load: LoadGenerator): Promise<Resident> {
  await sleep(REST_MS)
  const idle = await program.residentMb()
  await load.run({ target: program, atOnce: 8, count: TURNS })
  await sleep(REST_MS)
  const used = await program.residentMb()
  await program.stop()
  return { idle, used }
}
