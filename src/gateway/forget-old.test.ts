import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Clock } from '../contracts/clock.ts'
import type { Log } from '../contracts/log.ts'
import { forgetInBackground } from './forget-old.ts'

/** Ends each sleep when it is told to. */
function steppedClock() {
  const asleep: { readonly ms: number; readonly wake: () => void }[] = []
  const clock: Clock = {
    now: () => 0,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        asleep.push({ ms, wake: resolve })
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      }),
  }
  return { clock, asleep }
}

const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, child: () => silent }
const turnOfLoop = () => new Promise((resolve) => setImmediate(resolve))

describe('forgetting in the background', () => {
  it('waits after the start, pauses between its steps, goes on every hour whatever failed, and ends when it is told', async () => {
    const { clock, asleep } = steppedClock()
    let passes = 0
    const forgetting = forgetInBackground({
      async *steps() {
        passes++
        yield { table: 'usage', rows: 3 }
        if (passes === 1) throw new Error('the disk is full')
        yield { table: 'usage', rows: 1 }
      },
      clock,
      log: silent,
    })
    const waits: number[] = []
    for (let turns = 0; turns < 6; turns++) {
      await turnOfLoop()
      const next = asleep.shift()
      waits.push(next?.ms ?? 0)
      next?.wake()
    }
    assert.deepEqual(waits, [10_000, 20, 3_600_000, 20, 20, 3_600_000])
    await forgetting.stop()
    assert.ok(passes >= 2)
  })

  it('says what went when it is asked for', async () => {
    const { clock, asleep } = steppedClock()
    const forgetting = forgetInBackground({
      async *steps() {
        yield { table: 'usage', rows: 3 }
        yield { table: 'refusals', rows: 0 }
      },
      clock,
      log: silent,
    })
    const done = forgetting.now()
    for (let turns = 0; turns < 4; turns++) {
      await turnOfLoop()
      asleep.find(({ ms }) => ms === 20)?.wake()
      const at = asleep.findIndex(({ ms }) => ms === 20)
      if (at >= 0) asleep.splice(at, 1)
    }
    assert.deepEqual(await done, { usage: 3 })
    await forgetting.stop()
  })
})
