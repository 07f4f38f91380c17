/** A gateway on a shared store that takes turns as fast as it can: `URL NAME AT_ONCE MS`. Says `ready`, begins when it is told, and prints how many turns it ended. */
import { once } from 'node:events'
import { Cluster } from '../../src/gateway/cluster/cluster.ts'
import { systemClock } from '../../src/std/clock.ts'
import { openStore } from '../../src/store/open-store.ts'
import { says, scriptedProvider } from '../../test/doubles/scripted-provider.ts'
import { testGateway } from '../../test/doubles/test-gateway.ts'

const [url = '', name = '', atOnce = '1', ms = '1000'] = process.argv.slice(2)
const cara = await testGateway({
  providers: [scriptedProvider('fake', () => says('Fine, thank you.'))],
  realTime: true,
  agent: { maxConcurrentTurns: Number(atOnce) },
  openStore: () => openStore({ path: '', url, synchronous: 'full' }),
  joins: (store, log) => {
    if (store.cluster === null) throw new Error('the store is not shared')
    const facts = () => ({ host: 'bench', pid: process.pid, version: 'bench', config: 'bench', settings: 0, settingsFault: null })
    return new Cluster({ cluster: store.cluster, turns: store.turns, facts, clock: systemClock, log })
  },
})
await cara.recover()
process.stdout.write('ready\n')
await once(process.stdin, 'data')
const until = performance.now() + Number(ms)
let turns = 0
await Promise.all(
  Array.from({ length: Number(atOnce) }, async (_, worker) => {
    while (performance.now() < until) {
      await cara.ask('How are you?', { sessionKey: `bench-${name}-${worker}-${Math.floor(performance.now() / 250)}` })
      turns++
    }
  }),
)
process.stdout.write(`${turns}\n`)
await cara.close()
process.exit(0)
