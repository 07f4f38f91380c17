import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import type { EgressRequest, Resolve } from '../contracts/egress.ts'
import { createGuardedTunnel } from './guarded-tunnel.ts'

function setUp(resolve: Resolve) {
  const connected: EgressRequest[] = []
  const stream = new PassThrough()
  const tunnel = createGuardedTunnel(
    async (request) => {
      connected.push(request)
      return stream
    },
    () => undefined,
    { resolve },
  )
  return { connected, stream, open: (href: string, signal = new AbortController().signal) => tunnel(new URL(href), signal) }
}

test('a tunnel goes to the addresses that were checked', async () => {
  const { connected, stream, open } = setUp(async () => ['1.1.1.1', '2606:4700::1'])
  assert.equal(await open('https://a.example:8443/'), stream)
  const [{ url, pinned } = assert.fail('nothing was connected')] = connected
  assert.deepEqual([connected.length, url.href, pinned], [1, 'https://a.example:8443/', ['1.1.1.1', '2606:4700::1']])
})

test('no tunnel goes to where the checkpoint lets nothing go', async () => {
  const { connected, open } = setUp(async () => ['1.1.1.1', '127.0.0.1'])
  for (const href of ['https://a.example/', 'https://127.0.0.1/', 'https://a.example:22/', 'http://a.example/', 'https://user@a.example/'])
    await assert.rejects(open(href), { name: 'AppError', code: 'net/refused' }, href)
  assert.deepEqual(connected, [])
})

test('an abort while the name is looked up gives its reason, and connects nothing', async () => {
  const reason = new Error('enough')
  const controller = new AbortController()
  for (const outcome of [async () => ['1.1.1.1'], () => Promise.reject(reason)]) {
    const { connected, open } = setUp(() => {
      controller.abort(reason)
      return outcome()
    })
    await assert.rejects(open('https://a.example/', controller.signal), reason)
    assert.deepEqual(connected, [])
  }
})
