/** The side that asks to be admitted, against a gateway that answers as it should, and others that do not. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { pairingText } from '../../src/contracts/device.ts'
import { isSignature, keyId, makeSigningKey } from '../../src/std/ed25519.ts'
import { claimToken, requestPairing } from '../../src/net/pair-device.ts'
import { startLoopback } from '../doubles/loopback.ts'

type Answers = Readonly<Record<string, unknown>>
interface Asked {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly type: string | undefined
  readonly body: Readonly<Record<string, unknown>>
}

const timeout = 5000
const CHALLENGE = { nonce: 'n-1' }
const PENDING = { status: 'pending', requestId: 'r-1', fingerprint: 'aaaa-bbbb', expiresAt: 5 }
const PAIRED = { status: 'paired', deviceToken: 'd-1', scopes: ['operator.read'], expiresAt: 9 }
const key = makeSigningKey()
const wish = { name: 'laptop', scopes: ['operator.read', 'operator.write'] }

/** Answers by path: text as it is, a number as an empty answer of this status, anything else as JSON. */
async function setUp(t: TestContext, answers: Answers, status = 200) {
  const asked: Asked[] = []
  const all: Answers = { '/pair/challenge': CHALLENGE, ...answers }
  const gateway = await startLoopback(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const { method, url: path = '', headers } = request
    asked.push({ method, path, type: headers['content-type'], body: JSON.parse(text) })
    const answer = all[path]
    if (typeof answer === 'number') return void response.writeHead(answer, { location: '/elsewhere' }).end()
    response.writeHead(path === '/pair/challenge' ? 200 : status)
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
  })
  t.after(gateway.close)
  const url = new URL('/some/path', gateway.url).href
  const { signal } = new AbortController()
  return { ...gateway, asked, request: () => requestPairing(url, key, wish, signal), claim: () => claimToken(url, key, signal), address: url }
}

/** What was signed, apart from the signature, which is checked. */
function signedIn({ body }: Asked, step: 'request' | 'claim', of: { readonly name: string; readonly scopes: readonly string[] }) {
  const { signature, signedAt, nonce, publicKey, ...rest } = body
  assert.deepEqual([nonce, publicKey], ['n-1', key.publicKey])
  assert.ok(Math.abs(Date.now() - Number(signedAt)) < 60_000)
  const text = pairingText({ step, deviceId: keyId(key.publicKey), ...of, signedAt: Number(signedAt), nonce: 'n-1' })
  assert.ok(isSignature(key.publicKey, text, String(signature)))
  return rest
}

test('a wish is signed over a fresh challenge, and its request comes back', { timeout }, async (t) => {
  const { request, asked } = await setUp(t, { '/pair/request': { ...PENDING, more: 1 } })
  assert.deepEqual(await request(), PENDING)
  assert.deepEqual(
    asked.map(({ method, path, type }) => [method, path, type]),
    ['/pair/challenge', '/pair/request'].map((path) => ['POST', path, 'application/json']),
  )
  assert.deepEqual(asked[0]?.body, {})
  assert.deepEqual(signedIn(asked[1] ?? assert.fail(), 'request', wish), wish)
})

test('a token is claimed with a signature for that, and waits for the owner', { timeout }, async (t) => {
  const waiting = await setUp(t, { '/pair/claim': { status: 'pending' } })
  assert.equal(await waiting.claim(), null)
  assert.deepEqual(signedIn(waiting.asked[1] ?? assert.fail(), 'claim', { name: '', scopes: [] }), {})
  const { claim } = await setUp(t, { '/pair/claim': { ...PAIRED, more: 1 } })
  assert.deepEqual(await claim(), PAIRED)
})

test('an answer that is not whole is none', { timeout }, async (t) => {
  const without = (whole: object, name: string) => Object.fromEntries(Object.entries(whole).filter(([other]) => other !== name))
  for (const answer of [...Object.keys(PENDING).map((name) => without(PENDING, name)), { ...PENDING, status: 'paired' }, 'no JSON', 204, [], null]) {
    const { request } = await setUp(t, { '/pair/request': answer })
    await assert.rejects(request(), { name: '$ZodError' }, JSON.stringify(answer))
  }
  for (const answer of [...Object.keys(PAIRED).map((name) => without(PAIRED, name)), { status: 'other' }]) {
    const { claim } = await setUp(t, { '/pair/claim': answer })
    await assert.rejects(claim(), { name: '$ZodError' }, JSON.stringify(answer))
  }
})

test('a challenge of 128 characters is signed, and a longer one is not', { timeout }, async (t) => {
  for (const [length, asks] of [
    [128, 2],
    [129, 1],
  ] as const) {
    const { request, asked } = await setUp(t, { '/pair/challenge': { nonce: 'n'.repeat(length) }, '/pair/request': PENDING })
    await request().catch(() => undefined)
    assert.equal(asked.length, asks)
  }
})

test('a refusal is told by its code; what is none of ours says that this is no gateway', { timeout }, async (t) => {
  const refusal = (error: unknown) => ({ '/pair/claim': { error } })
  const known = await setUp(t, refusal({ code: 'pair/not-found', message: 'words of the other side' }), 404)
  await assert.rejects(known.claim(), { name: 'AppError', code: 'pair/not-found', message: 'There is no such request of a device' })
  for (const error of [{ code: 'quantum/decohered', message: 'x' }, { code: 'pair/not-found' }, undefined, 'x']) {
    const { claim } = await setUp(t, refusal(error), 404)
    await assert.rejects(claim(), { code: 'gateway/unreachable', message: /127\.0\.0\.1:\d+ answers, but not as a gateway that admits devices/ })
  }
  const { claim } = await setUp(t, { '/pair/claim': 'no JSON' }, 500)
  await assert.rejects(claim(), { code: 'gateway/unreachable', message: /but not as a gateway/ })
})

test('an answer of 64 KiB is read, and a larger one is not', { timeout }, async (t) => {
  const padded = (length: number) => JSON.stringify(PENDING).padEnd(length)
  const whole = await setUp(t, { '/pair/request': padded(64 * 1024) })
  assert.deepEqual(await whole.request(), PENDING)
  const { request } = await setUp(t, { '/pair/request': padded(64 * 1024 + 1) })
  await assert.rejects(request(), { code: 'net/too-large' })
})

test('a redirect is not followed', { timeout }, async (t) => {
  const { request, asked } = await setUp(t, { '/pair/request': 307, '/elsewhere': PENDING })
  await assert.rejects(request(), { code: 'gateway/unreachable' })
  assert.equal(asked.length, 2)
})

test('where nothing listens it says so, with the cause; an abort gives its reason', { timeout }, async (t) => {
  const { request, close, address, asked } = await setUp(t, {})
  const reason = new Error('enough')
  await assert.rejects(requestPairing(address, key, wish, AbortSignal.abort(reason)), reason)
  await close()
  await assert.rejects(request(), (error) => {
    const { code, message, cause } = Object(error)
    assert.deepEqual([code, cause instanceof Error], ['gateway/unreachable', true])
    assert.match(message, /127\.0\.0\.1:\d+$/)
    return true
  })
  assert.deepEqual(asked, [])
})

test('nothing is asked of another machine in plain text', { timeout }, async () => {
  const { signal } = new AbortController()
  await assert.rejects(requestPairing('http://gateway.example', key, wish, signal), { code: 'net/refused' })
})
