/** C4: what was taken away opens nothing within a second: over real sockets, in the whole program. */
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { rotateToken } from '../../src/app/rotate-token.ts'
import { createServices } from '../../src/app/services.ts'
import { resolvePaths } from '../../src/config/paths.ts'
import { AppError } from '../../src/contracts/errors.ts'
import { Secret } from '../../src/contracts/secret.ts'
import { agentWaitResult } from '../../src/contracts/ws/agent.ts'
import { authRotateResult } from '../../src/contracts/ws/auth.ts'
import { connectGateway, type GatewayClient } from '../../src/net/gateway-client.ts'
import { configuredGateway, type ConfiguredGateway } from '../doubles/configured-gateway.ts'
import { within } from '../doubles/within.ts'
import { chatReply } from '../doubles/openai-wire.ts'

const connect = (cara: ConfiguredGateway, token: string): Promise<GatewayClient> =>
  connectGateway({ url: cara.url, token: new Secret(token), version: '1.2.3', signal: AbortSignal.timeout(10_000) })

const environment = (cara: ConfiguredGateway) => ({
  HOME: cara.folder,
  CARAPACE_STATE_DIR: join(cara.folder, 'state'),
  CARAPACE_CONFIG_PATH: join(cara.folder, 'carapace.json5'),
})

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10)
}

test('C4 a rotated token opens nothing, its sockets close within a second, and the new one opens', async () => {
  await using cara = await configuredGateway()
  const [thief, owner] = [await connect(cara, cara.token), await connect(cara, cara.token)]
  const { token } = authRotateResult.parse(await owner.call('auth.rotate'))
  assert.notEqual(token, cara.token)
  await within(1000, Promise.all([thief.closed, owner.closed]))
  assert.equal((await cara.request('/v1/models', { token: cara.token })).status, 401)
  assert.equal((await cara.request('/v1/models', { token })).status, 200)
  await assert.rejects(connect(cara, cara.token), { code: 'auth/unauthorized' })
  const again = await connect(cara, token)
  await again.close()
})

test('C4 a token that was rotated on the disk ends in the gateway that runs', async () => {
  await using cara = await configuredGateway()
  const thief = await connect(cara, cara.token)
  const unreachable = () => Promise.reject(new AppError('gateway/unreachable'))
  const token = await rotateToken(environment(cara), resolvePaths(environment(cara)), unreachable)
  await within(1000, thief.closed)
  assert.equal((await cara.request('/v1/models', { token: cara.token })).status, 401)
  assert.equal((await cara.request('/v1/models', { token })).status, 200)
  // What cannot be read changes nothing.
  const log = join(cara.folder, 'state', 'logs', 'gateway.log')
  writeFileSync(join(cara.folder, 'state', 'gateway-token.sealed'), 'damaged')
  writeFileSync(join(cara.folder, 'state', 'keys', 'changed'), 'again')
  await within(
    5000,
    until(() => existsSync(log) && cara.logged().includes('credentials.unreadable')),
  )
  assert.equal((await fetch(`${cara.url}/v1/models`, { headers: { authorization: `Bearer ${token}` } })).status, 200)
})

test('C4 `cara token --rotate` asks the gateway that runs; a token of the environment is not rotated', async () => {
  await using cara = await configuredGateway()
  const thief = await connect(cara, cara.token)
  const token = await createServices(environment(cara)).rotateToken()
  await within(1000, thief.closed)
  assert.equal((await cara.request('/v1/models', { token })).status, 200)
  const fixed = { ...environment(cara), CARAPACE_GATEWAY_TOKEN: 'x'.repeat(32) }
  await assert.rejects(createServices(fixed).rotateToken(), { code: 'auth/fixed' })
})

test('C4 what a taken credential had sent is cancelled, running or waiting', async () => {
  await using cara = await configuredGateway()
  const thief = await connect(cara, cara.token)
  cara.upstream.script(chatReply({ text: ['working'] }, 'hang'), chatReply({ text: ['never asked'] }))
  const running = Object(await thief.call('chat.send', { message: 'one', idempotencyKey: 'a' }))
  const queued = Object(await thief.call('chat.send', { message: 'two', idempotencyKey: 'b' }))
  assert.deepEqual([running.status, queued.status], ['started', 'queued'])
  const token = await createServices(environment(cara)).rotateToken()
  const owner = await connect(cara, token)
  for (const { runId } of [running, queued]) {
    const { result } = agentWaitResult.parse(await owner.call('agent.wait', { runId, timeoutMs: 5000 }))
    assert.equal(result?.status, 'cancelled')
  }
  assert.ok(cara.upstream.requests.length <= 1)
  await owner.close()
})
