/** What the owner sees of the outbox, and his word about what did not leave. */
import type { AuditTrail } from '../../contracts/audit.ts'
import type { Clock } from '../../contracts/clock.ts'
import { AppError } from '../../contracts/errors.ts'
import type { OutboxEntry, OutboxStatus, OutboxStore } from '../../contracts/outbox.ts'
import type { Outbox } from './outbox.ts'

export interface OutboxDesk {
  /** Newest first, and the destinations that are left alone for a while. */
  list(query: { readonly status?: OutboxStatus; readonly to?: string; readonly limit: number }): Promise<OutboxOverview>
  /** `texts`: of the parts that are still kept. Throws `message/not-found`. */
  get(id: string): Promise<{ readonly entry: OutboxEntry; readonly texts: readonly string[] }>
  /** Dead messages are tried again, at their old place and at once. Throws `message/not-found`, `message/settled`. */
  retry(ids: readonly string[], by: string): Promise<readonly OutboxEntry[]>
  /** All dead ones of a destination, a thousand at most. */
  retryAll(to: string, by: string): Promise<readonly OutboxEntry[]>
  /** Gives up what waits or is dead, and forgets its text. Throws `message/not-found`, `message/settled`. */
  drop(ids: readonly string[], by: string): Promise<readonly OutboxEntry[]>
}

interface OutboxOverview {
  readonly entries: readonly OutboxEntry[]
  readonly paused: readonly { readonly to: string; readonly until: number }[]
}

interface DeskDeps {
  readonly outbox: Pick<Outbox, 'destinations' | 'pausedUntil' | 'resume'>
  readonly store: OutboxStore
  readonly audit: Pick<AuditTrail, 'keep'>
  readonly clock: Pick<Clock, 'now'>
}

const MAX_AT_ONCE = 1000
const MAX_AGE_MS = 86_400_000

export function createOutboxDesk({ outbox, store, audit, clock }: DeskDeps): OutboxDesk {
  async function find(id: string): Promise<OutboxEntry> {
    const entry = await store.get(id)
    if (entry === null) throw new AppError('message/not-found', undefined, { hint: '`cara outbox list` shows which there are' })
    return entry
  }

  /** All are looked at before the first is changed. */
  async function each(
    ids: readonly string[],
    isOpen: (entry: OutboxEntry) => boolean,
    change: (entry: OutboxEntry) => Promise<boolean>,
  ): Promise<readonly OutboxEntry[]> {
    const entries: OutboxEntry[] = []
    for (const id of new Set(ids)) entries.push(await find(id))
    const closed = entries.find((entry) => !isOpen(entry))
    if (closed !== undefined) throw settled(closed)
    for (const entry of entries) if (!(await change(entry))) throw settled(await find(entry.id))
    return Promise.all(entries.map(({ id }) => find(id)))
  }

  const desk: OutboxDesk = {
    async list(query) {
      const now = clock.now()
      const paused = outbox.destinations.map(({ name: to }) => ({ to, until: outbox.pausedUntil(to) })).filter(({ until }) => until > now)
      return { entries: await store.list(query), paused }
    },
    get: async (id) => ({ entry: await find(id), texts: await store.texts(id) }),
    async retry(ids, by) {
      const entries = await each(
        ids,
        ({ status }) => status === 'dead',
        async ({ id: entry, key: id, to }) => {
          await audit.keep({ kind: 'message-decided', id, entry, to, action: 'retried', by })
          return store.retry(entry, { now: clock.now(), expiresAt: clock.now() + MAX_AGE_MS })
        },
      )
      for (const to of new Set(entries.map((entry) => entry.to))) outbox.resume(to)
      return entries
    },
    async retryAll(to, by) {
      const dead = await store.list({ status: 'dead', to, limit: MAX_AT_ONCE })
      return desk.retry(
        dead.map(({ id }) => id),
        by,
      )
    },
    drop: (ids, by) =>
      each(
        ids,
        ({ status }) => status === 'dead' || status === 'waiting',
        async ({ id: entry, key: id, to }) => {
          await audit.keep({ kind: 'message-decided', id, entry, to, action: 'dropped', by })
          return store.drop(entry, clock.now())
        },
      ),
  }
  return desk
}

function settled({ id, status }: OutboxEntry): AppError {
  const why = { sent: 'was sent', dropped: 'was dropped', waiting: 'waits for its next attempt', dead: 'is dead' }[status]
  return new AppError('message/settled', `${id} ${why}`)
}
