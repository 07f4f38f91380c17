/** A disk that is full or read-only, a database that is locked or damaged: a clear word and what to do, nothing acknowledged lost, and on it goes once the cause is gone. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it, type TestContext } from 'node:test'
import { AppError } from '../../src/contracts/errors.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import { openStore } from '../../src/store/open-store.ts'
import { cleanEnvironment, runProgram, startProgram } from '../doubles/gateway-process.ts'
import { says, scriptedProvider } from '../doubles/scripted-provider.ts'
import { smallDisk, smallDiskMissing } from '../doubles/small-disk.ts'
import { testGateway } from '../doubles/test-gateway.ts'

const missing = smallDiskMissing()

function disk(t: TestContext, megabytes: number) {
  const made = smallDisk(megabytes)
  t.after(() => made.remove())
  return made
}

const isFull = (error: unknown) =>
  error instanceof AppError && error.code === 'store/unavailable' && /disk is full/.test(error.message) && error.hint !== undefined
const answering = () => scriptedProvider('fake', () => says('answered'))

describe('a full disk', { skip: missing !== null && missing }, () => {
  it('refuses what it cannot keep, loses nothing that it kept, and goes on once there is room', async (t) => {
    const { folder, fill, empty } = disk(t, 12)
    const cara = await testGateway({ providers: [answering()], folder })
    assert.equal((await cara.ask('before')).result.text, 'answered')
    fill(200_000)
    const kept: string[] = []
    const refusals: unknown[] = []
    for (let index = 0; index < 40; index++) {
      const key = `note-${index}`
      await cara.gateway.store.memory.write({ key, value: 'x'.repeat(20_000), origin: OWNER, now: 1 }).then(
        () => kept.push(key),
        (error: unknown) => refusals.push(error),
      )
    }
    const [refused] = refusals
    assert.ok(isFull(refused), String(refused))
    assert.ok(kept.length > 0)
    await assert.rejects(cara.ask(`y${'y'.repeat(50_000)}`), isFull)
    assert.match(cara.gateway.status().notReady.join(), /disk is full/)
    empty()
    assert.equal((await cara.ask('after')).result.text, 'answered')
    assert.deepEqual(cara.gateway.status().notReady, [])
    for (const key of kept) assert.equal((await cara.gateway.store.memory.read(key))?.value.length, 20_000)
    assert.deepEqual(await cara.gateway.store.check(), [])
    await cara.crash()
  })

  it('is named by a start, which works once there is room, with everything that was kept', async (t) => {
    const { folder, fill, empty } = disk(t, 12)
    const env = cleanEnvironment(folder)
    const first = startProgram(env)
    await first.ready()
    const client = await first.connect()
    await client.call('chat.send', { message: 'hello', sessionKey: 'main', idempotencyKey: 'k', wait: true })
    await client.close()
    await first.kill()
    fill()
    const refused = await startProgram(env).ended
    assert.equal(refused.code, 1)
    assert.match(refused.err, /disk is full|cannot be written/)
    assert.doesNotMatch(refused.err, /inside carapace/)
    const backup = await runProgram(['backup', '-o', join(folder, 'b.backup')], env).ended
    assert.equal(backup.code, 1)
    assert.doesNotMatch(backup.err, /inside carapace/)
    empty()
    const again = startProgram(env)
    await again.ready()
    await again.kill()
    assert.match((await runProgram(['sessions', 'show', 'main'], env).ended).out, /hello/)
    assert.equal((await runProgram(['db', 'check'], env).ended).code, 0)
  })
})

describe('a read-only state folder', { skip: missing !== null && missing }, () => {
  it('is named by a start, can be looked at, and starts once it can be written', async (t) => {
    const { folder, readOnly } = disk(t, 12)
    const env = cleanEnvironment(folder)
    const first = startProgram(env)
    await first.ready()
    await first.kill()
    readOnly(true)
    const refused = await startProgram(env).ended
    assert.equal(refused.code, 1)
    assert.match(refused.err, /state folder|cannot be (?:written|opened)/)
    assert.match(refused.err, /Check|Set CARAPACE_STATE_DIR/)
    assert.doesNotMatch(refused.err, /inside carapace/)
    readOnly(false)
    const again = startProgram(env)
    await again.ready()
    await again.kill()
    assert.equal((await runProgram(['db', 'check'], env).ended).code, 0)
  })
})

describe('a database', () => {
  function folderOf(t: TestContext): string {
    const folder = mkdtempSync(join(tmpdir(), 'carapace-disk-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    return folder
  }

  it('that another program holds is named, and works once that lets go', { timeout: 60_000 }, async (t) => {
    const folder = folderOf(t)
    const cara = await testGateway({ providers: [answering()], folder })
    assert.equal((await cara.ask('before')).result.text, 'answered')
    const other = new DatabaseSync(join(folder, 'carapace.db'))
    other.exec('BEGIN IMMEDIATE')
    await assert.rejects(cara.ask('meanwhile'), (error) => {
      return error instanceof AppError && error.code === 'store/unavailable' && /another program holds it/.test(error.message) && error.hint !== undefined
    })
    other.exec('ROLLBACK')
    other.close()
    assert.equal((await cara.ask('after')).result.text, 'answered')
    assert.deepEqual(await cara.gateway.store.check(), [])
    await cara.crash()
  })

  it('that is damaged is named with the way back, and a backup brings everything back', { timeout: 120_000 }, async (t) => {
    const folder = folderOf(t)
    const env = cleanEnvironment(folder)
    const path = join(folder, 'state', 'carapace.db')
    const first = startProgram(env)
    await first.ready()
    await first.kill()
    const store = await openStore({ path, synchronous: 'full' })
    await store.memory.write({ key: 'note', value: 'kept', origin: OWNER, now: 1 })
    await store.close()
    const backup = join(folder, 'all.backup')
    assert.equal((await runProgram(['backup', '-o', backup, '--keys', 'with'], env).ended).code, 0)
    const bytes = readFileSync(path)
    for (const damaged of [Buffer.concat([Buffer.alloc(100, 0x41), bytes.subarray(100)]), bytes.subarray(0, bytes.length >> 1)]) {
      writeFileSync(path, damaged)
      const checked = await runProgram(['db', 'check'], env).ended
      assert.equal(checked.code, 1)
      assert.match(checked.out + checked.err, /damaged|wrong:/)
      assert.match(checked.out + checked.err, /cara restore FILE/)
      assert.equal((await runProgram(['restore', backup, '--force'], env).ended).code, 0)
      const again = await openStore({ path, synchronous: 'full' })
      assert.equal((await again.memory.read('note'))?.value, 'kept')
      assert.deepEqual(await again.check(), [])
      await again.close()
    }
  })
})
