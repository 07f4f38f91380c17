/** C6 C7: one table of who may do what: every route and every method, for every kind of credential, over both transports. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { covers, type Principal } from '../../src/contracts/principal.ts'
import { grantableScopes, type Scope } from '../../src/contracts/scope.ts'
import { Access } from '../../src/guard/identity/access.ts'
import { methods } from '../../src/server/methods/registry.ts'
import { routes } from '../../src/server/routes/registry.ts'
import { openDoors } from '../doubles/open-doors.ts'
import { CONNECT, openSocket } from '../doubles/socket-client.ts'

const PUBLIC = new Set(['/health', '/health/live', '/health/ready', '/auth/login', '/pair/challenge', '/pair/request', '/pair/claim'])

/** A token for each set of scopes that matters. */
const holders: readonly (readonly [token: string, principal: Principal])[] = [[], ...grantableScopes.map((scope) => [scope])].map(
  (scopes: readonly Scope[], index) => [`cara_holder_token_${index}_0123456789`, { id: `holder-${index}`, scopes, credential: `token:${index}` }],
)

const doorsOf = () => openDoors({ failedAuthLimit: 100_000 }, { access: new Access(holders, { failedAuthLimit: 100_000, now: () => Date.now() }) })

test('C7 every route answers those who hold its scope, and nobody else', async () => {
  await using doors = await doorsOf()
  for (const { path, method, scope } of routes) {
    assert.equal(scope === 'public', PUBLIC.has(path), `${path} is public`)
    const body = method === 'POST' ? { body: '[]' } : {}
    const strange = (await doors.ask(path, { method, token: null, ...body })).status
    if (scope === 'public') assert.notEqual(strange, 403, path)
    else assert.equal(strange, 401, path)
    for (const [token, { scopes }] of holders) {
      const { status } = await doors.ask(path, { method, token, ...body })
      if (scope === 'public') assert.notEqual(status, 403, path)
      else assert.equal(status !== 403, covers(scopes, scope), `${path} with ${scopes.join()}: ${status}`)
    }
  }
  assert.equal(doors.gateway.messages.length, 0)
})

test('C6 every method answers those who hold its scope, and nobody else', async () => {
  await using doors = await doorsOf()
  for (const [token, { scopes }] of holders) {
    // Even the upgrade asks for reading.
    if (!covers(scopes, 'operator.read')) {
      assert.equal((await doors.ask('/ws', { token, headers: { connection: 'Upgrade', upgrade: 'websocket' } })).status, 403)
      continue
    }
    const client = await openSocket(doors, { headers: { authorization: `Bearer ${token}` } })
    assert.ok((await client.call('connect', CONNECT)).ok)
    for (const { name, scope } of methods) {
      // Parameters that no method takes: whoever gets that far is let in, and nothing happens.
      const { error } = await client.call(name, { '\u0000': 1 })
      assert.equal(error?.code, covers(scopes, scope) ? 'request/invalid' : 'auth/forbidden', `${name} with ${scopes.join()}`)
    }
    client.socket.terminate()
  }
})

test('C6 what changes something asks for more than reading, whatever its door', () => {
  const READS = /(?:^agent\.resume|(?:^|\.)(?:health|status|list|get|history|wait|preview|export|schema|grants|proposal|why|info|show|explain|runs|replay))$/
  for (const { name, scope } of methods) {
    assert.notEqual(scope, 'public', name)
    if (scope === 'operator.read') assert.match(name, READS)
  }
  const scopeOf = new Map(methods.map(({ name, scope }) => [name, scope]))
  for (const [name, scope] of Object.entries({
    'auth.rotate': 'operator.admin',
    'logs.tail': 'operator.admin',
    'chat.send': 'operator.write',
    'device.pair.approve': 'operator.pairing',
    'device.token.rotate': 'operator.pairing',
    'device.token.revoke': 'operator.pairing',
    'approvals.resolve': 'operator.approvals',
    'approvals.apply': 'operator.approvals',
    'cluster.set': 'operator.admin',
    'cluster.unset': 'operator.admin',
  })) {
    assert.equal(scopeOf.get(name), scope, name)
  }
  for (const { path, method, scope } of routes) if (method === 'POST') assert.notEqual(scope === 'operator.read' && path !== '/auth/logout', true, path)
  // No file of configuration is written over any door (C5); what nodes share decides nothing about safety (cluster-settings.test.ts).
  assert.deepEqual(
    methods.filter(({ name }) => /^config\.(?!get$|schema$)/.test(name)).map(({ name }) => name),
    [],
  )
})

test('L1 tokens of every length are compared alike', async () => {
  await using doors = await doorsOf()
  const [right = ''] = holders[4] ?? []
  for (const wrong of ['', 'x', right.slice(0, -1), `${right}x`, right.toUpperCase(), 'x'.repeat(512), ` ${right}`]) {
    const headers: Readonly<Record<string, string>> = { authorization: `Bearer ${wrong}` }
    const { status } = await doors.ask('/v1/models', { token: null, headers })
    assert.equal(status, wrong.trim() === right ? 200 : 401, wrong)
  }
})

test('B4 a connection or an address that showed a token once has no token', async () => {
  await using doors = await doorsOf()
  const [token = ''] = holders[5] ?? []
  assert.equal((await doors.ask('/v1/models', { token })).status, 200)
  assert.equal((await doors.ask('/v1/models', { token: null })).status, 401)
  const headers = { connection: 'keep-alive' }
  const [first, second] = [
    await fetch(`${doors.url}/v1/models`, { headers: { ...headers, authorization: `Bearer ${token}` } }),
    await fetch(`${doors.url}/v1/models`, { headers }),
  ]
  assert.deepEqual([first.status, second.status], [200, 401])
  await Promise.all([first.arrayBuffer(), second.arrayBuffer()])
})
