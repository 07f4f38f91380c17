import type { Database, Row, UsageRow, UsageStore } from '../contracts/store.ts'
import { integer, text } from './rows.ts'

const DAY_MS = 86_400_000

const groups = { day: `CAST(at / ${DAY_MS} AS TEXT)`, model: 'usage.model', session: "coalesce(sessions.key, '(stateless)')" } as const

export function createUsageStore(database: Database): UsageStore {
  return {
    async summarize({ by, sinceMs }) {
      const rows = await database.query(
        `SELECT ${groups[by]} AS name, count(*) AS turns, sum(input_tokens) AS input, sum(output_tokens) AS output, sum(cache_read_tokens) AS cache_read,
            sum(cache_write_tokens) AS cache_write, sum(reasoning_tokens) AS reasoning, coalesce(sum(cost_usd), 0) AS cost, sum(CASE WHEN cost_usd IS NULL THEN 1 ELSE 0 END) AS unpriced
          FROM usage LEFT JOIN sessions ON sessions.id = usage.session_id WHERE at >= $1 GROUP BY 1 ORDER BY 1`,
        [sinceMs],
      )
      return rows.map((row) => toUsage(row, by))
    },
  }
}

function toUsage(row: Row, by: keyof typeof groups): UsageRow {
  const name = text(row, 'name')
  return {
    group: by === 'day' ? new Date(Number(name) * DAY_MS).toISOString().slice(0, 10) : name,
    turns: integer(row, 'turns'),
    usage: {
      inputTokens: integer(row, 'input'),
      outputTokens: integer(row, 'output'),
      cacheReadTokens: integer(row, 'cache_read'),
      cacheWriteTokens: integer(row, 'cache_write'),
      reasoningTokens: integer(row, 'reasoning'),
    },
    costUsd: integer(row, 'cost'),
    unpricedTurns: integer(row, 'unpriced'),
  }
}
