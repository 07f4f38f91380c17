/** Counts of wrong credentials, for a minute. They are no secret and no text; an address goes when it counts no more. */
import * as z from 'zod/mini'
import type { Signal } from '../contracts/cluster.ts'
import { ATTEMPTS_COUNT_MS, keptLimits, type KeptCount, type LimitStore } from '../contracts/limits.ts'
import type { Database, Statement } from '../contracts/store.ts'
import { integer, text } from './rows.ts'

/** Read at once at most; more than a node remembers. */
const MAX_READ = 20_000
export const limitKind = z.enum(['credentials', 'passwords', 'strangers', 'pairing'])

export function createLimitStore(database: Database): LimitStore {
  const { signals } = database
  return {
    async add(counted, now, node) {
      const over = now - ATTEMPTS_COUNT_MS
      const kept = counted.filter(({ kind }) => keptLimits.includes(kind))
      const told: Signal = { kind: 'limits', counted: counted.map(({ kind, key, times }) => [kind, key, times]), node }
      await database.commit([
        ...(kept.length === 0 ? [] : [forgetting(over)]),
        ...kept.map(({ kind, key, times }): Statement => {
          // What was right after all takes back what is kept, and leaves nothing where that is gone.
          if (times < 0) return { sql: 'UPDATE attempts SET count = count + $3 WHERE kind = $1 AND key = $2', params: [kind, key, times] }
          return {
            sql: `INSERT INTO attempts (kind, key, since, count) VALUES ($1, $2, $3, $4)
              ON CONFLICT (kind, key) DO UPDATE SET count = attempts.count + excluded.count`,
            params: [kind, key, now, times],
          }
        }),
        ...(signals === null ? [] : [signals.statement(JSON.stringify(told))]),
      ])
    },
    async recent(now) {
      const rows = await database.query(`SELECT kind, key, since, count FROM attempts WHERE since > $1 ORDER BY since DESC LIMIT ${MAX_READ}`, [
        now - ATTEMPTS_COUNT_MS,
      ])
      return rows.map((row): KeptCount => {
        return {
          kind: limitKind.parse(text(row, 'kind')),
          key: text(row, 'key'),
          count: integer(row, 'count'),
          ageMs: Math.max(0, now - integer(row, 'since')),
        }
      })
    },
  }
}

function forgetting(over: number): Statement {
  return { sql: 'DELETE FROM attempts WHERE since <= $1', params: [over] }
}
