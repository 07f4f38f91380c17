import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SharedFlush } from './shared-flush.ts'

function scripted() {
  const begun: PromiseWithResolvers<void>[] = []
  let ended = 0
  const flushes = new SharedFlush(
    () => {
      const one = Promise.withResolvers<void>()
      begun.push(one)
      return one.promise
    },
    () => ended++,
  )
  return { flushes, begun, ended: () => ended }
}

test('who asks while a flush runs waits for one that begins after it, and shares it', async () => {
  const { flushes, begun, ended } = scripted()
  const told: string[] = []
  const first = flushes.request().then(() => told.push('first'))
  const later = Promise.all([flushes.request().then(() => told.push('second')), flushes.request().then(() => told.push('third'))])
  assert.equal(begun.length, 1)
  begun[0]?.resolve()
  await first
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([told, begun.length, ended(), flushes.isRunning], [['first'], 2, 1, true])
  begun[1]?.resolve()
  await later
  assert.deepEqual(told, ['first', 'second', 'third'])
  assert.deepEqual([ended(), flushes.isRunning], [2, false])
})

test('one that fails fails those who waited for it, and no other', async () => {
  const { flushes, begun, ended } = scripted()
  const first = flushes.request()
  const second = flushes.request()
  begun[0]?.reject(new Error('no'))
  await assert.rejects(first, /no/)
  await new Promise((resolve) => setImmediate(resolve))
  begun[1]?.resolve()
  await second
  await flushes.settled()
  assert.equal(ended(), 2)
})
