/**
 * Mixed load for an hour, and whether anything grows: `npm run soak [-- --minutes 60] [--rate 30] [--warm-rate 120] [--json FILE]`. One gateway with everything on (conversations, streams,
 * sockets, tools that write, questions that are allowed and refused, messages to a webhook, bad requests), looked at from outside: resident memory, rows of every table, bytes of the store. Ends
 * with 1 when the memory has a slope beyond its noise, a table grows that no rule bounds, a request fails, or a message was lost or sent twice.
 */
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { copyCheckout } from './support/checkout.ts'
import { startGateway, startUpstream } from './support/servers.ts'
import { slopeOf } from './support/slope.ts'
import { median, quantile } from './support/stats.ts'
import { startCounter } from './soak/counter.ts'
import { mixedLoad } from './soak/mixed-load.ts'
import { grownTables, readTables } from './soak/tables.ts'

const SAMPLE_MS = 2000
const WINDOW_MS = 60_000
/** For what still waits in the outbox when the load ends. */
const DELIVERY_MS = 15_000
/** The first part, in which caches fill and code becomes hot, says nothing of a slope. Its load is heavier: when it ends, what is seldom done has been done often. */
const WARM_PART = 0.25

interface Window {
  readonly minute: number
  /** The least of its samples: what is kept, without what the next collection frees. */
  readonly residentMb: number
  readonly storeMb: number
  readonly requests: number
  readonly p50: number
  readonly p99: number
}

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string', default: '30' },
    'warm-rate': { type: 'string', default: '120' },
    json: { type: 'string' },
  },
})
const minutes = positive('minutes', options.minutes)
process.exitCode = await soak(minutes * 60_000, positive('rate', options.rate), positive('warm-rate', options['warm-rate']))

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} takes a positive number, not ${text}`)
  return value
}

async function soak(forMs: number, perSecond: number, warmPerSecond: number): Promise<number> {
  const checkout = await copyCheckout()
  const counter = await startCounter()
  const upstream = await startUpstream(checkout)
  const files = await checkout.folder()
  const gateway = await startGateway(checkout, {
    upstream,
    config: {
      filesystem: { roots: [files], writeAccess: true },
      messages: { destinations: { desk: { url: counter.url } } },
      agent: { maxConcurrentTurns: 32 },
    },
  })
  const load = mixedLoad({ gateway, files, perSecond: warmPerSecond })
  const windows: Window[] = []
  const tables = [readTables(gateway.stateDir)]
  console.log('minute  resident MB  store MB  requests  p50 ms  p99 ms')
  try {
    const startedAt = performance.now()
    const endsAt = startedAt + forMs
    while (performance.now() < endsAt) {
      if (performance.now() - startedAt >= forMs * WARM_PART) load.pace(perSecond)
      const samples: number[] = []
      const until = Math.min(endsAt, performance.now() + WINDOW_MS)
      while (performance.now() < until) {
        await sleep(Math.max(0, Math.min(SAMPLE_MS, until - performance.now())))
        samples.push(await gateway.residentMb())
      }
      const latencies = load.takeLatencies()
      const now = readTables(gateway.stateDir)
      tables.push(now)
      const window = {
        minute: windows.length + 1,
        residentMb: Math.min(...samples),
        storeMb: now.bytes / 2 ** 20,
        requests: latencies.length,
        p50: quantile(latencies, 0.5),
        p99: quantile(latencies, 0.99),
      }
      windows.push(window)
      const cells = [window.minute, window.residentMb.toFixed(1), window.storeMb.toFixed(1), window.requests, window.p50.toFixed(1), window.p99.toFixed(1)]
      console.log(cells.map((cell, index) => String(cell).padStart([6, 11, 8, 8, 6, 6][index] ?? 6)).join('  '))
    }
  } finally {
    await load.stop()
  }
  const problems = [...load.problems()]
  const wanted = load.counts()['message'] ?? 0
  const patience = performance.now() + DELIVERY_MS
  while (counter.count().distinct < wanted && performance.now() < patience) await sleep(100)
  const sent = counter.count()
  if (sent.distinct !== wanted || sent.all !== sent.distinct)
    problems.push(`${wanted} messages were sent, ${sent.distinct} arrived, ${sent.all - sent.distinct} of them twice`)
  const settled = windows.slice(Math.floor(windows.length * WARM_PART))
  const slope = slopeOf(settled.map(({ minute, residentMb }) => [minute / 60, residentMb]))
  const level = median(settled.map(({ residentMb }) => residentMb))
  if (slope.perUnit > slope.noise)
    problems.push(`resident memory grows by ${slope.perUnit.toFixed(2)} MB an hour, beyond its noise of ${slope.noise.toFixed(2)}`)
  const grown = grownTables(tables)
  for (const { table, rule } of grown) if (rule === null) problems.push(`${table} grows, and no rule bounds it`)
  console.log(
    `\nrequests by kind: ${Object.entries(load.counts())
      .map(([kind, count]) => `${kind} ${count}`)
      .join(', ')}`,
  )
  console.log(`resident after the warm-up: median ${level.toFixed(1)} MB, slope ${slope.perUnit.toFixed(2)} ± ${slope.noise.toFixed(2)} MB an hour`)
  for (const { table, from, until, rule } of grown) console.log(`table ${table}: ${from} → ${until} rows, ${rule ?? 'no rule'}`)
  console.log(problems.length === 0 ? 'nothing grows' : problems.map((problem) => `PROBLEM: ${problem}`).join('\n'))
  if (options.json !== undefined)
    await writeFile(options.json, `${JSON.stringify({ minutes: forMs / 60_000, level, slope, windows, grown, problems }, null, 2)}\n`)
  for (const program of [gateway, upstream]) await program.stop()
  await counter.stop()
  await checkout.remove()
  return problems.length === 0 ? 0 : 1
}
