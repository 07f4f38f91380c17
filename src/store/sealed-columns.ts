/** Every column that holds texts of people, and what identifies its row there: a line for each. What is not here stays readable: keys, names of tools and models, times, counts. */
import type { Row } from '../contracts/store.ts'
import { integer, text, textOrNull } from './rows.ts'

export interface SealedColumn {
  readonly table: string
  readonly column: string
  /** Columns that `row` reads. */
  readonly identity: readonly string[]
  readonly row: (row: Row) => string
}

const byId = { identity: ['id'], row: (row: Row) => text(row, 'id') }

/** A line of a conversation: of this turn, of this kind, of this moment. */
export function entryRow(turnId: string | null, kind: string, at: number): string {
  return `${turnId ?? ''}/${kind}/${at}`
}

/** A part of a message on its way out. */
export function partRow(row: Row): string {
  return `${text(row, 'id')}/${integer(row, 'part')}`
}

/** The run of this job for this instant. */
export function runRow(jobId: string, dueAt: number): string {
  return `${jobId}/${dueAt}`
}

export const sealedColumns: readonly SealedColumn[] = [
  {
    table: 'entries',
    column: 'data',
    identity: ['turn_id', 'kind', 'at'],
    row: (row) => entryRow(textOrNull(row, 'turn_id'), text(row, 'kind'), integer(row, 'at')),
  },
  { table: 'turns', column: 'request', ...byId },
  { table: 'turns', column: 'result', ...byId },
  { table: 'sessions', column: 'title', ...byId },
  { table: 'sessions', column: 'summary', ...byId },
  { table: 'undo_steps', column: 'summary', ...byId },
  { table: 'undo_steps', column: 'change', ...byId },
  { table: 'approvals', column: 'data', ...byId },
  { table: 'approvals', column: 'decision', ...byId },
  { table: 'grants', column: 'data', ...byId },
  { table: 'grants', column: 'shape', ...byId },
  { table: 'refusals', column: 'why', ...byId },
  { table: 'refusals', column: 'evidence', ...byId },
  { table: 'refusals', column: 'hint', ...byId },
  { table: 'shadow_calls', column: 'data', ...byId },
  { table: 'outbox', column: 'text', identity: ['id', 'part'], row: partRow },
  { table: 'jobs', column: 'data', ...byId },
  { table: 'jobs', column: 'marks', ...byId },
  { table: 'job_runs', column: 'note', identity: ['job_id', 'due_at'], row: (row) => runRow(text(row, 'job_id'), integer(row, 'due_at')) },
  { table: 'shared_settings', column: 'value', identity: ['path'], row: (row) => text(row, 'path') },
  { table: 'tasks', column: 'data', ...byId },
  { table: 'tasks', column: 'last_error', ...byId },
  { table: 'memory', column: 'value', identity: ['key'], row: (row) => text(row, 'key') },
]
