/**
 * A conversation as it would have grown: its lines, its finished turns, their usage, and a summary of all but the newest lines. Written in one commit, because a hundred
 * thousand real turns take minutes.
 */
import { estimateTokens } from '../../src/std/token-estimate.ts'
import { newId } from '../../src/std/ids.ts'
import { messageTokens } from '../../src/contracts/message-tokens.ts'
import type { Message } from '../../src/contracts/message.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import type { Statement } from '../../src/contracts/store.ts'
import { migrate } from '../../src/store/migrations.ts'
import { touchSession } from '../../src/store/sessions.ts'
import { openSqlite } from '../../src/store/sqlite-database.ts'

/** `agent.context.keepMessages` as it is by default. */
const KEPT_LINES = 16
const SUMMARY = 'They talked about the garden, the boat and the trip in May. Open: which harbour. '.repeat(12)
const TURN_MS = 60_000

export async function fillHistory(path: string, key: string, messages: number): Promise<void> {
  const database = openSqlite({ path, synchronous: 'normal' })
  await migrate(database)
  const startedAt = Date.now() - messages * TURN_MS
  const statements: Statement[] = [touchSession(key, messages, Date.now())]
  for (let index = 0; index < messages / 2; index++) statements.push(...turn(key, index, startedAt + index * TURN_MS))
  if (messages > KEPT_LINES) {
    statements.push({
      sql: `UPDATE sessions SET summary = $2, summary_tokens = $3, summary_until =
          (SELECT id FROM entries WHERE session_id = sessions.id ORDER BY id DESC LIMIT 1 OFFSET $4) WHERE key = $1`,
      params: [key, SUMMARY, estimateTokens(SUMMARY), KEPT_LINES],
      expectChanges: 1,
    })
  }
  await database.commit(statements)
  await database.close()
}

const INSERT_ENTRY = `INSERT INTO entries (session_id, turn_id, kind, tokens, data, at) VALUES ((SELECT id FROM sessions WHERE key = $1), $2, $3, $4, $5, $6)`

function turn(key: string, index: number, at: number): readonly Statement[] {
  const id = newId('turn', at)
  const asked: Message = { role: 'user', parts: [{ type: 'text', text: `Question ${index}: what did we say about the boat and the garden?`, origin: OWNER }] }
  const origin = { author: { kind: 'model', name: 'openai:short' }, trust: 'trusted', private: false } as const
  const said: Message = { role: 'assistant', parts: [{ type: 'text', text: `Answer ${index}: the boat goes first, the garden can wait until May.`, origin }] }
  const line = (kind: string, message: Message): Statement => ({
    sql: INSERT_ENTRY,
    params: [key, id, kind, messageTokens(message), JSON.stringify(message), at],
  })
  const usage = { inputTokens: 300, outputTokens: 20, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
  const result = {
    turnId: id,
    sessionKey: key,
    status: 'completed',
    finishReason: 'stop',
    clientToolCalls: [],
    model: 'openai:short',
    usage,
    costUsd: null,
    error: null,
    durationMs: 900,
  }
  return [
    {
      sql: `INSERT INTO turns (id, session_id, begun, finished, request, result, accepted_at)
        VALUES ($1, (SELECT id FROM sessions WHERE key = $2), 1, 1, '{}', $3, $4)`,
      params: [id, key, JSON.stringify(result), at],
    },
    line('user', asked),
    line('reply', said),
    {
      sql: `INSERT INTO usage (turn_id, session_id, model, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_usd, at)
        VALUES ($1, (SELECT id FROM sessions WHERE key = $2), $3, $4, $5, 0, 0, 0, NULL, $6)`,
      params: [id, key, result.model, usage.inputTokens, usage.outputTokens, at],
    },
  ]
}
