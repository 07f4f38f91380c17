import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import type { Device, DeviceStore, SeenDevice } from '../../contracts/device.ts'
import { AppError } from '../../contracts/errors.ts'
import type { Principal } from '../../contracts/principal.ts'
import { makeSigningKey, signText } from '../../std/ed25519.ts'
import { Access, ownerOf } from './access.ts'
import { Devices, type DeviceEvent } from './devices.ts'
import { MAX_PENDING, Pairing, PENDING_MS, SKEW_MS } from './pairing.ts'
import { Tailnet, type TailnetClaim } from './tailnet.ts'

const DAY = 24 * 3_600_000
const TOKEN_MS = 90 * DAY
const OWNER = ownerOf('right')
const refused = (code: string) => (error: unknown) => error instanceof AppError && error.code === code

function inMemory() {
  const kept = new Map<string, Device>()
  const saves: (readonly SeenDevice[])[] = []
  const touches: [string, number][] = []
  const faults = { isFull: false }
  const store: DeviceStore = {
    list: async () => [...kept.values()],
    async save(device, seen) {
      if (faults.isFull) throw new AppError('store/conflict')
      assert.equal(kept.get(device.id)?.version ?? 0, device.version)
      saves.push(seen)
      kept.set(device.id, { ...device, version: device.version + 1 })
    },
    async touch(id, at) {
      touches.push([id, at])
    },
    async remove(id) {
      kept.delete(id)
    },
  }
  return { store, kept, saves, touches, faults }
}

async function opened() {
  const memory = inMemory()
  let now = 1_000_000
  let endings = 0
  const access = new Access([['right', OWNER]], { failedAuthLimit: 3, now: () => now })
  access.onEnded(() => endings++)
  const told: DeviceEvent[] = []
  const notes: string[] = []
  const devices = await Devices.open({
    store: memory.store,
    access,
    now: () => now,
    tell: (event) => told.push(event),
    note: (action, deviceId, by, scopes) => notes.push(`${action} ${deviceId} by ${by}: ${scopes.join()}`),
  })
  access.devices = devices
  const ask = (deviceId: string, wished: readonly string[] = ['operator.read', 'operator.write', 'operator.admin', 'other']) =>
    devices.request({ deviceId, publicKey: `key of ${deviceId}`, name: deviceId, wished, address: `address of ${deviceId}` })
  const admit = async (deviceId: string, scopes?: Device['scopes']) => {
    await devices.approve(ask(deviceId).id, scopes, OWNER)
    const claimed = await devices.claim(deviceId)
    assert.ok(claimed !== null)
    const principal = devices.byToken(claimed.token, now)
    assert.ok(principal !== null)
    return { ...claimed, principal }
  }
  return { ...memory, devices, access, told, notes, ask, admit, now: () => now, pass: (ms: number) => (now += ms), endings: () => endings }
}

