/** H1: what a name means is asked once, all of it is checked, and the connection goes there, whatever the name means a moment later. */
import assert from 'node:assert/strict'
import { lookup } from 'node:dns/promises'
import { test } from 'node:test'
import { AppError, type ErrorCode } from '../../src/contracts/errors.ts'
import { createResolve } from '../../src/net/resolve.ts'
import { cleared } from '../doubles/cleared.ts'
import { ELSEWHERE, INTERNAL, PUBLIC, startPublicWeb, textOf } from '../doubles/public-web.ts'

const refusal = (code: ErrorCode) => (error: unknown) => error instanceof AppError && error.code === code && !/secret|hunter22/.test(error.message)

test('H1 a name that turns from public to private between two requests is refused the second time', async () => {
  await using web = await startPublicWeb({ answers: (_, count) => [count % 2 === 0 ? PUBLIC : INTERNAL] })
  assert.equal(await textOf(await web.get(web.url('rebind.site.example'))), `at ${PUBLIC}`)
  await assert.rejects(web.get(web.url('rebind.site.example', '/secret')), refusal('net/refused'))
  assert.equal(await textOf(await web.get(web.url('rebind.site.example'))), `at ${PUBLIC}`)
  assert.ok(!web.connections.includes(INTERNAL))
})

test('H1 the connection goes to the address that was checked, although the name has changed since', async () => {
  await using web = await startPublicWeb({ answers: (_, count) => [count === 0 ? PUBLIC : INTERNAL] })
  const response = await web.get(web.url('rebind.site.example'))
  assert.equal(await textOf(response), `at ${PUBLIC}`)
  assert.deepEqual([...web.questions].sort(), ['A rebind.site.example', 'AAAA rebind.site.example'], 'asked once')
  assert.deepEqual(web.connections, [PUBLIC])
  const [visit] = web.visits
  assert.equal(visit?.servername, 'rebind.site.example')
  assert.equal(visit?.request.headers.host, `rebind.site.example:${web.port}`)
})

for (const addresses of [
  [PUBLIC, INTERNAL],
  [INTERNAL, PUBLIC],
  [PUBLIC, '::1'],
  [PUBLIC, '::ffff:7f00:1'],
  [PUBLIC, ELSEWHERE, INTERNAL],
]) {
  test(`H1 a name with ${addresses.join(' and ')} is refused as a whole`, async () => {
    await using web = await startPublicWeb({ answers: () => addresses })
    await assert.rejects(web.get(web.url('mixed.site.example', '/secret')), refusal('net/refused'))
    assert.deepEqual(web.connections, [])
  })
}

test('H1 of several checked addresses one that answers is reached', async () => {
  const dead = '127.0.0.9'
  await using web = await startPublicWeb({ answers: () => [dead, PUBLIC], isPublic: (address) => address === dead || address === PUBLIC })
  assert.equal(await textOf(await web.get(web.url('many.site.example'))), `at ${PUBLIC}`)
})

test('H1 a name that is not known is unreachable', async () => {
  await using web = await startPublicWeb({ answers: () => [] })
  await assert.rejects(web.get(web.url('none.site.example', '/secret')), refusal('net/unreachable'))
})

test('H1 an address in the URL is checked like one that was looked up', async () => {
  await using web = await startPublicWeb({ answers: () => assert.fail('a literal address is not looked up') })
  assert.equal(await textOf(await web.get(web.url(PUBLIC))), `at ${PUBLIC}`)
  assert.equal(web.visits[0]?.request.headers.host, `${PUBLIC}:${web.port}`)
  await assert.rejects(web.get(web.url(INTERNAL)), refusal('net/refused'))
  assert.deepEqual(web.connections, [PUBLIC])
})

test('H1 the table of the product, not the one of a test, refuses loopback', async () => {
  const { isPublicAddress } = await import('../../src/guard/public-address.ts')
  await using web = await startPublicWeb({ answers: () => [PUBLIC], isPublic: isPublicAddress })
  await assert.rejects(web.get(web.url('www.site.example')), refusal('net/refused'))
  await assert.rejects(web.get(web.url(PUBLIC)), refusal('net/refused'))
  assert.deepEqual(web.connections, [])
})

