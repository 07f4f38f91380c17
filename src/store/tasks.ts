/** Durable tasks. What one says is sealed; where it stands is columns, by which every claim is decided. */
import { AppError } from '../contracts/errors.ts'
import type { Database, Row, SqlValue, Statement, Texts } from '../contracts/store.ts'
import type { BlockedReason, Task, TaskClaim, TaskSpec, TaskState, TaskStore, TaskTurn } from '../contracts/task.ts'
import { ASLEEP } from '../contracts/turn-lease.ts'
import { integer, integerOrNull, isObject, json, text, textOrNull } from './rows.ts'
import { stands } from './stands.ts'

const MAX_DUE = 200
const MAX_OPEN = 10_000
const STATES: readonly string[] = ['queued', 'running', 'blocked', 'retry_wait', 'done', 'failed', 'cancelled'] satisfies TaskState[]
const REASONS: readonly string[] = ['approval_required', 'external_dependency', 'config_missing', 'operator_action_required'] satisfies BlockedReason[]
const TURNS: readonly string[] = ['runs', 'asks', 'sleeps', 'ended', 'gone'] satisfies TaskTurn[]
const NAMES = [
  'id',
  'session_key',
  'state',
  'attempts',
  'run_ids',
  'turn_id',
  'next_at',
  'run_until',
  'blocked_reason',
  'data',
  'last_error',
  'since',
  'version',
  'created_at',
  'ended_at',
] as const
const TASKS = `SELECT ${NAMES.join(', ')} FROM tasks`
const ASKS = `EXISTS (SELECT 1 FROM approvals WHERE approvals.turn_id = tasks.turn_id AND approvals.status = 'pending')`
/** Tasks with how their turns stand. */
const FOLLOWED = `SELECT ${NAMES.map((name) => `tasks.${name} AS ${name}`).join(', ')},
    CASE WHEN turns.id IS NULL THEN 'gone' WHEN turns.finished = 1 THEN 'ended' WHEN ${ASKS} THEN 'asks' WHEN turns.owner = '${ASLEEP}' THEN 'sleeps' ELSE 'runs' END AS turn
  FROM tasks LEFT JOIN turns ON turns.id = tasks.turn_id WHERE tasks.turn_id IS NOT NULL`
const OTHERWISE = `turn IN ('ended', 'gone') OR state = 'cancelled' OR (turn = 'runs' AND state = 'blocked')
  OR (turn = 'asks' AND coalesce(blocked_reason, '') <> 'approval_required') OR (turn = 'sleeps' AND coalesce(blocked_reason, '') <> 'external_dependency')`

export function createTaskStore(database: Database): TaskStore {
  const { texts } = database
  const tasks = async (where: string, params: readonly SqlValue[]) => (await database.query(`${TASKS} ${where}`, params)).map((row) => toTask(texts, row))

  /** To the first of `params`. Nothing is written where there is none. */
  const bringForward = async (where: string, params: readonly SqlValue[]) => {
    const found = await database.query(`SELECT 1 AS one FROM tasks WHERE ended_at IS NULL AND (${where}) LIMIT 1`, params)
    if (found.length > 0) await database.commit([{ sql: `UPDATE tasks SET next_at = $1, version = version + 1 WHERE ended_at IS NULL AND (${where})`, params }])
  }

  return {
    async add(task, maxOpen) {
      const places = NAMES.map((_, index) => `$${index + 1}`).join(', ')
      const added = await stands(
        database.commit([
          {
            sql: `INSERT INTO tasks (${NAMES.join(', ')}) SELECT ${places} WHERE (SELECT count(*) FROM tasks WHERE ended_at IS NULL) < $${NAMES.length + 1}`,
            params: [...columns(texts, task), maxOpen],
            expectChanges: 1,
          },
        ]),
      )
      if (!added) throw new AppError('task/full')
    },
    get: async (id) => (await tasks('WHERE id = $1', [id]))[0] ?? null,
    list: ({ state, limit }) =>
      state === undefined
        ? tasks('ORDER BY created_at DESC, id DESC LIMIT $1', [limit])
        : tasks('WHERE state = $2 ORDER BY created_at DESC, id DESC LIMIT $1', [limit, state]),
    open: () => tasks(`WHERE ended_at IS NULL ORDER BY created_at, id LIMIT ${MAX_OPEN}`, []),
    hasOpen: async () => (await database.query('SELECT 1 AS one FROM tasks WHERE ended_at IS NULL LIMIT 1', [])).length > 0,
    due: (now, limit) => tasks('WHERE next_at <= $1 AND turn_id IS NULL ORDER BY next_at, id LIMIT $2', [now, limit]),
    overdue: (now) => tasks(`WHERE next_at <= $1 AND turn_id IS NOT NULL ORDER BY next_at, id LIMIT ${MAX_DUE}`, [now]),
    async nextDue(now) {
      const [row] = await database.query('SELECT min(next_at) AS n FROM tasks WHERE next_at > $1', [now])
      return row === undefined ? null : integerOrNull(row, 'n')
    },
    async running() {
      const [row] = await database.query(`SELECT count(*) AS n FROM tasks WHERE turn_id IS NOT NULL AND state = 'running'`, [])
      return row === undefined ? 0 : integer(row, 'n')
    },
    async turns() {
      const rows = await database.query(`SELECT id, turn_id FROM tasks WHERE turn_id IS NOT NULL LIMIT ${MAX_OPEN}`, [])
      return new Map(rows.map((row) => [text(row, 'turn_id'), text(row, 'id')]))
    },
    async outdated(id) {
      const [only, params] = id === undefined ? ['', []] : ['AND tasks.id = $1', [id]]
      const rows = await database.query(`SELECT * FROM (${FOLLOWED} ${only}) AS followed WHERE ${OTHERWISE} ORDER BY since, id LIMIT ${MAX_DUE}`, params)
      return rows.map((row) => ({ task: toTask(texts, row), turn: toTurn(row) }))
    },
    replace: (task, version) => {
      const sets = NAMES.flatMap((name, index) => (name === 'id' ? [] : [`${name} = $${index + 1}`])).join(', ')
      const sql = `UPDATE tasks SET ${sets} WHERE id = $1 AND version = $${NAMES.length + 1}`
      return stands(database.commit([{ sql, params: [...columns(texts, task), version], expectChanges: 1 }]))
    },
    rewind: (now, latest) => bringForward(`(state = 'queued' AND next_at > $1) OR (state = 'retry_wait' AND next_at > $2)`, [now, latest]),
    unblock: (now) => bringForward(`state = 'blocked' AND blocked_reason = 'config_missing' AND (next_at IS NULL OR next_at > $1)`, [now]),
  }
}

