/** What stays on disk of a turn: growth of database and log over many turns, measured between two orderly stops, less the text itself. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench, Setting } from './support/bench.ts'
import { atMost, type Figure } from './support/figure.ts'
import { startLoadGenerator, USER_TEXT } from './support/load.ts'
import type { Program } from './support/process.ts'
import { startGateway, startUpstream } from './support/servers.ts'
import { sum } from './support/stats.ts'

const FILES = ['carapace.db', 'carapace.db-wal', 'logs/gateway.log', 'logs/gateway.log.1']
/** Of the fake model's short answer. */
const REPLY_BYTES = Buffer.byteLength('word0 '.repeat(8))
const LIMIT_BYTES = 4096

export const keptBytes: Bench = {
  name: 'kept-bytes',
  title: 'Kept on disk per turn, beside its text',
  async run(setting) {
    const upstream = await startUpstream(setting.checkout)
    const turns = setting.quick ? 300 : 1000
    const figures = [await measure('without a session', setting, upstream, turns), await measure('in a session', setting, upstream, turns, 'bench')]
    await upstream.stop()
    return figures
  },
}

async function measure(name: string, { checkout }: Setting, upstream: Program, turns: number, session?: string): Promise<Figure> {
  const stateDir = await checkout.folder()
  const run = async (count: number) => {
    const gateway = await startGateway(checkout, { upstream, stateDir })
    const load = startLoadGenerator()
    await load.run({ target: gateway, atOnce: session === undefined ? 8 : 1, count, ...(session === undefined ? {} : { session }) })
    load.stop()
    await gateway.stop()
    return sum(await Promise.all(FILES.map((file) => sizeOf(join(stateDir, file)))))
  }
  const before = await run(100)
  const after = await run(turns)
  const text = Buffer.byteLength(USER_TEXT) + REPLY_BYTES
  return {
    name,
    value: (after - before) / turns - text,
    unit: 'bytes',
    reference: { name: 'text', value: text },
    bar: atMost(LIMIT_BYTES),
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  )
}