test('H1 a caller cannot choose the address', async () => {
  await using web = await startPublicWeb({ answers: () => [PUBLIC] })
  assert.equal(await textOf(await web.get(web.url('www.site.example'), { pinned: [INTERNAL] })), `at ${PUBLIC}`)
  assert.deepEqual(web.connections, [PUBLIC])
})

test('H1 the transport sends nothing to a public host whose addresses nobody checked', async () => {
  await using web = await startPublicWeb({ answers: () => [PUBLIC] })
  const request = { method: 'GET', url: web.url(PUBLIC, '/secret'), headers: {}, policy: { hosts: 'public' } } as const
  await assert.rejects(web.transport(cleared(request), AbortSignal.timeout(5000)), refusal('net/refused'))
  await assert.rejects(web.transport(cleared({ ...request, pinned: [] }), AbortSignal.timeout(5000)), refusal('net/refused'))
  assert.deepEqual(web.connections, [])
})

test('H1 a connection that ends up elsewhere is closed before the request leaves', async () => {
  await using web = await startPublicWeb({ answers: () => [PUBLIC] })
  const send = (host: string, pinned: readonly string[]) =>
    web.transport(
      cleared({ method: 'GET', url: web.url(host, '/secret?key=hunter22'), headers: {}, policy: { hosts: 'public' }, pinned } as const),
      AbortSignal.timeout(5000),
    )
  // An address in the URL is not the one that was checked.
  await assert.rejects(send(PUBLIC, [ELSEWHERE]), refusal('net/refused'))
  assert.deepEqual(web.connections, [])
  // The system takes 0.0.0.0 for this machine.
  await assert.rejects(send('www.site.example', ['0.0.0.0']), refusal('net/refused'))
  assert.deepEqual(web.visits, [])
})

test('a server that cannot prove its name gets no request', async () => {
  await using web = await startPublicWeb({ answers: () => [PUBLIC] })
  await assert.rejects(web.get(web.url('www.other.example', '/secret')), (error) => refusal('net/unreachable')(error) && /another name/.test(String(error)))
  assert.deepEqual(web.visits, [])
})

test('without a resolver no public name is reached', async () => {
  const { createGuardedFetch } = await import('../../src/guard/guarded-fetch.ts')
  const fetch = createGuardedFetch(
    () => assert.fail('nothing leaves'),
    () => undefined,
  )
  const request = { method: 'GET', url: new URL('https://site.example/'), headers: {}, policy: { hosts: 'public' } } as const
  await assert.rejects(fetch(request, AbortSignal.timeout(1000)), refusal('net/unreachable'))
})

test('the system’s resolver gives all addresses, says what failed, and stops waiting', async () => {
  const resolve = createResolve()
  const expected = (await lookup('localhost', { all: true, order: 'verbatim' })).map(({ address }) => address)
  assert.deepEqual(await resolve('localhost', AbortSignal.timeout(5000)), expected)
  await assert.rejects(resolve('nothing.invalid', AbortSignal.timeout(10_000)), (error) => error instanceof AppError && error.code === 'net/unreachable')
  const reason = new Error('enough')
  await assert.rejects(resolve('localhost', AbortSignal.abort(reason)), reason)
  const controller = new AbortController()
  const waiting = resolve('localhost', controller.signal)
  controller.abort(reason)
  await assert.rejects(waiting, reason)
  const many = await Promise.allSettled(Array.from({ length: 40 }, () => resolve('localhost', AbortSignal.timeout(5000))))
  assert.ok(many.some(({ status }) => status === 'rejected') && many.some(({ status }) => status === 'fulfilled'), 'bounded')
  assert.deepEqual(await resolve('localhost', AbortSignal.timeout(5000)), expected, 'and free again')
})
