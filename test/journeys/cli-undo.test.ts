import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OWNER } from '../../src/contracts/origin.ts'
import { hashOfRecord } from '../../src/tools/memory.ts'
import { openDoors, type OpenDoors } from '../doubles/open-doors.ts'
import { cara } from './cli-fixture.ts'

/** As if tools had written these notes, in this order. */
async function written(doors: OpenDoors, notes: readonly (readonly [turn: string, key: string, before: string | null, value: string])[]): Promise<void> {
  const { memory, undo } = doors.gateway.store
  for (const [index, [turnId, key, before, value]] of notes.entries()) {
    const call = { turnId, callId: `c${index}`, effectId: `e${index}`, sessionId: null, tool: 'memory_write' }
    const change = {
      kind: 'memory' as const,
      key,
      before: before === null ? null : { value: before, origin: OWNER },
      after: hashOfRecord({ value, origin: OWNER }),
    }
    await undo.add(call, { id: `undo_${index}`, summary: `replaced ${key} \u001b[2J\u202e`, change, at: 1000 + index })
    await memory.write({ key, value, origin: OWNER, now: 1000 })
  }
}

test('cara undo lists, and takes back one, the last, or all of a turn', async () => {
  await using running = await openDoors()
  const { memory } = running.gateway.store
  assert.equal((await cara(['undo'], { running })).out, 'nothing was written\n')
  await written(running, [
    ['turn_1', 'a', null, 'one'],
    ['turn_2', 'a', 'one', 'two'],
    ['turn_2', 'a', 'two', 'three'],
    ['turn_3', 'b', null, 'bee'],
  ])
  const { out } = await cara(['undo'], { running })
  assert.deepEqual(out.match(/undo_\d/g), ['undo_3', 'undo_2', 'undo_1', 'undo_0'])
  // oxlint-disable-next-line no-control-regex -- none may be there
  assert.doesNotMatch(out, /[\u001b\u202e]/, 'what a model wrote cannot steer the terminal')
  assert.match((await cara(['undo', '--last'], { running })).out, /^taken back: replaced b/)
  assert.equal(await memory.read('b'), null)
  const whole = await cara(['undo', '--run', 'turn_2', '--json'], { running })
  assert.deepEqual(
    JSON.parse(whole.out).undone.map(({ id }: { readonly id: string }) => id),
    ['undo_2', 'undo_1'],
  )
  assert.equal((await memory.read('a'))?.value, 'one')
  await memory.write({ key: 'a', value: 'changed since', origin: OWNER, now: 2000 })
  const refused = await cara(['undo', 'undo_0'], { running })
  assert.deepEqual([refused.code, (await memory.read('a'))?.value], [1, 'changed since'])
  assert.match(refused.err, /changed since.*\n.*--force/s)
  assert.equal((await cara(['undo', 'undo_0', '--force'], { running })).code, 0)
  assert.equal(await memory.read('a'), null)
  for (const argv of [['--last'], ['--run', 'turn_9'], ['undo_9'], ['undo_0']])
    assert.equal((await cara(['undo', ...argv], { running })).code, 1, argv.join(' '))
  assert.equal((await cara(['undo', 'undo_1', '--last'], { running })).code, 2)
})
