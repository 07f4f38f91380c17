/** Counts of wrong credentials, on both engines. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { onBothEngines } from '../doubles/both-engines.ts'

const MINUTE = 60_000

await onBothEngines('limits', (store) => {
  it('adds up what is counted at the same time, and forgets it after a minute', async () => {
    const { limits } = store()
    const one = (times: number, key = '1.2.3.4') => ({ kind: 'credentials', key, times }) as const
    await Promise.all(Array.from({ length: 8 }, () => limits.add([one(2)], 1000, 'node_a')))
    await limits.add([one(-1), one(-1, 'nobody'), { kind: 'strangers', key: '1.2.3.4', times: 5 }], 2000, 'node_a')
    await limits.add([{ kind: 'passwords', key: 'all', times: 3 }], 31_000, 'node_b')
    assert.deepEqual(await limits.recent(41_000), [
      { kind: 'passwords', key: 'all', count: 3, ageMs: 10_000 },
      { kind: 'credentials', key: '1.2.3.4', count: 15, ageMs: 40_000 },
    ])
    assert.deepEqual(
      (await limits.recent(1000 + MINUTE)).map(({ kind }) => kind),
      ['passwords'],
    )
    // The next minute begins with the next attempt.
    await limits.add([one(1)], 1000 + MINUTE, 'node_a')
    assert.equal((await limits.recent(2000 + MINUTE)).find(({ kind }) => kind === 'credentials')?.count, 1)
    const forgotten: number[] = []
    for await (const { table, rows } of store().forgetOld({}, 31_001 + MINUTE)) if (table === 'attempts') forgotten.push(rows)
    assert.deepEqual(forgotten, [1])
  })
})
