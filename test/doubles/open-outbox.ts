/** The outbox as the program opens it, with a real database, receivers on loopback and a clock that the test turns. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { createDestinations } from '../../src/channels/create-destinations.ts'
import type { WebhookConfig } from '../../src/channels/webhook.ts'
import type { Receipt } from '../../src/contracts/audit.ts'
import type { OutgoingMessage } from '../../src/contracts/destination.ts'
import type { EgressFetch } from '../../src/contracts/egress.ts'
import type { OutboxEntry } from '../../src/contracts/outbox.ts'
import { Secret } from '../../src/contracts/secret.ts'
import type { Database, Store } from '../../src/contracts/store.ts'
import { Outbox, type OutboxDeps } from '../../src/gateway/outbox/outbox.ts'
import { createGuardedFetch } from '../../src/guard/guarded-fetch.ts'
import { guardDestinations } from '../../src/guard/guarded-messages.ts'
import { createTransport } from '../../src/net/transport.ts'
import { migrate } from '../../src/store/migrations.ts'
import { storeOver } from '../../src/store/open-store.ts'
import { openSqlite } from '../../src/store/sqlite-database.ts'
import { createSecretRegistry } from '../../src/telemetry/secret-registry.ts'
import { recordedLog } from './recorded-log.ts'

export interface TurnedClock {
  now(): number
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** Sleepers whose time has come wake, the earliest first, and what they do is done. */
  advance(ms: number): Promise<void>
}

/** Unlike `manualClock`: nobody wakes before the test says so. */
export function turnedClock(start = 1_700_000_000_000): TurnedClock {
  let time = start
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>()
  return {
    now: () => time,
    async sleep(ms, signal) {
      signal.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const sleeper = { at: time + ms, wake: resolve }
      sleepers.add(sleeper)
      signal.addEventListener('abort', () => {
        sleepers.delete(sleeper)
        reject(signal.reason)
      })
      await promise
    },
    async advance(ms) {
      time += ms
      for (const sleeper of [...sleepers].filter(({ at }) => at <= time).sort((a, b) => a.at - b.at)) {
        sleepers.delete(sleeper)
        sleeper.wake()
      }
      await setImmediate()
    },
  }
}

export interface OpenOutboxOptions {
  /** Names, addresses and forms. */
  readonly to: Readonly<Record<string, { readonly url: string; readonly format?: WebhookConfig['format'] }>>
  readonly folder?: string
  readonly wrap?: (database: Database) => Database
  readonly fetch?: (fetch: EgressFetch) => EgressFetch
  readonly clock?: TurnedClock
  readonly bounds?: OutboxDeps['bounds']
  readonly secrets?: readonly string[]
  readonly isShared?: boolean
  /** Instead of a database in the folder. */
  readonly open?: () => Promise<Store>
}

async function openOwn(folder: string, wrap: OpenOutboxOptions['wrap']): Promise<Store> {
  const database = openSqlite({ path: join(folder, 'carapace.db'), synchronous: 'normal' })
  await migrate(database)
  return storeOver(wrap?.(database) ?? database)
}

export interface OpenOutbox extends AsyncDisposable {
  readonly outbox: Outbox
  readonly store: Store
  readonly clock: TurnedClock
  readonly folder: string
  readonly receipts: readonly Receipt[]
  readonly lines: readonly string[]
  /** Accepts it; by default to the first destination, with its text as its key. */
  send(text: string, more?: Partial<OutgoingMessage>): ReturnType<Outbox['accept']>
  /** Turns the clock, until nothing waits; says what became of everything. */
  drained(maxMs?: number): Promise<readonly OutboxEntry[]>
  /** Waits until this holds, without turning the clock. */
  until(holds: () => boolean | Promise<boolean>): Promise<void>
  /** Ends it as a crash does: nothing more is written. */
  crash(): Promise<void>
}

export async function openOutbox(options: OpenOutboxOptions): Promise<OpenOutbox> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'carapace-outbox-')))
  const store = await (options.open ?? openOwn)(folder, options.wrap)
  const clock = options.clock ?? turnedClock()
  const transport = createTransport()
  const guarded = createGuardedFetch(transport, () => undefined)
  const secrets = createSecretRegistry()
  for (const secret of options.secrets ?? []) secrets.add(secret)
  const { log, lines } = recordedLog()
  const receipts: Receipt[] = []
  const section = Object.fromEntries(Object.entries(options.to).map(([name, { url, format = 'json' }]) => [name, { url: new Secret(url), format }]))
  const destinations = createDestinations(section, { fetch: options.fetch?.(guarded) ?? guarded, clock, log })
  const outbox = new Outbox({
    destinations: guardDestinations(destinations, secrets, [], () => undefined),
    store: store.outbox,
    audit: { note: (receipt) => void receipts.push(receipt) },
    clock,
    log,
    owner: `run_${lines.length}_${Math.random()}`,
    ...(options.bounds === undefined ? {} : { bounds: options.bounds }),
    random: () => 0.5,
  })
  await outbox.start(options.isShared ?? false)
  const [first = ''] = Object.keys(options.to)
  const until: OpenOutbox['until'] = async (holds) => {
    for (const startedAt = Date.now(); !(await holds()); await setImmediate()) if (Date.now() - startedAt > 20_000) throw new Error('it does not come')
  }
  const end = async () => {
    const closing = outbox.close(0)
    await clock.advance(0)
    await closing
    await transport.close()
    await store.close()
  }
  return {
    outbox,
    store,
    clock,
    folder,
    receipts,
    lines,
    send: (text, more = {}) => outbox.accept({ to: first, text, key: text.slice(0, 64), purpose: 'tool', turnId: 't1', sessionId: null, ...more }),
    async drained(maxMs = 2 * 86_400_000) {
      for (let waited = 0, step = 1000; waited <= maxMs; waited += step) {
        // Seconds at first, then minutes.
        if (waited > 100_000) step = 60_000
        if ((await store.outbox.heads()).length === 0) return store.outbox.list({ limit: 10_000 })
        await clock.advance(step)
        await setImmediate()
      }
      throw new Error('something waits')
    },
    until,
    crash: end,
    async [Symbol.asyncDispose]() {
      await end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
