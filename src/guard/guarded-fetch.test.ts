import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import type { EgressRequest, EgressResponse } from '../contracts/egress.ts'
import { createGuardedFetch } from './guarded-fetch.ts'

const ORIGIN = 'http://127.0.0.1:1'
const first: EgressRequest = { method: 'GET', url: new URL('/start', ORIGIN), headers: {}, policy: { origins: [ORIGIN] }, maxRedirects: 5 }

/** A body whose iterator knows how to be left only where it is said. */
function bodyOf(steps: readonly (string | Error)[], leave?: () => void): AsyncIterable<Uint8Array> {
  const waiting = [...steps]
  const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    const step = waiting.shift()
    if (step instanceof Error) throw step
    return step === undefined ? { done: true, value: undefined } : { done: false, value: Buffer.from(step) }
  }
  return { [Symbol.asyncIterator]: () => (leave === undefined ? { next } : { next, return: async () => (leave(), { done: true, value: undefined }) }) }
}

function setUp(...answers: readonly Partial<EgressResponse>[]) {
  const sent: string[] = []
  const waiting = [...answers]
  const fetch = createGuardedFetch(
    async ({ url }) => {
      sent.push(url.href)
      return { status: 200, headers: {}, body: bodyOf([]), ...waiting.shift() }
    },
    () => undefined,
  )
  return { sent, fetch }
}

for (const [what, answer] of [
  ['a redirect to nowhere', { status: 302 }],
  ['an answer that names a place and is no redirect', { status: 201, headers: { location: '/elsewhere' } }],
  ['an answer that is no redirect', { status: 404 }],
] as const)
  test(`${what} is an answer`, async () => {
    const { sent, fetch } = setUp(answer)
    const { status, url } = await fetch(first, new AbortController().signal)
    assert.deepEqual([status, url?.href], [answer.status, `${ORIGIN}/start`])
    assert.deepEqual(sent, [`${ORIGIN}/start`])
  })

test('the body of a redirect is left, and one that cannot be left is passed by', async () => {
  let left = 0
  const headers = { location: '/next' }
  const { sent, fetch } = setUp({ status: 302, headers, body: bodyOf([], () => left++) }, { status: 302, headers, body: bodyOf([]) })
  const { status } = await fetch(first, new AbortController().signal)
  assert.deepEqual([status, left, sent.length], [200, 1, 3])
})

test('a body within a time ends as it came, and however it ends nothing is left at the signal', async () => {
  const { signal } = new AbortController()
  const reason = new Error('broken')
  let left = 0
  const { fetch } = setUp({ body: bodyOf(['a', 'b']) }, { body: bodyOf(['a', reason]) }, { body: bodyOf(['a'], () => left++) }, { body: bodyOf(['a']) })
  const open = async () => (await fetch({ ...first, totalTimeoutMs: 60_000 }, signal)).body[Symbol.asyncIterator]()
  const over = { done: true, value: undefined }
  const listening = () => getEventListeners(signal, 'abort').length

  const whole = await open()
  assert.equal(listening(), 1)
  assert.deepEqual([String((await whole.next()).value), String((await whole.next()).value)], ['a', 'b'])
  assert.equal(listening(), 1)
  assert.deepEqual(await whole.next(), over)
  assert.equal(listening(), 0)

  const broken = await open()
  await broken.next()
  await assert.rejects(broken.next(), reason)
  assert.equal(listening(), 0)

  for (const body of [await open(), await open()]) {
    assert.deepEqual(await body.return?.(), over)
    assert.deepEqual(await body.return?.(), over)
  }
  assert.deepEqual([left, listening()], [2, 0])
})
