/** The short form of `npm run cluster-test`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { installPostgres } from '../doubles/postgres-server.ts'
import { storm } from './cluster-storm.ts'

const missing = installPostgres()

test(
  'loses nothing and does nothing twice while nodes are killed and the database is cut',
  { skip: missing !== null && missing, timeout: 170_000 },
  async (t) => {
    const result = await storm({ conversations: 60, messagesEach: 2, kills: 3, betweenKillsMs: 3000, cutMs: 1500, say: (line) => t.diagnostic(line) })
    t.diagnostic(JSON.stringify(result))
    assert.deepEqual({ lost: result.lost, duplicates: result.duplicates, disordered: result.disordered }, { lost: 0, duplicates: 0, disordered: 0 })
    assert.ok(result.takeovers.p99 < 10_000, `${result.takeovers.p99} ms`)
  },
)
