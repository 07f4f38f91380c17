/** What gateways that share a database keep for each other: who lives, whose turn is next, and the events of turns for some minutes. */
import * as z from 'zod/mini'
import { NODE_KEPT_MS, type ClusterStore, type NodeLoad, type Signal } from '../contracts/cluster.ts'
import { AppError } from '../contracts/errors.ts'
import type { Database, Row } from '../contracts/store.ts'
import { SCHEMA } from './migrations.ts'
import { createEventLog } from './cluster-events.ts'
import { createTurnOrder } from './turn-order.ts'
import { integer, text, textOrNull } from './rows.ts'
import { limitKind } from './limits.ts'
import { createSettingsStore, SETTINGS_VERSION } from './shared-settings.ts'
import { stands } from './stands.ts'
import { createWorkLog } from './work-events.ts'

const id = z.string().check(z.maxLength(200))
const signalSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('events'), turn: id, session: z.nullable(z.string()), seq: z.int(), node: id }),
  z.object({ kind: z.literal('abort'), turns: z.array(id), reason: z.string() }),
  z.object({ kind: z.literal('approvals'), ids: z.array(id), node: id }),
  z.object({ kind: z.literal('credentials'), node: id }),
  z.object({ kind: z.literal('limits'), counted: z.array(z.tuple([limitKind, id, z.int()])), node: id }),
  z.object({ kind: z.literal('settings'), version: z.int() }),
  z.object({ kind: z.literal('work'), node: id }),
  z.object({ kind: z.literal('nodes') }),
])

/** By the clock of the database, in milliseconds: clocks of machines differ. */
const NOW = '(extract(epoch FROM clock_timestamp()) * 1000)::int8'
const COLUMNS = 'id, host, pid, url, version, schema, config, settings, settings_fault, hears, draining, started_at, seen_at'

export function createClusterStore(database: Database): ClusterStore | null {
  const { signals } = database
  if (signals === null) return null
  const send = (signal: Signal) => database.commit([signals.statement(JSON.stringify(signal))])
  return {
    events: createEventLog(database, signals),
    work: createWorkLog(database, signals),
    order: createTurnOrder(database, signals),
    settings: createSettingsStore(database, signals),
    send,
    listen: (hear, onGap) =>
      signals.listen((words) => {
        const signal = read(words)
        if (signal !== null) hear(signal)
      }, onGap),
    async beat({ id: node, host, pid, url, version, config, settings, settingsFault, hears, startedAt }) {
      await database.commit([
        {
          sql: `INSERT INTO nodes (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, ${NOW})
            ON CONFLICT (id) DO UPDATE SET hears = excluded.hears, config = excluded.config, settings = excluded.settings, settings_fault = excluded.settings_fault,
              seen_at = excluded.seen_at`,
          params: [node, host, pid, url, version, SCHEMA, config, settings, settingsFault, Number(hears), startedAt],
        },
        { sql: `DELETE FROM nodes WHERE seen_at < ${NOW} - ${NODE_KEPT_MS}`, params: [] },
      ])
      const [row] = await database.query(`SELECT ${NOW} AS now, draining, (${SETTINGS_VERSION}) AS newest FROM nodes WHERE id = $1`, [node])
      if (row === undefined) throw new AppError('store/conflict', 'this node was forgotten')
      return { now: integer(row, 'now'), draining: integer(row, 'draining') === 1, settings: Number(row['newest'] ?? 0) }
    },
    async nodes(since) {
      const rows = await database.query(
        `SELECT ${COLUMNS}, (SELECT count(*) FROM turns WHERE finished = 0 AND owner = nodes.id) AS turns FROM nodes WHERE seen_at >= $1 ORDER BY started_at, id`,
        [since],
      )
      return rows.map(toNode)
    },
    leave: (node) =>
      database.commit([{ sql: 'DELETE FROM nodes WHERE id = $1', params: [node] }, signals.statement(JSON.stringify({ kind: 'nodes' } satisfies Signal))]),
    async drain(node, draining) {
      return stands(
        database.commit([
          { sql: 'UPDATE nodes SET draining = $2 WHERE id = $1', params: [node, Number(draining)], expectChanges: 1 },
          signals.statement(JSON.stringify({ kind: 'nodes' } satisfies Signal)),
        ]),
      )
    },
  }
}

/** Null for what an older or newer node says that we do not understand. */
function read(words: string): Signal | null {
  try {
    return signalSchema.safeParse(JSON.parse(words)).data ?? null
  } catch {
    return null
  }
}

function toNode(row: Row): NodeLoad {
  return {
    id: text(row, 'id'),
    host: text(row, 'host'),
    pid: integer(row, 'pid'),
    url: text(row, 'url'),
    version: text(row, 'version'),
    schema: integer(row, 'schema'),
    config: text(row, 'config'),
    settings: integer(row, 'settings'),
    settingsFault: textOrNull(row, 'settings_fault'),
    hears: integer(row, 'hears') === 1,
    draining: integer(row, 'draining') === 1,
    startedAt: integer(row, 'started_at'),
    seenAt: integer(row, 'seen_at'),
    turns: integer(row, 'turns'),
  }
}