test('C2 a device gets what the owner grants, and by its wish alone no more than reading and writing', async () => {
  const { devices, ask, told, notes, now, kept, endings } = await opened()
  const waiting = ask('zero', ['operator.read'])
  const request = ask('one')
  assert.deepEqual(told.at(-1), { event: 'device.pair.requested', payload: request })
  assert.equal(request.expiresAt - request.requestedAt, PENDING_MS)
  assert.equal(await devices.claim('one'), null, 'not decided yet')
  assert.deepEqual((await devices.approve(request.id, undefined, OWNER)).scopes, ['operator.read', 'operator.write'])
  assert.deepEqual(told.at(-1), { event: 'device.pair.resolved', payload: { requestId: request.id, deviceId: 'one', decision: 'approved', ts: now() } })
  assert.deepEqual((await devices.approve(ask('two').id, ['operator.approvals'], OWNER)).scopes, ['operator.approvals'])
  assert.deepEqual((await devices.approve(ask('three', ['operator.read', 'operator.admin']).id, undefined, OWNER)).scopes, ['operator.read'])
  assert.deepEqual((await devices.approve(ask('four').id, [], OWNER)).scopes, [])
  assert.equal((await devices.reject(waiting.id, OWNER)).id, waiting.id)
  assert.equal(endings(), 0, 'nothing was taken away')
  assert.deepEqual(notes.splice(-1), ['rejected zero by owner: '])
  assert.deepEqual(notes, [
    'approved one by owner: operator.read,operator.write',
    'approved two by owner: operator.approvals',
    'approved three by owner: operator.read',
    'approved four by owner: ',
  ])
  await assert.rejects(devices.approve(request.id, undefined, OWNER), refused('pair/not-found'))
  await assert.rejects(devices.approve('none', ['operator.read'], OWNER), refused('pair/not-found'))
  const { id, publicKey, name, approvedBy, createdAt, lastUsedAt, revokedAt, tokenHash, claimUntil, version } = kept.get('one') ?? assert.fail()
  assert.deepEqual(
    [id, publicKey, name, approvedBy, createdAt, lastUsedAt, revokedAt, tokenHash, claimUntil, version],
    ['one', 'key of one', 'one', 'owner', now(), null, null, null, now() + DAY, 1],
  )
  assert.deepEqual(
    devices.list().map((device) => device.id),
    ['one', 'two', 'three', 'four'],
  )
})

test('C3 the token comes once, within a day, and runs out after ninety', async () => {
  const { devices, ask, notes, now, pass, kept } = await opened()
  await assert.rejects(devices.claim('one'), refused('pair/not-found'))
  await devices.approve(ask('one').id, undefined, OWNER)
  const claimed = (await devices.claim('one')) ?? assert.fail()
  assert.match(claimed.token, /^cara_device_[\w-]{43}$/)
  assert.equal(notes.at(-1), 'claimed one by device:one: operator.read,operator.write')
  assert.ok(!JSON.stringify([...kept.values()]).includes(claimed.token))
  await assert.rejects(devices.claim('one'), refused('pair/not-found'))
  const principal = devices.byToken(claimed.token, now()) ?? assert.fail()
  assert.deepEqual(principal, { id: 'device:one', scopes: ['operator.read', 'operator.write'], credential: 'device:one', needsProof: true })
  assert.equal(devices.byToken(`${claimed.token}x`, now()), null)
  assert.equal(devices.byToken(claimed.token, now() + TOKEN_MS - 1), principal)
  assert.equal(devices.byToken(claimed.token, now() + TOKEN_MS), null)
  assert.deepEqual([devices.isCurrent(principal, now()), devices.isCurrent(principal, now() + TOKEN_MS)], [true, false])
  assert.equal(devices.isCurrent({ ...principal }, now()), false)
  assert.deepEqual([devices.scopesOf('device:one', now()), devices.scopesOf('device:one', now() + TOKEN_MS)], [principal.scopes, null])
  assert.deepEqual([devices.scopesOf('one', now()), devices.scopesOf('device:two', now()), devices.find(OWNER)], [null, null, null])
  assert.equal(devices.find(principal)?.id, 'one')
  await devices.approve(ask('late').id, undefined, OWNER)
  pass(DAY - 1)
  assert.ok((await devices.claim('late')) !== null)
  await devices.approve(ask('later').id, undefined, OWNER)
  pass(DAY)
  await assert.rejects(devices.claim('later'), refused('pair/not-found'))
})

