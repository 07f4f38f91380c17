/**
 * Measures what the README quotes, each figure beside its reference of the same run:
 *
 *   npm run bench [-- --quick] [--only NAME]… [--json FILE] [--strict]
 *
 * `--strict` ends with 1 when a bar is missed.
 */
import { writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { cluster } from './cluster.ts'
import { localCommands } from './commands.ts'
import { completions } from './completions.ts'
import { cpu } from './cpu.ts'
import { guard } from './guard.ts'
import { history } from './history.ts'
import { keptBytes } from './kept-bytes.ts'
import { ledger } from './ledger.ts'
import { memory } from './memory.ts'
import { requestSize } from './request-size.ts'
import { start } from './start.ts'
import type { Bench } from './support/bench.ts'
import { copyCheckout } from './support/checkout.ts'
import { judge, type Judged } from './support/figure.ts'
import { table } from './support/table.ts'

const benches: readonly Bench[] = [start, memory, completions, cpu, history, requestSize, keptBytes, guard, ledger, cluster, localCommands]

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    only: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
  },
})
process.exitCode = await run(choose(options.only))

function choose(names: readonly string[] | undefined): readonly Bench[] {
  if (names === undefined) return benches
  const unknown = names.find((name) => !benches.some((bench) => bench.name === name))
  if (unknown !== undefined) throw new Error(`no bench is named ${unknown}: there are ${benches.map(({ name }) => name).join(', ')}`)
  return benches.filter(({ name }) => names.includes(name))
}

async function run(chosen: readonly Bench[]): Promise<number> {
  const machine = {
    node: process.version,
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    quick: options.quick,
    at: new Date().toISOString(),
  }
  console.log(`Node ${machine.node}, ${machine.cores} cores, ${machine.processor}${options.quick ? ', quick (not to be quoted)' : ''}\n`)
  const startedAt = performance.now()
  const checkout = await copyCheckout()
  const found: Record<string, readonly Judged[]> = {}
  try {
    for (const bench of chosen) {
      const figures = (await bench.run({ checkout, quick: options.quick })).map(judge)
      found[bench.name] = figures
      console.log(table(bench.title, figures))
    }
  } finally {
    await checkout.remove()
  }
  const missed = Object.values(found)
    .flat()
    .filter(({ ok }) => ok === false).length
  console.log(`${missed === 0 ? 'every bar is met' : `${missed} missed`}, ${Math.round((performance.now() - startedAt) / 1000)} s`)
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify({ ...machine, benches: found }, null, 2)}\n`)
  return missed > 0 && options.strict ? 1 : 0
}
