/** `npm run cluster-test`: three gateways, 500 conversations, kills and a cut database; prints the table. `-- --conversations N`, `-- --kills N`. */
import { parseArgs } from 'node:util'
import { installPostgres } from '../test/doubles/postgres-server.ts'
import { storm } from '../test/faults/cluster-storm.ts'

const { values } = parseArgs({ options: { conversations: { type: 'string', default: '500' }, kills: { type: 'string', default: '12' } } })
const missing = installPostgres()
if (missing !== null) throw new Error(missing)
const result = await storm({
  conversations: Number(values.conversations),
  messagesEach: 3,
  kills: Number(values.kills),
  betweenKillsMs: 5000,
  cutMs: 4000,
  say: (line) => console.log(line),
})
const { takeovers } = result
const isGood = result.lost === 0 && result.duplicates === 0 && result.disordered === 0 && takeovers.p99 < 10_000
console.log(`
| what | measured | must be |
|---|---|---|
| messages | ${result.messages} in ${result.seconds} s | |
| nodes killed or hung | ${result.kills}, with ${takeovers.count} turns taken over | |
| lost | ${result.lost} | 0 |
| effects that happened twice | ${result.duplicates} | 0 |
| delivered again under a known key | ${result.redelivered} | |
| conversations out of order | ${result.disordered} | 0 |
| takeover p50 / p99 / longest | ${takeovers.p50} / ${takeovers.p99} / ${takeovers.max} ms | p99 < 10000 |
`)
process.exitCode = isGood ? 0 : 1