test('C4 a rotated device opens nothing until it fetches another token, and a revoked one is a stranger', async () => {
  const { devices, admit, ask, notes, now, pass, endings } = await opened()
  const one = await admit('one')
  const other = await admit('other')
  const before = endings()
  await devices.rotate('one', OWNER)
  assert.equal(endings(), before + 1, 'open connections are looked at again')
  assert.deepEqual([devices.byToken(one.token, now()), devices.isCurrent(one.principal, now())], [null, false])
  assert.deepEqual(devices.scopesOf('device:one', now()), ['operator.read', 'operator.write'], 'what it sent stays sent')
  pass(30 * DAY - 1)
  const again = (await devices.claim('one')) ?? assert.fail()
  assert.ok(devices.byToken(again.token, now()) !== null)
  await devices.rotate('one', OWNER)
  pass(30 * DAY)
  await assert.rejects(devices.claim('one'), refused('pair/not-found'))
  await devices.revoke('other', OWNER)
  assert.deepEqual([devices.byToken(other.token, now()), devices.scopesOf('device:other', now())], [null, null])
  await assert.rejects(devices.claim('other'), refused('pair/not-found'))
  await assert.rejects(devices.revoke('other', OWNER), refused('device/not-found'))
  await assert.rejects(devices.rotate('other', OWNER), refused('device/not-found'))
  await assert.rejects(devices.rotate('none', OWNER), refused('device/not-found'))
  assert.deepEqual(notes.slice(-2), ['rotated one by owner: operator.read,operator.write', 'revoked other by owner: operator.read,operator.write'])
  await devices.approve(ask('other').id, ['operator.read'], OWNER)
  assert.ok((await devices.claim('other')) !== null, 'and may be admitted again')
})

test('C2 nobody decides over more than he holds at that moment', async () => {
  const { devices, admit, ask, saves, now, pass } = await opened()
  const keeper = await admit('keeper', ['operator.pairing'])
  const reader = await admit('reader', ['operator.read'])
  await admit('admin', ['operator.admin'])
  const forbidden = refused('auth/forbidden')
  const request = ask('new')
  for (const scopes of [['operator.write'], ['operator.admin'], undefined] as const)
    await assert.rejects(devices.approve(request.id, scopes, keeper.principal), forbidden)
  for (const by of [reader.principal, { id: 'x', scopes: ['operator.admin'], credential: 'token:none' } satisfies Principal]) {
    await assert.rejects(devices.approve(request.id, [], by), forbidden)
    await assert.rejects(devices.reject(request.id, by), forbidden)
    await assert.rejects(devices.revoke('reader', by), forbidden)
  }
  const weak: Principal = { ...OWNER, scopes: ['operator.read'] }
  await assert.rejects(devices.approve(request.id, ['operator.write'], weak), forbidden, 'not more than he came in with')
  await assert.rejects(devices.rotate('admin', keeper.principal), forbidden)
  await assert.rejects(devices.approve(ask('admin').id, ['operator.read'], keeper.principal), forbidden, 'nor by replacing it')
  await devices.revoke('admin', OWNER)
  assert.deepEqual(
    (await devices.approve(ask('admin').id, ['operator.read'], keeper.principal)).scopes,
    ['operator.read'],
    'one that was revoked has nothing to lose',
  )
  assert.deepEqual((await devices.approve(ask('new').id, ['operator.read'], keeper.principal)).scopes, ['operator.read'])
  assert.deepEqual(saves.at(-1), [{ id: 'keeper', version: 2 }], 'the commit names the approver as he was seen')
  await devices.rotate('keeper', keeper.principal)
  assert.deepEqual(saves.at(-1), [], 'and not himself')
  await assert.rejects(devices.approve(ask('newer').id, [], keeper.principal), forbidden, 'his token has ended')
  assert.equal((await devices.reject(ask('newest').id, OWNER)).deviceId, 'newest')
  await assert.rejects(devices.claim('newest'), refused('pair/not-found'))
  const second = await admit('second', ['operator.pairing'])
  pass(TOKEN_MS)
  assert.equal(devices.isCurrent(second.principal, now()), false)
  await assert.rejects(devices.reject(ask('x').id, second.principal), forbidden)
})

