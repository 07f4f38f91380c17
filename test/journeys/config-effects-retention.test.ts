/** The section `retention`: what the owner sees when he changes a key. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { dbPruneResult } from '../../src/contracts/ws/data.ts'
import { openSqlite } from '../../src/store/sqlite-database.ts'
import { configuredGateway } from '../doubles/configured-gateway.ts'

const DAY_MS = 86_400_000

/** Beside the gateway, rows of each kind that are six days old. */
const SIX_DAYS_OLD = [
  `INSERT INTO sessions (id, key, created_at, last_activity_at) VALUES ('ses_idle', 'idle', $1, $1)`,
  `INSERT INTO entries (session_id, turn_id, kind, tokens, data, at) SELECT id, 'turn_old', 'reply', 1, '{"role":"assistant","parts":[]}', $1 FROM sessions WHERE key = 'main'`,
  `INSERT INTO turns (id, session_id, begun, finished, request, accepted_at) SELECT 'turn_old', id, 1, 1, '{}', $1 FROM sessions WHERE key = 'main'`,
  `INSERT INTO turns (id, session_id, begun, finished, request, accepted_at) VALUES ('turn_alone', NULL, 1, 1, '{}', $1)`,
  `INSERT INTO usage (turn_id, model, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, at) VALUES ('turn_old', 'm', 1, 1, 0, 0, 0, $1)`,
  `INSERT INTO refusals (id, checkpoint, rule, why, at) VALUES ('ref_old', 'toolCall', 'policyAllows', 'it is denied', $1)`,
  `INSERT INTO approvals (id, turn_id, batch, call_id, effect_id, tool, hash, status, data, created_at, expires_at, decided_at)
    VALUES ('ask_old', 'turn_old', 'b', 'c', 'e', 'exec', 'h', 'cancelled', '{}', $1, $1, $1)`,
  `INSERT INTO outbox (id, part, parts, key, destination, lane, purpose, status, bytes, due_at, expires_at, created_at, settled_at)
    VALUES ('out_old', 1, 1, 'k', 'd', 'd', 'tool', 'sent', 1, $1, $1, $1, $1)`,
]

async function forgotten(retention: Readonly<Record<string, number>>): Promise<Readonly<Record<string, number>>> {
  await using cara = await configuredGateway({ retention })
  await cara.chat('hello')
  const beside = openSqlite({ path: join(cara.folder, 'state', 'carapace.db'), synchronous: 'normal' })
  await beside.commit(SIX_DAYS_OLD.map((sql) => ({ sql, params: [Date.now() - 6 * DAY_MS] })))
  await beside.close()
  const result = dbPruneResult.parse(await cara.client.call('db.prune')).forgotten
  return result
}

describe('retention', () => {
  it('keeps what is six days old as long as nothing says otherwise', async () => {
    assert.deepEqual(await forgotten({}), {})
  })

  for (const [key, table] of [
    ['conversationDays', 'sessions'],
    ['messageDays', 'entries'],
    ['turnDays', 'turns'],
    ['statelessDays', 'turns'],
    ['usageDays', 'usage'],
    ['refusalDays', 'refusals'],
    ['approvalDays', 'approvals'],
    ['outboxDays', 'outbox'],
  ] as const) {
    it(`${key} forgets it in ${table}, and there alone`, async () => {
      assert.deepEqual(await forgotten({ [key]: 5 }), { [table]: 1 })
    })
  }
})
