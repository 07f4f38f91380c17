/** Calls that had begun when the program died: what may not happen twice happens again by the owner's word alone, and the outside is asked where it can tell. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it, type TestContext } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { JsonValue } from '../../src/contracts/json.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import type { Store } from '../../src/contracts/store.ts'
import { openStore } from '../../src/store/open-store.ts'
import { actingTool } from '../doubles/acting-tool.ts'
import { manualClock } from '../doubles/manual-clock.ts'
import { calls, says, scriptedProvider, type Scene } from '../doubles/scripted-provider.ts'
import { testGateway, type TestGateway, type TestGatewayOptions } from '../doubles/test-gateway.ts'

interface World {
  readonly turnId: string
  /** A gateway over what the one before left. Its model goes on with these scenes. `isToDie`: it keeps the outcome of no call either. `first` happens before it looks. */
  readonly next: (
    scenes: readonly Scene[],
    more?: { readonly isToDie?: boolean; readonly first?: (cara: TestGateway) => Promise<unknown> },
  ) => Promise<TestGateway>
}

/** Asks for one call, and dies before its outcome is kept. `begun` resolves when the effect has happened. */
async function cutOff(
  t: TestContext,
  call: readonly [string, JsonValue],
  begun: (cara: TestGateway) => boolean | Promise<boolean>,
  more: Partial<TestGatewayOptions> = {},
): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-begun-'))
  const died = Promise.withResolvers<never>()
  died.promise.catch(() => undefined)
  const clock = manualClock()
  const forgetful = async (path: string): Promise<Store> => {
    const store = await openStore({ path, synchronous: 'normal' })
    const append: Store['turns']['append'] = (turn, steps, now) =>
      steps.some(({ kind }) => kind === 'tool-result') ? died.promise : store.turns.append(turn, steps, now)
    return { ...store, turns: { ...store.turns, append } }
  }
  const open = (scenes: readonly Scene[], isToDie: boolean) =>
    testGateway({ ...more, providers: [scriptedProvider('fake', scenes)], folder, clock, ...(isToDie ? { openStore: forgetful } : {}) })
  let cara = await open([calls(call)], true)
  t.after(async () => {
    died.reject(new Error('the process died'))
    await cara.crash()
    await rm(folder, { recursive: true, force: true })
  })
  const parts = [{ type: 'text', text: 'go', origin: OWNER }] as const
  const { turnId } = await cara.gateway.submit({ door: 'test', sender: { kind: 'owner' }, sessionKey: 'main', parts, options: {} })
  while (!(await begun(cara))) await sleep(2)
  return {
    turnId,
    async next(scenes, { isToDie = false, first } = {}) {
      await cara.crash()
      cara = await open(scenes, isToDie)
      await first?.(cara)
      await cara.recover()
      return cara
    },
  }
}

async function questions(cara: TestGateway, turnId: string) {
  const end = await cara.next(turnId)
  assert.ok(!('turnId' in end), 'the owner is asked')
  return end
}

async function outcome(cara: TestGateway, turnId: string) {
  const end = await cara.next(turnId)
  assert.ok('turnId' in end, 'the turn has ended')
  assert.equal(end.status, 'completed')
  assert.equal(end.toolCalls.length, 1)
  return end.toolCalls[0]
}

describe('a call that must not happen twice', () => {
  it('is asked about, and runs again once for each word of the owner', async (t) => {
    const { tool, times } = actingTool()
    const world = await cutOff(t, ['act', { to: 'somebody' }], () => times() === 1, { tools: [tool] })
    const second = await world.next([], { isToDie: true })
    const [first] = await questions(second, world.turnId)
    assert.partialDeepStrictEqual(first, { tool: 'act', input: { to: 'somebody' }, holds: [{ rule: 'effectUnknown' }], unlocks: ['once'], status: 'pending' })
    assert.equal(times(), 1)
    await second.answer(first === undefined ? [] : [first], { decision: 'allow' })
    while (times() < 2) await sleep(2)
    // It was cut off again: that is another question.
    const third = await world.next([says('done')])
    const [again] = await questions(third, world.turnId)
    assert.notEqual(again?.id, first?.id)
    assert.equal(times(), 2)
    await third.answer(again === undefined ? [] : [again], { decision: 'allow' })
    assert.partialDeepStrictEqual(await outcome(third, world.turnId), { output: 'acted 3', isError: false })
    assert.equal(times(), 3)
  })

  it('is taken as done where he says so, and stays unknown where he says nothing', async (t) => {
    const { tool, times } = actingTool()
    const denied = await cutOff(t, ['act', {}], () => times() === 1, { tools: [tool] })
    const second = await denied.next([says('done')])
    await second.answer(await questions(second, denied.turnId), { decision: 'deny' })
    assert.partialDeepStrictEqual(await outcome(second, denied.turnId), { isError: false })
    assert.match((await second.gateway.store.turns.result(denied.turnId))?.toolCalls[0]?.output ?? '', /takes it as done/)

    const late = await cutOff(t, ['act', {}], () => times() === 2, { tools: [tool] })
    const third = await late.next([says('done')])
    await questions(third, late.turnId)
    const { clock } = third
    if ('advance' in clock && typeof clock.advance === 'function') clock.advance(30 * 86_400_000)
    await third.expire()
    assert.match((await outcome(third, late.turnId))?.output ?? '', /^Unknown: the program stopped/)
    assert.equal(times(), 2)
  })

  it('stays unknown where nobody may be asked', async (t) => {
    for (const mode of ['deny', 'shadow'] as const) {
      const { tool, times } = actingTool()
      const world = await cutOff(t, ['act', {}], () => times() === 1, { tools: [tool], approvals: { mode } })
      const second = await world.next([says('done')])
      assert.match((await outcome(second, world.turnId))?.output ?? '', /^Unknown: the program stopped/, mode)
      assert.equal(times(), 1)
    }
  })
})

