import { DEAD_MS } from '../contracts/cluster.ts'
import { AppError } from '../contracts/errors.ts'
import type { Database } from '../contracts/store.ts'
import { SCHEMA, schemaOf } from './migrations.ts'
import { integer } from './rows.ts'

/** A new schema would end the older ones in the middle of their work: that takes the owner's word. Throws `store/in-use`. */
export async function refuseWhileOlderOnesRun(database: Database): Promise<void> {
  const [known] = await database.query(`SELECT count(*) AS found FROM pg_tables WHERE schemaname = current_schema() AND tablename IN ('meta', 'nodes')`, [])
  if (known === undefined || integer(known, 'found') < 2 || (await schemaOf(database)) >= SCHEMA) return
  const [older] = await database.query(
    `SELECT count(*) AS found FROM nodes WHERE schema < $1 AND seen_at >= (extract(epoch FROM clock_timestamp()) * 1000)::int8 - $2`,
    [SCHEMA, DEAD_MS],
  )
  const count = older === undefined ? 0 : integer(older, 'found')
  if (count === 0) return
  throw new AppError('store/in-use', `${count} of them`, { hint: 'Stop them first, or let this one change the database under them: cara start --migrate' })
}
