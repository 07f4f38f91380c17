/** Claims that are renewed while something is sent: how often, all together, and not at all otherwise. */
import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { describe, it } from 'node:test'
import type { HeldPart } from '../../src/contracts/outbox.ts'
import { HeldParts } from '../../src/gateway/outbox/held-parts.ts'
import { turnedClock } from '../doubles/open-outbox.ts'
import { recordedLog } from '../doubles/recorded-log.ts'

const part = (id: string): HeldPart => ({ id, part: 1, fence: 3 })

function held() {
  const turned = turnedClock(0)
  const renewed: { readonly ids: readonly string[]; readonly until: number }[] = []
  const state = { sleeping: 0, fails: false }
  const { log, lines } = recordedLog()
  const parts = new HeldParts({
    owner: 'run_1',
    clock: {
      now: () => turned.now(),
      async sleep(ms, signal) {
        state.sleeping++
        await turned.sleep(ms, signal).finally(() => state.sleeping--)
      },
    },
    log,
    store: {
      async renew(all, { owner, until }) {
        assert.equal(owner, 'run_1')
        if (state.fails) throw new Error('the disk is full')
        renewed.push({ ids: all.map(({ id, fence }) => `${id}:${fence}`), until })
      },
    },
  })
  const advance = async (ms: number) => {
    await turned.advance(ms)
    await setImmediate()
  }
  return { parts, renewed, state, lines, advance }
}

describe('claims of what is being sent', () => {
  it('are renewed every two seconds, all in one statement, and nothing waits when nothing is sent', async () => {
    const { parts, renewed, state, advance } = held()
    const ids = () => renewed.at(-1)?.ids
    assert.equal(state.sleeping, 0)
    const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
    const one = parts.while(part('out_1'), () => first.promise)
    await advance(1000)
    const two = parts.while(part('out_2'), () => second.promise)
    assert.equal(state.sleeping, 1, 'one timer for all')
    await advance(999)
    assert.equal(renewed.length, 0)
    await advance(1)
    assert.deepEqual(renewed, [{ ids: ['out_1:3', 'out_2:3'], until: 8000 }])
    first.resolve('sent')
    assert.equal(await one, 'sent')
    await advance(2000)
    assert.deepEqual(renewed.at(-1), { ids: ['out_2:3'], until: 10_000 })
    second.reject(new Error('gone'))
    await assert.rejects(two, /gone/)
    await setImmediate()
    assert.equal(state.sleeping, 0)
    await advance(60_000)
    assert.equal(renewed.length, 2)
    await parts.while(part('out_3'), async () => advance(2000))
    assert.deepEqual(ids(), ['out_3:3'], 'and again with the next')
  })

  it('are tried again after a renewal that failed', async () => {
    const { parts, renewed, state, lines, advance } = held()
    await parts.while(part('out_1'), async () => {
      state.fails = true
      await advance(2000)
      state.fails = false
      await advance(2000)
    })
    assert.match(lines.join(), /message\.unrenewed/)
    assert.deepEqual(renewed, [{ ids: ['out_1:3'], until: 10_000 }])
  })
})
