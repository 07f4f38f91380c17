/** A gateway with scheduled work on a clock that tests turn: nothing runs before `look`. */
import { coreSections, type CoreConfig } from '../../src/config/schema.ts'
import { AppError } from '../../src/contracts/errors.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import type { JobAuthor, JobRun } from '../../src/contracts/schedule.ts'
import type { AuditTrail } from '../../src/contracts/audit.ts'
import type { Store } from '../../src/contracts/store.ts'
import type { Announcer, Announcement } from '../../src/gateway/announce.ts'
import type { ConditionDeps } from '../../src/gateway/schedule/check-conditions.ts'
import { createSchedule, type ScheduleControl } from '../../src/gateway/schedule/create-schedule.ts'
import { JobBook } from '../../src/gateway/schedule/job-book.ts'
import { manualClock, type ManualClock } from './manual-clock.ts'
import { taskBookOver } from './task-book.ts'
import { testGateway, type TestGateway, type TestGatewayOptions } from './test-gateway.ts'

export const byOwner: JobAuthor = { origin: OWNER, credential: null, by: 'owner' }

export interface ScheduledGateway extends ScheduleControl {
  readonly gateway: TestGateway
  readonly clock: ManualClock
  readonly announced: readonly Announcement[]
  /** Looks, and waits until every run that came of it has ended. */
  settle(): Promise<void>
  /** Moves both clocks, the steady one too. */
  pass(ms: number): void
  /** Sets the clock; the steady one goes on. */
  set(at: number): void
  /** `due status note`, the oldest first; the instant as ISO text to the minute. */
  ran(name?: string): Promise<readonly string[]>
  runs(name?: string): Promise<readonly JobRun[]>
  crash(): Promise<void>
  close(): Promise<void>
}

export interface ScheduledOptions extends TestGatewayOptions {
  readonly at?: string
  readonly cron?: Partial<CoreConfig['cron']>
  readonly destinations?: readonly string[]
  readonly announce?: Announcer['announce']
  readonly maySend?: (credential: string) => boolean
}

export async function scheduledGateway(options: ScheduledOptions): Promise<ScheduledGateway> {
  const clock = options.clock ?? manualClock(Date.parse(options.at ?? '2026-03-10T12:00:00Z'))
  let steady = 0
  const announced: Announcement[] = []
  const destinations = (options.destinations ?? []).map(
    (name) => ({ name, kind: 'webhook', format: 'json', host: 'hooks.example', signed: false, keyed: true }) as const,
  )
  const config = coreSections.cron.parse({ timeZone: 'UTC', ...options.cron })
  const log = silent
  const bookOver = (kept: Store, audit: AuditTrail) =>
    new JobBook({ store: kept.jobs, config, destinations, timeZone: 'UTC', audit, now: () => clock.now(), log })
  const jobTools = (kept: Store, audit: AuditTrail) => ({ book: bookOver(kept, audit), turnOf: (turnId: string) => kept.turns.open(turnId) })
  const taskBook = (kept: Store, audit: AuditTrail) => taskBookOver(kept, audit, () => clock.now(), config.enabled)
  // Books of their own: what a tool makes does not run before a look.
  const taskTools = (kept: Store, audit: AuditTrail) => ({ tasks: taskBook(kept, audit), turnOf: (turnId: string) => kept.turns.open(turnId) })
  const gateway = await testGateway({ ...options, clock, jobs: jobTools, tasks: taskTools })
  const { store } = gateway.gateway
  const book = bookOver(store, gateway.audit)
  const announcer: Announcer = {
    destinations,
    announce: async (announcement) => {
      announced.push(announcement)
      return (
        (await options.announce?.(announcement)) ?? { id: announcement.id ?? '', host: 'hooks.example', outcome: async () => ({ status: 'sent' }) as const }
      )
    },
  }
  const maySend = options.maySend ?? (() => true)
  const conditions: ConditionDeps = {
    memory: store.memory,
    files: { roots: [], excludePatterns: [], maxReadBytes: 1024, writeAccess: false, protectedPaths: [], ...options.filesystem },
    fetch: options.fetch ?? (() => Promise.reject(new AppError('net/unreachable'))),
    timeZone: book.timeZone,
  }
  const schedule = createSchedule({
    gateway: gateway.gateway,
    store,
    book,
    taskBook: taskBook(store, gateway.audit),
    announcer,
    config,
    isBrief: false,
    conditions,
    maySend,
    clock,
    monotonic: () => steady,
    log,
  })
  const { jobs } = schedule

  async function runs(name?: string): Promise<readonly JobRun[]> {
    return (await jobs.runs({ limit: 1000, ...(name === undefined ? {} : { name }) })).toSorted((a, b) => a.dueAt - b.dueAt)
  }
  async function idle(): Promise<void> {
    for (let tries = 0; tries < 10_000; tries++) {
      await schedule.look()
      const tasks = (await store.tasks.running()) + (await store.tasks.outdated()).length + (await store.tasks.due(clock.now(), 1)).length
      const open = (await store.jobs.running()).filter(({ status }) => status === 'running' || status === 'sending')
      const waiting = await Promise.all(open.map(async ({ turnId }) => turnId !== null && (await store.approvals.pending(turnId)) > 0))
      if (tasks === 0 && waiting.every((isAsking) => isAsking)) return
      await new Promise((resolve) => setImmediate(resolve))
    }
    throw new AppError('internal', 'runs that never end')
  }
  return {
    ...schedule,
    gateway,
    clock,
    announced,
    settle: idle,
    pass(ms) {
      clock.advance(ms)
      steady += ms
    },
    set: (at) => clock.advance(at - clock.now()),
    runs,
    ran: async (name) =>
      (await runs(name)).map(({ dueAt, status, note }) => `${new Date(dueAt).toISOString().slice(0, 16)} ${status}${note === null ? '' : ` (${note})`}`),
    async crash() {
      schedule.stop()
      await gateway.crash()
    },
    async close() {
      schedule.stop()
      await gateway.close()
    },
  }
}

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, child: () => silent }