/** Part of the commit that accepts a turn. Whoever comes second changes nothing, and that is a conflict. */
export function takeTask({ taskId, version, attempts, until }: TaskClaim, turnId: string, now: number): Statement {
  return {
    sql: `UPDATE tasks SET state = 'running', attempts = $3, run_ids = run_ids || ' ' || $4, turn_id = $4, next_at = $5, run_until = $5, blocked_reason = NULL, since = $6,
        version = version + 1 WHERE id = $1 AND version = $2 AND turn_id IS NULL AND ended_at IS NULL`,
    params: [taskId, version, attempts, turnId, until, now],
    expectChanges: 1,
  }
}

/** In the order of `NAMES`. */
function columns(texts: Texts, task: Task): readonly SqlValue[] {
  const { id, sessionKey, state, attempts, runIds, turnId, nextAt, runUntil, blockedReason, lastError, since, version, createdAt, endedAt } = task
  const { prompt, origin, model, policy, credential, by, begunAt } = task
  const spec: TaskSpec = { prompt, origin, model, policy, credential, by, begunAt }
  const data = texts.seal('tasks.data', id, JSON.stringify(spec))
  const error = lastError === null ? null : texts.seal('tasks.last_error', id, lastError)
  const runs = runIds.map((runId) => ` ${runId}`).join('')
  return [id, sessionKey, state, attempts, runs, turnId, nextAt, runUntil, blockedReason, data, error, since, version, createdAt, endedAt]
}

function toTask(texts: Texts, row: Row): Task {
  const [id, state, blockedReason, error] = [text(row, 'id'), text(row, 'state'), textOrNull(row, 'blocked_reason'), textOrNull(row, 'last_error')]
  if (!isState(state) || !isReason(blockedReason)) throw new AppError('store/corrupt', 'a task of no known state')
  return {
    ...json(texts.open('tasks.data', id, text(row, 'data')), isSpec),
    id,
    sessionKey: text(row, 'session_key'),
    state,
    attempts: integer(row, 'attempts'),
    runIds: text(row, 'run_ids')
      .split(' ')
      .filter((runId) => runId !== ''),
    turnId: textOrNull(row, 'turn_id'),
    nextAt: integerOrNull(row, 'next_at'),
    runUntil: integerOrNull(row, 'run_until'),
    blockedReason,
    lastError: error === null ? null : texts.open('tasks.last_error', id, error),
    since: integer(row, 'since'),
    version: integer(row, 'version'),
    createdAt: integer(row, 'created_at'),
    endedAt: integerOrNull(row, 'ended_at'),
  }
}

function toTurn(row: Row): TaskTurn {
  const turn = text(row, 'turn')
  if (!isTurn(turn)) throw new AppError('store/corrupt', 'a turn of no known state')
  return turn
}

function isState(state: string): state is TaskState {
  return STATES.includes(state)
}

function isTurn(turn: string): turn is TaskTurn {
  return TURNS.includes(turn)
}

function isReason(reason: string | null): reason is BlockedReason | null {
  return reason === null || REASONS.includes(reason)
}

function isSpec(value: unknown): value is TaskSpec {
  return (
    isObject(value) &&
    isObject(value['origin']) &&
    isObject(value['policy']) &&
    typeof value['prompt'] === 'string' &&
    typeof value['by'] === 'string' &&
    typeof value['begunAt'] === 'number'
  )
}
