import { AppError } from '../contracts/errors.ts'
import type { Database, Statement } from '../contracts/store.ts'
import { ASLEEP, type HeldTurn, type TurnLeases } from '../contracts/turn-lease.ts'
import { integer, text } from './rows.ts'
import { isConflict, stands } from './stands.ts'

export function createTurnLeases(database: Database): TurnLeases {
  return {
    isShared: database.isShared,
    async claim(turnId, { owner, until }, lapsed) {
      const taken: Statement = {
        sql: `UPDATE turns SET owner = $2, lease_until = $3, fence = fence + 1
          WHERE id = $1 AND finished = 0 AND (owner IS NULL OR owner = $2 OR lease_until <= $4)`,
        params: [turnId, owner, until, lapsed],
        expectChanges: 1,
      }
      if (!(await stands(database.commit([taken])))) return null
      const rows = await database.query('SELECT fence FROM turns WHERE id = $1 AND owner = $2', [turnId, owner])
      return rows[0] === undefined ? null : integer(rows[0], 'fence')
    },
    async sleep(turn, until, maxMs) {
      const { turnId, fence } = turn
      const asleep: Statement = {
        sql: `UPDATE turns SET owner = '${ASLEEP}', lease_until = $3 WHERE id = $1 AND finished = 0 AND fence = $2 AND accepted_at >= $4`,
        params: [turnId, fence, until, until - maxMs],
        expectChanges: 1,
      }
      if (await stands(database.commit([asleep]))) return true
      await assertHeld(database, turn)
      return false
    },
    async sleepsUntil(turnId) {
      const rows = await database.query(`SELECT lease_until FROM turns WHERE id = $1 AND finished = 0 AND owner = '${ASLEEP}'`, [turnId])
      return rows[0] === undefined ? null : integer(rows[0], 'lease_until')
    },
    wake: (turnId) =>
      database.commit([{ sql: `UPDATE turns SET owner = NULL, lease_until = NULL WHERE id = $1 AND finished = 0 AND owner = '${ASLEEP}'`, params: [turnId] }]),
    renew: ({ owner, until }) =>
      database.commit([{ sql: 'UPDATE turns SET lease_until = $2 WHERE finished = 0 AND lease_until IS NOT NULL AND owner = $1', params: [owner, until] }]),
    async lapsed(now, limit) {
      const rows = await database.query('SELECT id FROM turns WHERE finished = 0 AND lease_until <= $1 ORDER BY lease_until LIMIT $2', [now, limit])
      return rows.map((row) => text(row, 'id'))
    },
  }
}

/** Part of the commit after which the turn waits: nobody holds it, and nothing but a claim goes on with it. */
export function releaseTurn({ turnId, fence }: Pick<HeldTurn, 'turnId' | 'fence'>): Statement {
  return {
    sql: 'UPDATE turns SET owner = NULL, lease_until = NULL WHERE id = $1 AND finished = 0 AND fence = $2',
    params: [turnId, fence],
    expectChanges: 1,
  }
}

/** Throws `turn/lost`. */
export async function assertHeld(database: Database, { turnId, fence }: Pick<HeldTurn, 'turnId' | 'fence'>): Promise<void> {
  const held = await database.query('SELECT 1 AS held FROM turns WHERE id = $1 AND finished = 0 AND fence = $2', [turnId, fence])
  if (held.length === 0) throw new AppError('turn/lost')
}

/** What a commit of the journal says of its turn, so that it stands only while the fence does: for `INSERT … SELECT … FROM turns`. */
export function whileHeld(database: Database, id: string, fence: string): string {
  // Where commits run beside each other, nobody may take the turn between this look and the commit.
  return `FROM turns WHERE turns.id = ${id} AND turns.finished = 0 AND turns.fence = ${fence}${database.isShared ? ' FOR SHARE' : ''}`
}

/** A fenced commit that changed nothing: somebody else has taken the turn, or ended it. */
export async function fenced(commit: Promise<void>): Promise<void> {
  try {
    await commit
  } catch (error) {
    throw isConflict(error) ? new AppError('turn/lost', undefined, { cause: error }) : error
  }
}
