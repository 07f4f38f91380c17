/** A restore that is killed at each of its steps: after the next start there is the old state or the new one, never something of both. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, it } from 'node:test'
import { backUp } from '../../src/app/backup.ts'
import { checkDatabase } from '../../src/app/database.ts'
import { createServices } from '../../src/app/services.ts'
import { resolvePaths } from '../../src/config/paths.ts'
import { AppError } from '../../src/contracts/errors.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import { isRestoring } from '../../src/store/backup/restore-places.ts'
import { openStore } from '../../src/store/open-store.ts'

const PROGRAM = resolve(import.meta.dirname, 'restore-until.ts')
const root = mkdtempSync(join(tmpdir(), 'carapace-restore-'))
after(() => rmSync(root, { recursive: true, force: true }))

const envOf = (folder: string) => ({
  HOME: folder,
  CARAPACE_STATE_DIR: join(folder, 'state'),
  CARAPACE_CONFIG_PATH: join(folder, 'carapace.json5'),
  CARAPACE_KEY_STORE: 'file',
})

/** A state folder that a gateway has used, marked everywhere with its name. */
async function lived(name: string, extra: readonly string[]): Promise<string> {
  const folder = join(root, name)
  mkdirSync(folder)
  writeFileSync(join(folder, 'carapace.json5'), `{ gateway: { port: 0 }, agent: { systemPrompt: '${name}' } }`, { mode: 0o600 })
  const running = await createServices(envOf(folder)).startGateway({ embedded: true })
  await running.stop()
  const state = join(folder, 'state')
  const store = await openStore({ path: join(state, 'carapace.db'), synchronous: 'normal' })
  await store.memory.write({ key: 'note', value: name, origin: OWNER, now: 1 })
  await store.close()
  for (const each of extra) {
    mkdirSync(join(state, each), { recursive: true, mode: 0o700 })
    writeFileSync(join(state, each, 'mark'), name, { mode: 0o600 })
  }
  return folder
}

/** By which name everything is marked; a folder that is not there counts for neither. */
async function marks(folder: string): Promise<readonly string[]> {
  const state = join(folder, 'state')
  const store = await openStore({ path: join(state, 'carapace.db'), synchronous: 'normal' })
  const note = (await store.memory.read('note'))?.value ?? 'nothing'
  await store.close()
  const config = /systemPrompt: '(\w+)'/.exec(readFileSync(join(folder, 'carapace.json5'), 'utf8'))?.[1] ?? 'nothing'
  const found = ['extra', 'undo'].flatMap((each) => (existsSync(join(state, each, 'mark')) ? [readFileSync(join(state, each, 'mark'), 'utf8')] : []))
  return [note, config, ...found]
}

describe('a restore', () => {
  it('killed at any step leaves the old state or the new one, and the next start ends what was begun', async () => {
    const fresh = await lived('fresh', ['extra'])
    const old = await lived('old', ['extra', 'undo'])
    const file = join(root, 'fresh.backup')
    await backUp(envOf(fresh), resolvePaths(envOf(fresh)), { output: file, keys: true, password: null })
    const seen = new Set<string>()
    let step = 0
    for (;;) {
      const folder = join(root, `killed-${++step}`)
      cpSync(old, folder, { recursive: true })
      const paths = resolvePaths(envOf(folder))
      const done = spawnSync(process.execPath, [PROGRAM, folder, file, String(step)], { encoding: 'utf8' })
      if (done.signal === null) {
        assert.equal(done.status, 0, done.stderr)
        assert.deepEqual([...new Set(await marks(folder))], ['fresh'])
        break
      }
      const isBegun = isRestoring(paths.stateDir)
      if (isBegun)
        await assert.rejects(checkDatabase(envOf(folder), paths), (error) => error instanceof AppError && error.code === 'state/restoring', `step ${step}`)
      const running = await createServices(envOf(folder)).startGateway({ embedded: true })
      await running.stop()
      const found = [...new Set(await marks(folder))]
      assert.equal(found.length, 1, `step ${step}: ${found.join()}`)
      seen.add(`${found[0]}`)
      if (isBegun) assert.equal(found[0], 'fresh', `step ${step}`)
      // The copies of the old one are gone with it: the new database does not know them.
      if (found[0] === 'fresh') assert.ok(!existsSync(join(paths.undo, 'mark')), `step ${step}`)
      assert.deepEqual((await checkDatabase(envOf(folder), paths)).problems, [], `step ${step}`)
      if (isBegun) assert.ok(!existsSync(join(paths.stateDir, 'restore')), `step ${step}`)
      rmSync(folder, { recursive: true })
    }
    assert.ok(step > 8, `only ${step} steps`)
    assert.deepEqual([...seen].toSorted(), ['fresh', 'old'])
  })
})