test('what cannot be kept changes nothing, and the next change is not held up', async () => {
  const { devices, admit, faults, now, endings } = await opened()
  const one = await admit('one')
  faults.isFull = true
  const before = endings()
  const changing = devices.revoke('one', OWNER)
  await assert.rejects(changing, refused('store/conflict'))
  assert.equal(endings(), before)
  assert.equal(devices.byToken(one.token, now())?.credential, 'device:one')
  await assert.rejects(
    devices.approve(devices.request({ deviceId: 'new', publicKey: 'k', name: 'n', wished: [], address: 'a' }).id, [], OWNER),
    refused('store/conflict'),
  )
  assert.equal(devices.find({ ...OWNER, credential: 'device:new' }), null)
  faults.isFull = false
  await devices.revoke('one', OWNER)
  assert.equal(devices.byToken(one.token, now()), null)
})

test('C4 while the end of a device is being written, it opens nothing any more', async () => {
  const { devices, admit, store, now } = await opened()
  const one = await admit('one')
  const written = Promise.withResolvers<void>()
  const save = store.save.bind(store)
  store.save = async (...all) => {
    await written.promise
    return save(...all)
  }
  const ending = devices.revoke('one', OWNER)
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([devices.byToken(one.token, now()), devices.isCurrent(one.principal, now()), devices.scopesOf('device:one', now())], [null, false, null])
  written.resolve()
  await ending
})

test('use of a device is noted once an hour, and of no other', async () => {
  const { devices, admit, touches, now, pass, kept } = await opened()
  const { principal } = await admit('one')
  const first = now()
  devices.touch(principal)
  devices.touch(principal)
  pass(3_600_000 - 1)
  devices.touch(principal)
  pass(1)
  devices.touch(principal)
  devices.touch(OWNER)
  devices.touch({ ...principal, credential: 'device:none' })
  assert.deepEqual(touches, [
    ['one', first],
    ['one', first + 3_600_000],
  ])
  assert.equal(devices.list()[0]?.lastUsedAt, first + 3_600_000)
  assert.equal(devices.byToken('none', now()), null)
  assert.equal(kept.size, 1)
})

test('I1 there are 256 devices at most: a revoked one makes room, and none in use does', async () => {
  const memory = inMemory()
  for (let index = 0; index < 256; index++) {
    const id = `d${index}`
    const revokedAt = index === 7 || index === 9 ? 1 : null
    memory.kept.set(id, {
      id,
      publicKey: 'k',
      name: id,
      scopes: [],
      tokenHash: null,
      tokenExpiresAt: null,
      claimUntil: null,
      approvedBy: 'owner',
      createdAt: 0,
      lastUsedAt: null,
      revokedAt,
      version: 1,
    })
  }
  const access = new Access([['right', OWNER]], { failedAuthLimit: 3, now: () => 0 })
  const devices = await Devices.open({ store: memory.store, access, now: () => 0, tell: () => undefined, note: () => undefined })
  const approve = (deviceId: string) => devices.approve(devices.request({ deviceId, publicKey: 'k', name: 'n', wished: [], address: deviceId }).id, [], OWNER)
  await approve('d3')
  assert.equal(memory.kept.size, 256, 'a known one needs no room')
  await approve('first')
  await approve('second')
  assert.deepEqual([memory.kept.has('d7'), memory.kept.has('d9'), memory.kept.has('d0'), memory.kept.size], [false, false, true, 256])
  await assert.rejects(approve('third'), refused('pair/full'))
  assert.equal(devices.list().length, 256)
})

const request = (deviceId: string, address: string) => ({ deviceId, publicKey: 'k', name: 'n', wished: [], address })

