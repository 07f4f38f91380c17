/** Events of jobs and tasks over several nodes. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Log } from '../../src/contracts/log.ts'
import type { KeptWork, WorkEvent, WorkLog } from '../../src/contracts/work.ts'
import { SharedWork } from '../../src/gateway/cluster/shared-work.ts'
import { aTask } from '../doubles/a-task.ts'

const told = (version: number): WorkEvent => ({ kind: 'task', action: 'updated', task: aTask('task_1', { version }) })

/** What every node reads and writes, and nodes that look only when they are asked to. */
function nodes(count: number) {
  const kept: KeptWork[] = []
  const store = { appends: 0, fault: null as Error | null, gate: Promise.resolve() }
  const log: WorkLog = {
    async append(event) {
      store.appends++
      await store.gate
      if (store.fault !== null) throw store.fault
      kept.push({ position: kept.length + 1, event })
    },
    after: async (position, limit) => kept.filter((each) => each.position > position).slice(0, limit),
    last: async () => kept.at(-1)?.position ?? 0,
    prune: async () => undefined,
  }
  const warned: string[] = []
  const write = (event: string) => void warned.push(event)
  const quiet: Log = { debug: write, info: write, warn: write, error: write, child: () => quiet }
  const all = Array.from({ length: count }, (_, index) => {
    const work = new SharedWork({ kept: log, node: `node_${index}`, now: () => 0, log: quiet })
    const heard: number[] = []
    work.add((event) => event.kind === 'task' && heard.push(event.task.version))
    return { work, heard }
  })
  return { kept, store, warned, all }
}

describe('events of jobs and tasks', () => {
  it('are heard by all in the order in which they are kept, and each once, however often a node looks', async () => {
    const { kept, all } = nodes(3)
    kept.push({ position: 1, event: told(99) })
    for (const { work } of all) await work.look()
    for (let version = 1; version <= 300; version++) all[version % 2]?.work.tell(told(version))
    await Promise.all(all.map(({ work }) => work.settled()))
    await Promise.all(all.flatMap(({ work }) => [work.look(), work.look(), work.look()]))
    const order = kept.slice(1).map(({ event }) => (event?.kind === 'task' ? event.task.version : 0))
    assert.equal(new Set(order).size, 300)
    for (const { heard } of all) assert.deepEqual(heard, order)
    for (const parity of [0, 1]) {
      const own = order.filter((version) => version % 2 === parity)
      assert.deepEqual(
        own,
        own.toSorted((a, b) => a - b),
        'what one node tells stays in its order',
      )
    }
  })

  it('are told here alone where they could not be kept, and what comes later is heard by all again', async () => {
    const { store, warned, all } = nodes(2)
    const [a, b] = all
    for (const { work } of all) await work.look()
    store.fault = new Error('the disk is full')
    a?.work.tell(told(1))
    await a?.work.settled()
    store.fault = null
    a?.work.tell(told(2))
    await a?.work.settled()
    await b?.work.look()
    assert.deepEqual([a?.heard, b?.heard, warned], [[1, 2], [2], ['work.unkept']])
  })

  it('that this version cannot read are passed over', async () => {
    const { kept, warned, all } = nodes(1)
    await all[0]?.work.look()
    kept.push({ position: 1, event: null }, { position: 2, event: told(2) })
    await all[0]?.work.look()
    await all[0]?.work.look()
    assert.deepEqual([all[0]?.heard, warned], [[2], ['work.unreadable']])
  })

  it('wait for a store that does not answer, a thousand at most', async () => {
    const { store, warned, all } = nodes(1)
    const gate = Promise.withResolvers<void>()
    store.gate = gate.promise
    for (let version = 1; version <= 1001; version++) all[0]?.work.tell(told(version))
    assert.deepEqual([all[0]?.heard, warned], [[1001], ['work.unkept']])
    gate.resolve()
    await all[0]?.work.settled()
    assert.equal(store.appends, 1000)
    assert.deepEqual(all[0]?.heard, [1001, ...Array.from({ length: 1000 }, (_, index) => index + 1)])
  })
})
