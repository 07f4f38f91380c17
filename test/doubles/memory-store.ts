/** Memory and sessions without a database, for tests of what stands on them. */
import type { Entry, MemoryRecord, MemoryStore, Session, SessionStore } from '../../src/contracts/store.ts'

export function memoryInMemory(records: readonly MemoryRecord[] = []): MemoryStore {
  const kept = new Map(records.map((record) => [record.key, record]))
  const all = () => [...kept.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  return {
    async write({ key, value, origin, now }) {
      kept.set(key, { key, value, origin, createdAt: kept.get(key)?.createdAt ?? now, updatedAt: now })
    },
    read: async (key) => kept.get(key) ?? null,
    list: async ({ prefix = '', limit }) =>
      all()
        .filter((record) => record.key.startsWith(prefix))
        .slice(0, limit),
    search: async (query, limit) =>
      all()
        .filter((record) => query.split(' ').every((word) => `${record.key} ${record.value}`.includes(word)))
        .slice(0, limit),
    delete: async (key) => kept.delete(key),
  }
}

/** Reading only: whoever writes sessions needs the real store. */
export function sessionsInMemory(
  stored: readonly { readonly session: Session; readonly entries: readonly Entry[] }[],
): Pick<SessionStore, 'list' | 'find' | 'tail'> {
  return {
    list: async ({ limit, offset }) => ({ sessions: stored.map((each) => each.session).slice(offset, offset + limit), total: stored.length }),
    find: async (key) => stored.find((each) => each.session.key === key)?.session ?? null,
    tail: async (id, { limit }) => stored.find((each) => each.session.id === id)?.entries.slice(-limit) ?? [],
  }
}