test('I1 strangers wait at most half an hour, five of one address, twenty-five in all', () => {
  const pairing = new Pairing()
  const first = pairing.add(request('a', 'x'), 0)
  const again = pairing.add(request('a', 'x'), 1)
  assert.notEqual(first.id, again.id)
  assert.deepEqual(pairing.list(1), [again])
  assert.throws(() => pairing.take(first.id, 1), refused('pair/not-found'), 'what the owner saw before can no longer be approved')
  for (const id of ['b', 'c', 'd', 'e']) pairing.add(request(id, 'x'), 2)
  assert.throws(() => pairing.add(request('f', 'x'), 2), refused('pair/full'))
  assert.equal(pairing.add(request('a', 'x'), 2).deviceId, 'a', 'who asks again takes no more room')
  for (let index = 5; index < MAX_PENDING; index++) pairing.add(request(`n${index}`, `y${index}`), 2)
  assert.throws(() => pairing.add(request('z', 'z'), 2), refused('pair/full'))
  assert.equal(pairing.isPending('b', 2)?.deviceId, 'b')
  assert.equal(pairing.isPending('z', 2), null)
  assert.equal(pairing.list(2 + PENDING_MS - 1).length, MAX_PENDING)
  assert.deepEqual(pairing.list(2 + PENDING_MS), [])
  assert.equal(pairing.isPending('b', 2), null, 'forgotten')
  const taken = pairing.add(request('b', 'x'), 3)
  assert.deepEqual(pairing.take(taken.id, 4), taken)
  assert.throws(() => pairing.take(taken.id, 4), refused('pair/not-found'), 'once')
  const late = pairing.add(request('c', 'x'), 5)
  assert.throws(() => pairing.take(late.id, 5 + PENDING_MS), refused('pair/not-found'))
})

test('C3 a nonce holds two minutes, a clock may be off by ten, and used ones are remembered', () => {
  const key = makeSigningKey()
  const now = 1_700_000_000_000
  const given = (nonce: string, signedAt = now) => ({ text: nonce, nonce, signedAt, signature: signText(key, nonce) })
  const denied = refused('auth/unauthorized')
  const pairing = new Pairing()
  for (const off of [SKEW_MS, -SKEW_MS, 0]) pairing.verify(key, given(pairing.nonce(now), now + off), now)
  for (const off of [SKEW_MS + 1, -SKEW_MS - 1]) assert.throws(() => pairing.verify(key, given(pairing.nonce(now), now + off), now), denied)
  pairing.verify(key, given(pairing.nonce(now - 119_999)), now)
  assert.throws(() => pairing.verify(key, given(pairing.nonce(now - 120_000)), now), denied)
  for (const nonce of ['', '.', 'a', `.${pairing.nonce(now)}`, `${pairing.nonce(now)}.`])
    assert.throws(() => pairing.verify(key, given(nonce), now), denied, nonce)
  const nonce = pairing.nonce(now)
  assert.throws(() => pairing.verify(key, { ...given(nonce), text: 'other' }, now), denied)
  assert.throws(() => pairing.verify(makeSigningKey(), given(nonce), now), denied)
  pairing.verify(key, given(nonce), now)
  assert.throws(() => pairing.verify(key, given(nonce), now + 60_000), denied, 'used, and another use does not make it forget')
  pairing.verify(key, given(pairing.nonce(now + 119_000), now), now + 119_000)
  assert.throws(() => pairing.verify(key, given(nonce), now + 119_999), denied)
  const text = pairing.nonce(now)
  assert.notEqual(text, pairing.nonce(now))
  assert.match(text, /^[0-9a-z]+\.[\w-]{22}\.[\w-]{22}$/)
})

test('I1 more than 4,096 signatures in two minutes are refused, and after it there is room', () => {
  const key = makeSigningKey()
  const pairing = new Pairing()
  const signature = signText(key, 'same')
  const use = (now: number) => pairing.verify(key, { text: 'same', nonce: pairing.nonce(now), signedAt: now, signature }, now)
  for (let index = 0; index < 4096; index++) use(0)
  assert.throws(() => use(119_999), refused('request/rate-limited'))
  use(120_000)
})

