import { newId } from '../std/ids.ts'
import { AppError } from '../contracts/errors.ts'
import type { Database, Entry, Row, Session, SessionList, SessionStore, SqlValue, Statement, Texts } from '../contracts/store.ts'
import { forgetQuestions } from './approvals.ts'
import { forgetSettled } from './outbox.ts'
import { integer, isMessage, json, text, textOrNull } from './rows.ts'
import { entryRow } from './sealed-columns.ts'

/** The first line of a conversation, and the upsert that makes or touches it. Used by `open` and by the commit that accepts a message. */
export function touchSession(key: string, messages: number, now: number): Statement {
  return {
    sql: `INSERT INTO sessions (id, key, message_count, created_at, last_activity_at) VALUES ($1, $2, $3, $4, $4)
      ON CONFLICT (key) DO UPDATE SET message_count = sessions.message_count + $3, last_activity_at = $4`,
    params: [newId('ses', now), key, messages, now],
  }
}

export function createSessionStore(database: Database): SessionStore {
  const { texts } = database
  const toSession = (row: Row): Session => sessionOf(row, texts)
  const toEntry = (row: Row): Entry => entryOf(row, texts)

  /** Where a query cannot look into titles. */
  async function searchSealed(search: string, limit: number, offset: number): Promise<SessionList> {
    const rows = await database.query('SELECT * FROM sessions ORDER BY last_activity_at DESC, id DESC', [])
    const wanted = search.toLowerCase()
    const found = rows.map(toSession).filter(({ key, title }) => key.toLowerCase().includes(wanted) || (title ?? '').toLowerCase().includes(wanted))
    return { sessions: found.slice(offset, offset + limit), total: found.length }
  }
  async function one(column: 'key' | 'id', value: string): Promise<Session | null> {
    const rows = await database.query(`SELECT * FROM sessions WHERE ${column} = $1`, [value])
    return rows[0] === undefined ? null : toSession(rows[0])
  }

  async function existing(key: string): Promise<Session> {
    const session = await one('key', key)
    if (session === null) throw new AppError('session/not-found', key, { hint: 'See the keys with: cara sessions list' })
    return session
  }

  return {
    async open(key, now) {
      const known = await one('key', key)
      if (known !== null) return known
      await database.commit([touchSession(key, 0, now)])
      return existing(key)
    },
    find: (key) => one('key', key),
    get: (id) => one('id', id),
    async list({ limit, offset, search }) {
      if (search !== undefined && texts.isSealed) return searchSealed(search, limit, offset)
      const where = search === undefined ? '' : `WHERE lower(key) LIKE lower($3) ESCAPE '\\' OR lower(title) LIKE lower($3) ESCAPE '\\'`
      const like: SqlValue[] = search === undefined ? [] : [`%${search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`]
      const rows = await database.query(`SELECT * FROM sessions ${where} ORDER BY last_activity_at DESC, id DESC LIMIT $1 OFFSET $2`, [limit, offset, ...like])
      const count = await database.query(`SELECT count(*) AS total FROM sessions ${where.replaceAll('$3', '$1')}`, like)
      return { sessions: rows.map(toSession), total: count[0] === undefined ? 0 : integer(count[0], 'total') }
    },
    async rename(key, change) {
      const session = await existing(key)
      const taken = change.key !== undefined && change.key !== key ? await one('key', change.key) : null
      if (taken !== null) throw new AppError('session/exists', taken.key)
      const next = { key: change.key ?? key, title: change.title ?? session.title, model: change.model === undefined ? session.model : change.model }
      await database.commit([
        {
          sql: 'UPDATE sessions SET key = $2, title = $3, model = $4 WHERE id = $1',
          params: [session.id, next.key, next.title === null ? null : texts.seal('sessions.title', session.id, next.title), next.model],
          expectChanges: 1,
        },
      ])
      return { ...session, ...next }
    },
    async reset(key, now) {
      const { id } = await existing(key)
      await database.commit([
        ...forget(id),
        {
          sql: `UPDATE sessions SET message_count = 0, untrusted = 0, private = 0, summary = NULL, summary_until = 0, summary_tokens = 0,
            last_activity_at = $2 WHERE id = $1`,
          params: [id, now],
        },
      ])
    },
    async delete(key) {
      const session = await one('key', key)
      if (session === null) return false
      await database.commit([...forget(session.id), { sql: 'DELETE FROM sessions WHERE id = $1', params: [session.id] }])
      return true
    },
    async tail(sessionId, { limit, afterId = 0, beforeId = Number.MAX_SAFE_INTEGER }) {
      const rows = await database.query(
        `SELECT id, turn_id, kind, tokens, data, at FROM entries
          WHERE session_id = $1 AND id > $2 AND id < $3 AND kind <> 'intent' ORDER BY id DESC LIMIT $4`,
        [sessionId, afterId, beforeId, limit],
      )
      return rows.map(toEntry).toReversed()
    },
    async head(sessionId, { limit, afterId }) {
      const rows = await database.query(
        `SELECT id, turn_id, kind, tokens, data, at FROM entries WHERE session_id = $1 AND id > $2 AND kind <> 'intent' ORDER BY id LIMIT $3`,
        [sessionId, afterId, limit],
      )
      return rows.map(toEntry)
    },
    async summary(sessionId) {
      const rows = await database.query('SELECT summary, summary_until, summary_tokens, untrusted, private FROM sessions WHERE id = $1', [sessionId])
      const row = rows[0]
      if (row === undefined || row['summary'] === null) return null
      return {
        text: texts.open('sessions.summary', sessionId, text(row, 'summary')),
        coversUntil: integer(row, 'summary_until'),
        tokens: integer(row, 'summary_tokens'),
        taint: taintOf(row),
      }
    },
    async saveSummary(sessionId, summary) {
      // A summary never un-taints: what it stands for stays seen.
      await database.commit([
        {
          sql: `UPDATE sessions SET summary = $2, summary_until = $3, summary_tokens = $4, untrusted = untrusted | $5, private = private | $6
            WHERE id = $1 AND summary_until < $3`,
          params: [
            sessionId,
            texts.seal('sessions.summary', sessionId, summary.text),
            summary.coversUntil,
            summary.tokens,
            Number(summary.taint.untrusted),
            Number(summary.taint.private),
          ],
        },
      ])
    },
  }
}