describe('a call of which the outside can tell', () => {
  it('is taken as it is, runs where it did not happen, and is asked about where nobody knows', async (t) => {
    const answers = {
      happened: async () => 'happened' as const,
      not: async () => 'not' as const,
      unknown: async () => 'unknown' as const,
      faulty: async () => Promise.reject(new Error('a defect')),
    }
    for (const [name, probe] of Object.entries(answers)) {
      const { tool, times } = actingTool({ recovery: 'probe', probe })
      const world = await cutOff(t, ['act', {}], () => times() === 1, { tools: [tool] })
      const second = await world.next([says('done')])
      if (name === 'unknown' || name === 'faulty') {
        assert.equal((await questions(second, world.turnId))[0]?.holds[0]?.rule, 'effectUnknown', name)
        assert.equal(times(), 1, name)
        continue
      }
      const { output, isError } = (await outcome(second, world.turnId)) ?? {}
      assert.deepEqual([isError, times()], [false, name === 'not' ? 2 : 1], name)
      assert.match(output ?? '', name === 'not' ? /^acted 2$/ : /^Done: this had happened before/, name)
    }
  })

  /** The tools that write to the owner's own data: a call, when it has happened, what somebody else does after that, and what is there. */
  const writes = (root: string) => {
    const at = (name: string) => join(root, name)
    const content = (name: string) => readFile(at(name), 'utf8').catch(() => null)
    const note = async ({ gateway }: TestGateway) => (await gateway.store.memory.read('tea'))?.value ?? null
    return [
      {
        call: ['file_write', { path: at('log.txt'), content: 'line\n', mode: 'append' }],
        state: () => content('log.txt'),
        after: 'line\n',
        change: () => writeFile(at('log.txt'), 'line\nmine\n'),
      },
      {
        call: ['file_move', { source: at('old.txt'), destination: at('new.txt') }],
        state: async () => [await content('old.txt'), await content('new.txt')],
        after: [null, 'old'],
        change: () => writeFile(at('new.txt'), 'mine'),
      },
      {
        call: ['memory_write', { key: 'tea', value: 'green' }],
        state: note,
        after: 'green',
        change: ({ gateway }: TestGateway) => gateway.store.memory.write({ key: 'tea', value: 'black', origin: OWNER, now: 5 }),
      },
    ] as const
  }

  for (const then of ['left', 'changed', 'taken back'] as const)
    it(`is not done twice where what it wrote was ${then}, and nothing that somebody did since is lost`, async (t) => {
      for (let index = 0; index < 3; index++) {
        const root = await realpath(await mkdtemp(join(tmpdir(), 'carapace-begun-files-')))
        t.after(() => rm(root, { recursive: true, force: true }))
        await writeFile(join(root, 'old.txt'), 'old')
        const one = writes(root)[index]
        assert.ok(one !== undefined)
        const { call, state, after, change } = one
        const isDone = async (cara: TestGateway) => isDeepStrictEqual(await state(cara), after)
        const world = await cutOff(t, call, isDone, { filesystem: { roots: [root], writeAccess: true } })
        let before: unknown = null
        const second = await world.next([says('done')], {
          async first(cara) {
            if (then === 'changed') await change(cara)
            const [step] = await cara.undo.list({ limit: 1 })
            if (then === 'taken back') await cara.undo.apply(step?.id ?? '', { force: false })
            before = await state(cara)
          },
        })
        if (then === 'changed') {
          const asked = await questions(second, world.turnId)
          assert.equal(asked[0]?.holds[0]?.rule, 'effectUnknown', call[0])
          await second.answer(asked, { decision: 'deny' })
        }
        assert.match((await outcome(second, world.turnId))?.output ?? '', then === 'changed' ? /takes it as done/ : /^Done: this had happened/, call[0])
        assert.deepEqual(await state(second), before, call[0])
        assert.equal(isDeepStrictEqual(before, after), then === 'left')
      }
    })
})
