/** The same tests over a store on either engine: a file, and a database of a real PostgreSQL. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe } from 'node:test'
import type { Store } from '../../src/contracts/store.ts'
import { openStore } from '../../src/store/open-store.ts'
import { installPostgres, startPostgres } from './postgres-server.ts'

/** `tests` gets the way to the store of its engine, which is open while they run; its texts are sealed. */
export async function onBothEngines(title: string, tests: (store: () => Store) => void): Promise<void> {
  const missing = installPostgres()
  const server = missing === null ? await startPostgres() : null
  after(() => server?.stop())
  for (const engine of ['SQLite', 'PostgreSQL'] as const) {
    describe(`${title} on ${engine}`, { skip: engine === 'PostgreSQL' && missing !== null && missing }, () => {
      let folder = ''
      let store: Store | null = null
      before(async () => {
        folder = await mkdtemp(join(tmpdir(), 'carapace-engine-'))
        const url = engine === 'PostgreSQL' ? await server?.create() : undefined
        store = await openStore({ path: join(folder, 'carapace.db'), url, synchronous: 'normal', encrypt: { isOn: true, key: () => Buffer.alloc(32, 7) } })
      })
      after(async () => {
        await store?.close()
        await rm(folder, { recursive: true, force: true })
      })
      tests(() => {
        if (store === null) throw new Error('the store is not open yet')
        return store
      })
    })
  }
}
