import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EgressResponse } from '../contracts/egress.ts'
import { Answer } from './answer.ts'

const KIB = 1024

/** One exchange, as undici would tell of it. */
function setUp(maxBytes = 1024 * KIB) {
  const told: string[] = []
  const controller = {
    aborted: false,
    paused: false,
    reason: null,
    abort: () => void told.push('abort'),
    pause: () => void (told.push('pause'), (controller.paused = true)),
    resume: () => void (told.push('resume'), (controller.paused = false)),
  }
  const caller = new AbortController()
  const { promise, resolve, reject } = Promise.withResolvers<EgressResponse>()
  promise.catch(() => undefined)
  const answer = new Answer('https://a.example', maxBytes, caller.signal, { resolve, reject }, () => void told.push('end'))
  const data = (text: string | Buffer) => answer.onResponseData(controller, Buffer.from(text))
  /** The body, once the head is there. */
  const begin = async () => {
    answer.onRequestStart(controller)
    answer.onResponseStart(controller, 200, {})
    const body = (await promise).body[Symbol.asyncIterator]()
    return { next: () => body.next().then(({ value, done }) => (done === true ? null : String(value))), leave: () => body.return?.() }
  }
  return { answer, controller, caller, head: promise, told, data, begin }
}

test('the head is the first that is final, with each header as one text', async () => {
  const { answer, controller, head } = setUp()
  answer.onRequestStart(controller)
  answer.onResponseStart(controller, 103, { link: '</x>' })
  answer.onResponseStart(controller, 200, { one: 'a', two: ['b', 'c'], none: undefined })
  const { status, headers } = await head
  assert.equal(status, 200)
  assert.deepEqual(Object.entries(headers), [
    ['one', 'a'],
    ['two', 'b, c'],
  ])
})

test('chunks that arrive together are handed on together, and one that comes alone is not copied', async () => {
  const { answer, controller, head, told, data, begin } = setUp()
  const { next } = await begin()
  const first = next()
  data('a')
  data('b')
  assert.equal(await first, 'ab')
  data('c')
  data('d')
  assert.equal(await next(), 'cd')
  const alone = Buffer.from('e')
  answer.onResponseData(controller, alone)
  const step = await (await head).body[Symbol.asyncIterator]().next()
  assert.equal(step.value, alone)
  const last = next()
  data('f')
  assert.equal(await last, 'f')
  const end = next()
  answer.onResponseEnd()
  assert.equal(await end, null)
  assert.deepEqual(told, ['end'])
})

test('a reader who is late by 256 KiB pauses the connection until it has read', async () => {
  const { told, data, begin } = setUp()
  const { next } = await begin()
  data(Buffer.alloc(256 * KIB))
  assert.deepEqual(told, [])
  data('x')
  assert.deepEqual(told, ['pause'])
  assert.equal((await next())?.length, 256 * KIB + 1)
  assert.deepEqual(told, ['pause', 'resume'])
  data('y')
  assert.equal(await next(), 'y')
  assert.deepEqual(told, ['pause', 'resume'])
})

test('a connection that is over is not resumed', async () => {
  const { answer, told, data, begin } = setUp()
  const { next } = await begin()
  data(Buffer.alloc(256 * KIB + 1))
  answer.onResponseEnd()
  await next()
  assert.equal(await next(), null)
  assert.deepEqual(told, ['pause', 'end'])
})

test('the bound of the body is the last byte that passes', async () => {
  const { told, data, begin } = setUp(3)
  const { next } = await begin()
  data('abc')
  assert.equal(await next(), 'abc')
  data('d')
  assert.deepEqual(told, ['end', 'abort'])
  await assert.rejects(next(), { code: 'net/too-large', message: /https:\/\/a\.example sent more than 3 bytes/ })
})

test('an abort before there is a connection ends the one that comes', async () => {
  const { answer, controller, caller, head, told } = setUp()
  const reason = new Error('enough')
  caller.abort(reason)
  await assert.rejects(head, reason)
  assert.deepEqual(told, ['end'])
  answer.onRequestStart(controller)
  assert.deepEqual(told, ['end', 'abort'])
})

test('a connection of an exchange that runs is left open', () => {
  const { answer, controller, told } = setUp()
  answer.onRequestStart(controller)
  assert.deepEqual(told, [])
})

test('after an abort nothing that still comes counts, and its reason stays', async () => {
  const { answer, controller, caller, told, data, begin } = setUp()
  const { next } = await begin()
  data('waiting')
  const reason = new Error('enough')
  caller.abort(reason)
  answer.onResponseStart(controller, 200, { 'content-encoding': 'br' })
  answer.onResponseStart(controller, 200, {})
  data('late')
  answer.onResponseEnd()
  answer.onResponseError(controller, new Error('other'))
  await assert.rejects(next(), reason)
  assert.deepEqual(told, ['end', 'abort'])
})

test('what came whole can be read although the caller gives up since', async () => {
  const { answer, caller, data, begin } = setUp()
  const { next } = await begin()
  data('all of it')
  answer.onResponseEnd()
  caller.abort(new Error('enough'))
  assert.equal(await next(), 'all of it')
  assert.equal(await next(), null)
})

test('what came before a failure is read, then the failure is told', async () => {
  const { answer, controller, data, begin } = setUp()
  const { next } = await begin()
  data('some')
  answer.onResponseError(controller, Object.assign(new Error('secret'), { code: 'ECONNRESET' }))
  assert.equal(await next(), 'some')
  await assert.rejects(next(), { code: 'net/unreachable', message: 'The server cannot be reached: https://a.example: the connection was closed' })
})

test('a reader that leaves ends the exchange once, and reads nothing more', async () => {
  const { answer, told, data, begin } = setUp()
  const { next, leave } = await begin()
  data('waiting')
  assert.deepEqual(await leave(), { done: true, value: undefined })
  assert.deepEqual(told, ['end', 'abort'])
  data('late')
  answer.onResponseEnd()
  await leave()
  assert.equal(await next(), null)
  assert.deepEqual(told, ['end', 'abort'])
})

test('a reader that leaves after the end closes nothing', async () => {
  const { answer, told, begin } = setUp()
  const { leave } = await begin()
  answer.onResponseEnd()
  await leave()
  assert.deepEqual(told, ['end'])
})
