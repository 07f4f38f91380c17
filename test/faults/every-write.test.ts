/** Every write of a long day fails once, on the embedded engine. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openSqlite } from '../../src/store/sqlite-database.ts'
import { failEveryWrite } from './every-write.ts'

describe('every write of a day', () => {
  for (const failure of ['unwritten', 'unflushed'] as const) {
    it(`fails once (${failure}), and whatever must hold between rows holds before the next start and after it`, async () => {
      const writes = await failEveryWrite(failure, async (folder) => ({
        open: async () => openSqlite({ path: join(folder, 'carapace.db'), synchronous: 'normal' }),
        close: async () => undefined,
      }))
      assert.ok(writes > 50, `${writes} writes`)
    })
  }
})
