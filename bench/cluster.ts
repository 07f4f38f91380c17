/** Gateways that share a PostgreSQL: whole turns with their journal, events and leases, against the bare commits of the same database. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import postgres from 'postgres'
import { installPostgres, startPostgres } from '../test/doubles/postgres-server.ts'
import type { Bench } from './support/bench.ts'
import type { Figure } from './support/figure.ts'

const AT_ONCE = 16
const PROGRAM = join(import.meta.dirname, 'programs', 'cluster-node.ts')
/** As long as the rows of a short turn. */
const ROW = 'x'.repeat(400)

export const cluster: Bench = {
  name: 'cluster',
  title: 'Gateways that share a PostgreSQL (every commit flushed)',
  async run({ quick }) {
    const missing = installPostgres()
    if (missing !== null) {
      console.log(`cluster: ${missing}`)
      return []
    }
    const server = await startPostgres({ isDurable: true })
    try {
      const ms = quick ? 2000 : 8000
      const value = await commitRate(await server.create(), ms)
      const reference = { name: `bare commits, ${AT_ONCE} at once`, value }
      const figures: Figure[] = []
      for (const nodes of [1, 2, 3]) {
        const name = `whole turns, ${nodes} gateway${nodes === 1 ? '' : 's'}, ${AT_ONCE} conversations on each`
        figures.push({ name, value: await turnRate(await server.create(), nodes, ms), unit: 'turns/s', reference })
      }
      return figures
    } finally {
      await server.stop()
    }
  },
}

async function commitRate(url: string, ms: number): Promise<number> {
  const sql = postgres(url, { max: AT_ONCE, onnotice: () => undefined })
  await sql`CREATE TABLE rows (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data TEXT NOT NULL)`
  let commits = 0
  const until = performance.now() + ms
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (; performance.now() < until; commits++) await sql`INSERT INTO rows (data) VALUES (${ROW})`
    }),
  )
  await sql.end()
  return (commits * 1000) / ms
}

async function turnRate(url: string, nodes: number, ms: number): Promise<number> {
  const running = Array.from({ length: nodes }, (_, index) => {
    const child = spawn(process.execPath, [PROGRAM, url, String(index), String(AT_ONCE), String(ms)], { stdio: ['pipe', 'pipe', 'inherit'] })
    return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
  })
  try {
    for (const { lines } of running) if ((await lines.next()).value !== 'ready') throw new Error('a gateway did not start')
    for (const { child } of running) child.stdin.write('go\n')
    let turns = 0
    for (const { lines } of running) turns += Number((await lines.next()).value)
    return (turns * 1000) / ms
  } finally {
    for (const { child } of running) child.kill('SIGKILL')
  }
}