/** A turn that still runs keeps its own row, so that its end finds it. */
function forget(sessionId: string): readonly Statement[] {
  return [
    { sql: 'DELETE FROM entries WHERE session_id = $1', params: [sessionId] },
    ...forgetQuestions(sessionId),
    forgetSettled(sessionId),
    { sql: 'DELETE FROM turns WHERE session_id = $1 AND finished = 1', params: [sessionId] },
  ]
}

function sessionOf(row: Row, texts: Texts): Session {
  const id = text(row, 'id')
  const title = textOrNull(row, 'title')
  return {
    id,
    key: text(row, 'key'),
    title: title === null ? null : texts.open('sessions.title', id, title),
    model: textOrNull(row, 'model'),
    messageCount: integer(row, 'message_count'),
    taint: taintOf(row),
    createdAt: integer(row, 'created_at'),
    lastActivityAt: integer(row, 'last_activity_at'),
  }
}

function taintOf(row: Row): { readonly untrusted: boolean; readonly private: boolean } {
  return { untrusted: row['untrusted'] === 1, private: row['private'] === 1 }
}

function entryOf(row: Row, texts: Texts): Entry {
  const [turnId, at] = [textOrNull(row, 'turn_id'), integer(row, 'at')]
  return {
    id: integer(row, 'id'),
    turnId,
    message: json(texts.open('entries.data', entryRow(turnId, text(row, 'kind'), at), text(row, 'data')), isMessage),
    tokens: integer(row, 'tokens'),
    at,
  }
}
