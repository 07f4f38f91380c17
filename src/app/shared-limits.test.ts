import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Counted, KeptCount, LimitStore } from '../contracts/limits.ts'
import type { Log } from '../contracts/log.ts'
import { Access } from '../guard/identity/access.ts'
import { SharedLimits } from './shared-limits.ts'

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
/** Time stands still: no bucket fills, no minute ends. */
const NOW = 1_000_000

/** Two nodes on one store that is a list. */
function two() {
  const kept: KeptCount[] = []
  const nodes: { readonly access: Access; readonly limits: SharedLimits }[] = []
  let isDown = false
  let written = Promise.withResolvers<void>()
  const storeOf = (index: number): LimitStore => ({
    async add(counted) {
      if (isDown) throw new Error('down')
      for (const { kind, key, times } of counted) kept.push({ kind, key, count: times, ageMs: 10 })
      nodes.forEach(({ limits }, other) => other !== index && limits.hear(counted))
      written.resolve()
      written = Promise.withResolvers()
    },
    recent: async () => kept,
  })
  for (const index of [0, 1]) {
    const access = new Access([], { failedAuthLimit: 10, now: () => NOW })
    nodes.push({ access, limits: new SharedLimits({ access, store: storeOf(index), now: () => NOW, storeNow: () => NOW, node: `node_${index}`, log: quiet }) })
  }
  const [a, b] = nodes
  assert.ok(a !== undefined && b !== undefined)
  return { a, b, kept, told: () => written.promise, setDown: (value: boolean) => (isDown = value) }
}

test('strangers who go round the nodes have the rate of one', async () => {
  const { a, b, told } = two()
  for (let index = 0; index < 20; index++) assert.equal(a.access.pairRates.take('1.2.3.4', NOW), 0)
  for (let index = 0; index < 150; index++) assert.equal(a.access.strangers.take('1.2.3.4', NOW), 0)
  await told()
  assert.equal(b.access.pairRates.take('1.2.3.4', NOW), 500)
  assert.equal(b.access.pairRates.take('5.6.7.8', NOW), 0, 'another address has its own')
  for (let index = 0; index < 50; index++) assert.equal(b.access.strangers.take('1.2.3.4', NOW), 0)
  assert.equal(b.access.strangers.take('1.2.3.4', NOW), 10)
})

test('what was taken elsewhere is owed, up to a full bucket', () => {
  const { a } = two()
  a.limits.hear([{ kind: 'pairing', key: 'x', times: 1_000_000 }])
  assert.equal(a.access.pairRates.take('x', NOW), 10_500)
  assert.equal(a.access.pairRates.take('x', NOW + 10_500), 0)
})

test('wrong credentials and passwords are counted over all nodes, and what was right is taken back', async () => {
  const { a, b, told } = two()
  for (let index = 0; index < 6; index++) a.access.failures.count('1.2.3.4', NOW)
  a.access.failures.forgive('1.2.3.4')
  for (let index = 0; index < 100; index++) a.access.passwords.count('all', NOW)
  await told()
  for (let index = 0; index < 5; index++) assert.equal(b.access.failures.count('1.2.3.4', NOW), 0)
  assert.equal(b.access.failures.count('1.2.3.4', NOW), 60_000)
  assert.equal(b.access.passwords.count('all', NOW), 60_000)
})

test('a node that begins later counts on, and what is too old counts no more', async () => {
  const { a, kept } = two()
  kept.push({ kind: 'credentials', key: 'x', count: 10, ageMs: 20_000 }, { kind: 'credentials', key: 'y', count: 99, ageMs: 60_000 })
  kept.push({ kind: 'passwords', key: 'all', count: 100, ageMs: 59_000 })
  await a.limits.learn()
  assert.equal(a.access.failures.count('x', NOW), 40_000)
  assert.equal(a.access.failures.count('y', NOW), 0)
  assert.equal(a.access.passwords.count('all', NOW), 1000)
})

test('what the store does not take is told when it does, and all of it at the end', async () => {
  const { a, b, kept, told, setDown } = two()
  setDown(true)
  for (let index = 0; index < 4; index++) a.access.failures.count('x', NOW)
  await a.limits.learn()
  assert.deepEqual(kept, [])
  setDown(false)
  const telling = told()
  for (let index = 0; index < 200; index++) a.access.failures.count(`address ${index}`, NOW)
  await a.limits.close()
  await telling
  const sum = (counted: readonly Pick<Counted, 'key'>[], key: string) => counted.filter((each) => each.key === key).length
  assert.deepEqual([kept.length, sum(kept, 'x'), sum(kept, 'address 199')], [201, 1, 1])
  for (let index = 0; index < 6; index++) assert.equal(b.access.failures.count('x', NOW), 0)
  assert.equal(b.access.failures.count('x', NOW), 60_000)
})
