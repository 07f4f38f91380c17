/** Every write of a long day fails once, on the embedded engine. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openSqlite } from '../../src/store/sqlite-database.ts'
import { errands } from './errands.ts'
import { longDay } from './every-write.ts'
import { failEachWrite, type Place } from './fail-each-write.ts'
import { taskDay } from './task-day.ts'

const placeIn = async (folder: string): Promise<Place> => ({
  open: async () => openSqlite({ path: join(folder, 'carapace.db'), synchronous: 'normal' }),
  close: async () => undefined,
})

describe('every write of a day', () => {
  for (const failure of ['unwritten', 'unflushed'] as const) {
    it(`fails once (${failure}), and whatever must hold between rows holds before the next start and after it`, async () => {
      const writes = await failEachWrite(longDay, failure, placeIn)
      assert.ok(writes > 50, `${writes} writes`)
    })

    it(`of errands fails once (${failure}), and no message and no run of a job is lost or there twice`, async () => {
      const writes = await failEachWrite(errands, failure, placeIn)
      assert.ok(writes > 50, `${writes} writes`)
    })

    it(`of tasks fails once (${failure}), and no task is lost and no try made twice`, async () => {
      const writes = await failEachWrite(taskDay, failure, placeIn)
      assert.ok(writes > 20, `${writes} writes`)
    })
  }
})