test('B3 a person of the tailnet is known by the daemon and the socket, whoever writes the header', async () => {
  const claim: TailnetClaim = { peerAddress: '127.0.0.1', peerPort: 5000, ownPort: 18_789, client: '100.64.0.7', login: 'Me@a.example' }
  const asked: unknown[] = []
  const tailnet = (addresses: readonly string[] = ['100.64.0.7/32', 'fd7a::7/128'], login = 'ME@a.example') =>
    new Tailnet({
      users: ['me@A.example'],
      scopes: ['operator.read'],
      whoIs: async (address) => (asked.push(address), { login, addresses }),
      ownerOfPeer: async (...ports) => (asked.push(ports), 0),
      ownerOfDaemon: async () => 0,
    })
  const one = tailnet()
  const me = one.principals.get('tailnet:me@a.example')
  assert.deepEqual(me, { id: 'tailnet:me@a.example', scopes: ['operator.read'], credential: 'tailnet:me@a.example' })
  assert.equal(await one.identify(claim), me)
  assert.deepEqual(asked, [[5000, 18_789], '100.64.0.7'])
  for (const peerAddress of ['127.9.9.9', '::1', '::ffff:127.0.0.1']) assert.equal(await one.identify({ ...claim, peerAddress }), me, peerAddress)
  assert.equal(await one.identify({ ...claim, client: 'fd7a::7' }), me)
  for (const wrong of [
    { peerAddress: '128.0.0.1' },
    { peerAddress: '::ffff:10.0.0.1' },
    { login: 'eve@a.example' },
    { client: '100.64.0.8' },
    { client: 'a' },
  ]) {
    assert.equal(await one.identify({ ...claim, ...wrong }), null, JSON.stringify(wrong))
  }
  assert.equal(await tailnet(['100.64.0.7/128', 'fd7a::7/32']).identify(claim), null)
  assert.equal(await tailnet(['100.64.0.7/128', 'fd7a::7/32']).identify({ ...claim, client: 'fd7a::7' }), null)
  assert.equal(await tailnet(undefined, 'eve@a.example').identify(claim), null, 'the daemon names somebody else')
  assert.equal(await tailnet(undefined, 'eve@a.example').identify({ ...claim, login: 'eve@a.example' }), null, 'known to the daemon, and no user of ours')
  for (let index = 0; index < 20; index++) assert.equal(await one.identify(claim), me, 'each question that is answered makes room')
})

test('B3 eight questions to the daemon at once, and more are strangers', async () => {
  const answers = Promise.withResolvers<null>()
  let questions = 0
  const tailnet = new Tailnet({
    users: ['me'],
    scopes: [],
    whoIs: () => (questions++, answers.promise),
    ownerOfPeer: async () => 0,
    ownerOfDaemon: async () => 0,
  })
  const claim: TailnetClaim = { peerAddress: '::1', peerPort: 1, ownPort: 2, client: '100.64.0.7', login: 'me' }
  const waiting = Array.from({ length: 9 }, () => tailnet.identify(claim))
  assert.equal(questions, 8)
  answers.resolve(null)
  assert.ok((await Promise.all(waiting)).every((one) => one === null))
})

test('what another node has changed holds after a reload, and what it left alone stays', async () => {
  const { devices, kept: stored, access, admit, endings } = await opened()
  const [kept, revoked, removed] = [await admit('kept'), await admit('revoked'), await admit('removed')]
  const before = endings()
  await devices.reload()
  assert.equal(endings(), before, 'nothing was taken away')
  const [old, other] = [stored.get('revoked'), stored.get('kept')]
  assert.ok(old !== undefined && other !== undefined)
  stored.set('revoked', { ...old, tokenHash: null, revokedAt: 5, version: old.version + 1 })
  stored.delete('removed')
  stored.set('new', { ...other, id: 'new', tokenHash: hash('sha256', 'cara_device_new') })
  await devices.reload()
  assert.deepEqual([access.authenticate(revoked.token), access.authenticate(removed.token)], [null, null])
  assert.equal(access.authenticate(kept.token), kept.principal, 'it is the same principal')
  assert.equal(access.authenticate('cara_device_new')?.id, 'device:new')
  assert.equal(endings(), before + 1)
  const ids = devices.list().map(({ id }) => id)
  assert.deepEqual(ids, ['kept', 'revoked', 'new'])
})
