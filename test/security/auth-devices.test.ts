/** Devices: who admits them with what, what their token is worth, and how they end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { covers } from '../../src/contracts/principal.ts'
import { grantableScopes, type Scope } from '../../src/contracts/scope.ts'
import { deviceListResult, deviceResult, pairListResult } from '../../src/contracts/ws/devices.ts'
import { helloOk } from '../../src/contracts/ws/connection.ts'
import { MAX_PENDING, Pairing } from '../../src/guard/identity/pairing.ts'
import { signText } from '../../src/std/ed25519.ts'
import { ask, claim, connectDevice, deviceSocket, makeDevice, pairedDevice, pairingBody, post, proof, type TestDevice } from '../doubles/device.ts'
import { openDoors, TOKEN, type OpenDoors } from '../doubles/open-doors.ts'
import { CONNECT, connectSocket, openSocket, refusedUpgrade } from '../doubles/socket-client.ts'
import { within } from '../doubles/within.ts'

const HOUR = 3_600_000

function clock() {
  let ahead = 0
  return { now: () => Date.now() + ahead, pass: (ms: number) => void (ahead += ms) }
}

test('a device is admitted by the owner, who sees its name, fingerprint and wish; its token comes once', async () => {
  await using doors = await openDoors()
  const owner = await connectSocket(doors)
  const device = makeDevice()
  assert.equal((await claim(doors, device)).status, 404)
  const requestId = await ask(doors, device, ['operator.read', 'operator.admin'])
  assert.partialDeepStrictEqual(await owner.event('device.pair.requested'), { id: requestId, deviceId: device.id })
  const { requests } = await owner.result('device.pair.list', pairListResult)
  assert.partialDeepStrictEqual(requests, [{ requestId, name: 'laptop', scopes: ['operator.read', 'operator.admin'], address: '127.0.0.1' }])
  assert.equal((await claim(doors, device)).status, 202)
  const { device: approved } = await owner.result('device.pair.approve', deviceResult, { requestId })
  // Its wish alone makes nobody an administrator.
  assert.deepEqual([approved.scopes, approved.status], [['operator.read'], 'unclaimed'])
  assert.partialDeepStrictEqual(await owner.event('device.pair.resolved'), { requestId, decision: 'approved' })
  assert.equal((await claim(doors, device)).status, 200)
  assert.match(device.token, /^cara_device_[\w-]{43}$/)
  assert.equal((await claim(doors, device)).status, 404)
  const client = await connectDevice(doors, device)
  assert.ok((await client.call('health')).ok)
  assert.equal((await client.call('chat.send', { message: 'x', idempotencyKey: 'x' })).error?.code, 'auth/forbidden')
  assert.ok(!JSON.stringify(await doors.gateway.store.devices.list()).includes(device.token))
  await Promise.all([client.close(), owner.close()])
})

test('C3 a device token without its signature opens nothing', async () => {
  await using doors = await openDoors({ failedAuthLimit: 1000 })
  const owner = await connectSocket(doors)
  const device = await pairedDevice(doors, owner, ['operator.admin'])
  const other = await pairedDevice(doors, owner, ['operator.admin'])
  for (const path of ['/v1/models', '/auth/session']) assert.equal((await doors.ask(path, { token: device.token })).status, 401)
  assert.equal((await doors.ask('/v1/chat/completions', { method: 'POST', body: '{}', token: device.token })).status, 401)
  const refused = async (make: (nonce: string) => object) => {
    const { client, nonce } = await deviceSocket(doors, device)
    const { error } = await client.call('connect', make(nonce))
    assert.equal(await client.closed, 1008)
    return error?.code
  }
  const scopes = ['operator.read']
  const good = (nonce: string) => proof(device, nonce, scopes)
  const attempts: Readonly<Record<string, (nonce: string) => object>> = {
    'no proof': () => ({ ...CONNECT, scopes }),
    'another key': (nonce) => ({ ...good(nonce), device: { ...good(nonce).device, signature: signText(other.key, 'x') } }),
    'another device': (nonce) => ({ ...proof({ ...other, token: device.token }, nonce, scopes) }),
    'a nonce of its own': () => good('own-nonce'),
    'more scopes than signed': (nonce) => ({ ...good(nonce), scopes: ['operator.admin'] }),
    'another client than signed': (nonce) => ({ ...good(nonce), client: { ...CONNECT.client, mode: 'cli' } }),
    'another token than signed': (nonce) => ({ ...good(nonce), auth: { token: other.token } }),
    'the token of another, signed by itself': (nonce) => proof({ ...device, token: other.token }, nonce, scopes),
    'an old clock': (nonce) => proof(device, nonce, scopes, Date.now() - 11 * 60_000),
    'a clock ahead': (nonce) => proof(device, nonce, scopes, Date.now() + 11 * 60_000),
    'no clock': (nonce) => ({ ...good(nonce), device: { ...good(nonce).device, signedAt: Number.NaN } }),
    'a separator in a scope': (nonce) => proof(device, nonce, ['operator.read|x']),
    'no scopes': (nonce) => ({ ...good(nonce), scopes: undefined }),
    'a cut signature': (nonce) => ({ ...good(nonce), device: { ...good(nonce).device, signature: good(nonce).device.signature.slice(0, -1) } }),
  }
  for (const [name, make] of Object.entries(attempts)) assert.ok(['auth/device-proof', 'request/invalid'].includes((await refused(make)) ?? ''), name)
  // The nonce of an earlier connection.
  const first = await deviceSocket(doors, device)
  await first.client.close()
  assert.equal(await refused(() => good(first.nonce)), 'auth/device-proof')
  const client = await connectDevice(doors, device, ['operator.admin'])
  assert.ok((await client.call('device.list')).ok)
  // The shared token and a device are two ways in, not one.
  const mixed = await openSocket(doors)
  const nonce = Object(await mixed.event('connect.challenge')).nonce
  assert.equal((await mixed.call('connect', proof({ ...device, token: TOKEN }, nonce, scopes))).error?.code, 'auth/device-proof')
  await Promise.all([client.close(), owner.close()])
})

test('C3 what is not signed by its key over a fresh nonce is no request', async () => {
  await using doors = await openDoors({ failedAuthLimit: 1000 })
  const device = makeDevice()
  const body = await pairingBody(doors, device, 'request', { name: 'laptop', scopes: ['operator.read'] })
  const status = async (change: object) => (await post(doors, '/pair/request', { ...body, ...change })).status
  assert.equal(await status({ scopes: ['operator.admin'] }), 401)
  assert.equal(await status({ name: 'your phone' }), 401)
  assert.equal(await status({ publicKey: makeDevice().key.publicKey }), 401)
  assert.equal(await status({ nonce: 'made-up' }), 401)
  assert.equal(await status({ signedAt: Date.now() - 11 * 60_000 }), 401)
  for (const name of ['', ' laptop', 'lap\u202etop', 'a\nb', 'x'.repeat(65)]) assert.equal(await status({ name }), 400, name)
  assert.equal(await status({}), 202)
  // Once.
  assert.equal(await status({}), 401)
  const old = await pairingBody(doors, device, 'claim')
  assert.equal((await post(doors, '/pair/claim', old)).status, 202)
  assert.equal((await post(doors, '/pair/claim', old)).status, 401)
})

test('C3 a nonce is ours, fresh and used once, whoever signs it', () => {
  const pairing = new Pairing()
  const { key } = makeDevice()
  const now = 1_700_000_000_000
  const given = (nonce: string, signedAt = now) => ({ text: nonce, nonce, signedAt, signature: signText(key, nonce) })
  const refused = { code: 'auth/unauthorized' }
  const nonce = pairing.nonce(now)
  const forged = `${nonce.slice(0, -1)}${nonce.endsWith('A') ? 'B' : 'A'}`
  assert.throws(() => pairing.verify(key, given(forged), now), refused)
  assert.throws(() => pairing.verify(key, given(new Pairing().nonce(now)), now), refused)
  assert.throws(() => pairing.verify(key, given(nonce), now + 2 * 60_000), refused)
  for (const off of [11 * 60_000, -11 * 60_000, Number.NaN]) assert.throws(() => pairing.verify(key, given(nonce, now + off), now), refused, String(off))
  pairing.verify(key, given(nonce), now)
  assert.throws(() => pairing.verify(key, given(nonce), now), refused)
})

test('I1 strangers that ask are few, and slowed down', async () => {
  const time = clock()
  await using doors = await openDoors({ failedAuthLimit: 1000 }, { now: time.now })
  const devices = await doors.credentials.devices()
  const request = (index: number, address: string) => devices.request({ deviceId: `d${index}`, publicKey: 'k', name: 'n', wished: [], address })
  for (let index = 0; index < 5; index++) request(index, '203.0.113.1')
  assert.throws(() => request(5, '203.0.113.1'), { code: 'pair/full' })
  for (let index = 5; index < MAX_PENDING; index++) request(index, `203.0.113.${index}`)
  assert.throws(() => request(99, '198.51.100.1'), { code: 'pair/full' })
  time.pass(31 * 60_000)
  request(99, '198.51.100.1')
  const flood = await Promise.all(Array.from({ length: 60 }, () => post(doors, '/pair/challenge', {})))
  assert.ok(flood.filter(({ status }) => status === 429).length >= 20)
})

test('C2 nobody admits, rotates or takes away more than he holds', async () => {
  await using doors = await openDoors({ failedAuthLimit: 1000 })
  const owner = await connectSocket(doors)
  const admin = await pairedDevice(doors, owner, ['operator.admin'])
  const gatekeeper = await connectDevice(doors, await pairedDevice(doors, owner, ['operator.pairing']), ['operator.pairing'])
  const candidate = makeDevice()
  const requestId = await ask(doors, candidate, [...grantableScopes])
  for (const scope of ['operator.write', 'operator.approvals', 'operator.admin']) {
    assert.equal((await gatekeeper.call('device.pair.approve', { requestId, scopes: [scope] })).error?.code, 'auth/forbidden', scope)
  }
  // Its wish to write is more than he has.
  assert.equal((await gatekeeper.call('device.pair.approve', { requestId })).error?.code, 'auth/forbidden')
  assert.equal((await gatekeeper.call('device.token.rotate', { deviceId: admin.id })).error?.code, 'auth/forbidden')
  assert.equal((await gatekeeper.call('device.token.revoke', { deviceId: admin.id })).error?.code, 'auth/forbidden')
  assert.equal((await gatekeeper.call('auth.rotate')).error?.code, 'auth/forbidden')
  // An empty list is none.
  const { device } = await gatekeeper.result('device.pair.approve', deviceResult, { requestId, scopes: [] })
  assert.deepEqual(device.scopes, [])
  assert.equal((await claim(doors, candidate)).status, 200)
  assert.equal(await refusedUpgrade(doors, { authorization: `Bearer ${candidate.token}` }), 403)
  // Nor does he win by asking again as a device that has more.
  const again = await ask(doors, admin, ['operator.read'])
  assert.equal((await gatekeeper.call('device.pair.approve', { requestId: again, scopes: ['operator.read'] })).error?.code, 'auth/forbidden')
  await Promise.all([gatekeeper.close(), owner.close()])
})

test('C2 of an approval, a rejection and another request at once, one wins', async () => {
  await using doors = await openDoors({ failedAuthLimit: 1000 })
  const owner = await connectSocket(doors)
  for (let round = 0; round < 4; round++) {
    const device = makeDevice()
    const requestId = await ask(doors, device)
    const answers = await Promise.all([
      owner.call('device.pair.approve', { requestId, scopes: ['operator.read'] }),
      owner.call('device.pair.reject', { requestId }),
      owner.call('device.pair.approve', { requestId, scopes: ['operator.admin'] }),
      owner.call('device.pair.reject', { requestId }),
    ])
    assert.equal(answers.filter(({ ok }) => ok).length, 1)
    assert.ok(answers.every(({ ok, error }) => ok || error?.code === 'pair/not-found'))
  }
  const device = makeDevice()
  const seen = await ask(doors, device, ['operator.read'])
  await ask(doors, device, ['operator.read', 'operator.write'])
  // What the owner saw is not what would be admitted.
  assert.equal((await owner.call('device.pair.approve', { requestId: seen })).error?.code, 'pair/not-found')
  const claims = await (async () => {
    const paired = makeDevice()
    await owner.call('device.pair.approve', { requestId: await ask(doors, paired), scopes: ['operator.read'] })
    const bodies = await Promise.all(Array.from({ length: 3 }, () => pairingBody(doors, paired, 'claim')))
    return Promise.all(bodies.map((body) => post(doors, '/pair/claim', body)))
  })()
  assert.deepEqual(
    claims.map(({ status }) => status).sort((a, b) => a - b),
    [200, 404, 404],
  )
  await owner.close()
})

test('C4 a revoked or rotated device is out within a second, and what it sent is authorised anew', async () => {
  await using doors = await openDoors({ failedAuthLimit: 1000 })
  const owner = await connectSocket(doors)
  const device = await pairedDevice(doors, owner, ['operator.write'])
  const first = await connectDevice(doors, device, ['operator.write'])
  assert.ok((await first.call('chat.send', { message: 'x', idempotencyKey: 'x' })).ok)
  const { credential } = doors.gateway.messages[0] ?? {}
  assert.equal(credential, `device:${device.id}`)
  assert.ok(doors.access.maySend(credential ?? ''))

  const oldToken = device.token
  const rotating = owner.call('device.token.rotate', { deviceId: device.id })
  await within(1000, first.closed)
  assert.ok((await rotating).ok)
  assert.equal(await refusedUpgrade(doors, { authorization: `Bearer ${oldToken}` }), 401)
  // The device itself fetches another, and what it had sent stays sent.
  assert.ok(doors.access.maySend(credential ?? ''))
  assert.equal((await claim(doors, device)).status, 200)
  assert.notEqual(device.token, oldToken)
  const second = await connectDevice(doors, device, ['operator.write'])

  const revoking = owner.call('device.token.revoke', { deviceId: device.id })
  await within(1000, second.closed)
  assert.ok((await revoking).ok)
  assert.equal(doors.access.maySend(credential ?? ''), false)
  assert.equal(await refusedUpgrade(doors, { authorization: `Bearer ${device.token}` }), 401)
  assert.equal((await claim(doors, device)).status, 404)
  assert.equal((await owner.call('device.token.rotate', { deviceId: device.id })).error?.code, 'device/not-found')
  const { devices } = await owner.result('device.list', deviceListResult)
  assert.equal(devices.find(({ id }) => id === device.id)?.status, 'revoked')
  await owner.close()
})

test('C2 C4 who an approver is counts when it is decided, not when he came in', async () => {
  await using doors = await openDoors({ failedAuthLimit: 1000 })
  const owner = await connectSocket(doors)
  const devices = await doors.credentials.devices()
  const both = ['operator.pairing', 'operator.write'] as const
  const gatekeeper = await pairedDevice(doors, owner, both)
  const wishing = () => ask(doors, makeDevice(), ['operator.read', 'operator.write'])
  // A client that asked for less grants no more than that.
  const narrow = await connectDevice(doors, gatekeeper, ['operator.pairing'])
  assert.equal((await narrow.call('device.pair.approve', { requestId: await wishing(), scopes: ['operator.write'] })).error?.code, 'auth/forbidden')
  const earlier = doors.access.authenticate(gatekeeper.token)
  assert.ok(earlier !== null)
  assert.deepEqual((await devices.approve(await wishing(), ['operator.write'], earlier)).scopes, ['operator.write'])
  // Admitted anew with less: what it came in with counts no more.
  await owner.call('device.pair.approve', { requestId: await ask(doors, gatekeeper), scopes: ['operator.pairing'] })
  assert.equal((await claim(doors, gatekeeper)).status, 200)
  const requestId = await wishing()
  await assert.rejects(devices.approve(requestId, ['operator.write'], earlier), { code: 'auth/forbidden' })
  await devices.rotate(gatekeeper.id, { id: 'owner', scopes: ['operator.admin'], credential: 'token:owner' })
  await assert.rejects(devices.approve(requestId, ['operator.read'], earlier), { code: 'auth/forbidden' })
  await assert.rejects(devices.reject(requestId, earlier), { code: 'auth/forbidden' })
  await assert.rejects(devices.approve(requestId, ['operator.read'], { id: 'owner', scopes: ['operator.admin'], credential: 'token:gone' }), {
    code: 'auth/forbidden',
  })
  await owner.close()
})

test('C4 a revoked approver approves nothing, even with the request on its way', async () => {
  await using doors = await openDoors({ failedAuthLimit: 1000 })
  const owner = await connectSocket(doors)
  const thief = await pairedDevice(doors, owner, ['operator.admin'])
  const client = await connectDevice(doors, thief, ['operator.admin'])
  const requestIds = await Promise.all(Array.from({ length: 4 }, () => ask(doors, makeDevice(), ['operator.write'])))
  const revoked = owner.call('device.token.revoke', { deviceId: thief.id })
  client.socket.on('close', () => undefined)
  for (const requestId of requestIds)
    client.send({ type: 'req', id: requestId, method: 'device.pair.approve', params: { requestId, scopes: ['operator.admin'] } })
  assert.ok((await revoked).ok)
  await within(1000, client.closed)
  const { devices } = await owner.result('device.list', deviceListResult)
  const made = devices.filter(({ approvedBy }) => approvedBy === `device:${thief.id}`)
  // Whatever it admitted before, it admitted while it might.
  const frames = client.frames.filter((frame) => frame.type === 'res' && frame.ok && requestIds.includes(frame.id))
  assert.ok(made.length <= requestIds.length && frames.length <= made.length)
  assert.equal((await owner.call('device.pair.list')).ok, true)
  await owner.close()
})

test('a device token runs out after ninety days, and a socket that it opened ends with it', async () => {
  const time = clock()
  await using doors = await openDoors({ failedAuthLimit: 1000 }, { now: time.now })
  const owner = await connectSocket(doors)
  const device = await pairedDevice(doors, owner, ['operator.read'])
  const { client, nonce } = await deviceSocket(doors, device)
  assert.ok((await client.call('connect', proof(device, nonce, ['operator.read']))).ok)
  time.pass(90 * 24 * HOUR + 1000)
  assert.equal((await client.call('health')).error?.code, 'auth/ended')
  await within(1000, client.closed)
  assert.equal(await refusedUpgrade(doors, { authorization: `Bearer ${device.token}` }), 401)
  await owner.close()
})

test('C1 C2 no sequence of requests yields a token with a scope that its maker lacks', { timeout: 60_000 }, async () => {
  const steps = fc.array(
    fc.record({
      actor: fc.nat({ max: 3 }),
      action: fc.constantFrom('approve', 'approve-wish', 'rotate', 'revoke', 'reject', 'rotate-token'),
      target: fc.nat({ max: 5 }),
      scopes: fc.subarray([...grantableScopes]),
      narrowed: fc.subarray([...grantableScopes]),
    }),
    { minLength: 4, maxLength: 10 },
  )
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      await using doors = await openDoors({ failedAuthLimit: 100_000 })
      Object.assign(doors.access, { pairRates: { take: () => 0 } })
      const owner = await connectSocket(doors)
      const starts: readonly (readonly Scope[])[] = [
        ['operator.pairing'],
        ['operator.pairing', 'operator.write'],
        ['operator.read'],
        ['operator.approvals', 'operator.pairing'],
      ]
      const actors = await Promise.all(starts.map((scopes) => pairedDevice(doors, owner, scopes)))
      const held = new Map<string, readonly Scope[]>(actors.map(({ id }, index) => [id, starts[index] ?? []]))
      const made: TestDevice[] = [...actors]
      for (const { actor, action, target, scopes, narrowed } of sequence) {
        const device = made[actor % made.length]
        if (device === undefined) continue
        const mine = held.get(device.id) ?? []
        const client = await connectAs(doors, device, narrowed.length === 0 ? mine : narrowed)
        if (client === null) continue
        const may = (scope: Scope) => mine.some((own) => covers([own], scope)) && (narrowed.length === 0 ? true : covers(narrowed, scope))
        const deviceId = made[target % made.length]?.id ?? ''
        if (action.startsWith('approve')) {
          const fresh = makeDevice()
          const requestId = await ask(doors, fresh, scopes.length === 0 ? ['operator.admin'] : scopes)
          const { ok, payload } = await client.call('device.pair.approve', action === 'approve' ? { requestId, scopes } : { requestId })
          if (ok) {
            const granted = deviceResult.parse(payload).device.scopes.filter((scope): scope is Scope => grantableScopes.some((known) => known === scope))
            for (const scope of granted) assert.ok(may(scope), `${device.id.slice(0, 6)} with ${mine.join()} as ${narrowed.join()} granted ${scope}`)
            held.set(fresh.id, granted)
            if ((await claim(doors, fresh)).status === 200) made.push(fresh)
            // Only a few may wait to be admitted.
          } else await owner.call('device.pair.reject', { requestId })
        } else if (action === 'rotate-token') {
          assert.equal((await client.call('auth.rotate')).ok, false)
        } else if (action === 'reject') {
          await client.call('device.pair.reject', { requestId: 'pair_none' })
        } else {
          const { ok } = await client.call(`device.token.${action}`, { deviceId }).catch(() => ({ ok: true }))
          if (ok && deviceId !== device.id) for (const scope of held.get(deviceId) ?? []) assert.ok(may(scope))
        }
        client.socket.terminate()
      }
      for (const { id, scopes } of await doors.gateway.store.devices.list()) assert.ok(!scopes.includes('operator.admin'), id)
      owner.socket.terminate()
    }),
    { numRuns: 12 },
  )
})

async function connectAs(doors: OpenDoors, device: TestDevice, scopes: readonly string[]) {
  try {
    const { client, nonce } = await deviceSocket(doors, device)
    const { ok, payload } = await client.call('connect', proof(device, nonce, scopes))
    if (ok) assert.ok(helloOk.safeParse(payload).success)
    return ok ? client : null
  } catch {
    return null
  }
}
