/** Two machines: the gateway of one, the other as its device, by the commands that people type. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createServices } from '../../src/app/services.ts'
import { statusResult } from '../../src/contracts/ws/health.ts'
import { runCli } from '../../src/cli/main.ts'
import { configuredGateway, type ConfiguredGateway } from '../doubles/configured-gateway.ts'
import { cleanEnvironment } from '../doubles/gateway-process.ts'
import { within } from '../doubles/within.ts'
import { fakeTerminal } from './cli-fixture.ts'

test('a machine is paired, used by the URL of its gateway, renewed, and taken out', async () => {
  await using cara = await configuredGateway()
  const home = await mkdtemp(join(tmpdir(), 'carapace-laptop-'))
  try {
    const [atHome, away] = [cleanEnvironment(cara.folder), cleanEnvironment(home)]
    const run = async (env: typeof away, ...argv: readonly string[]) => {
      const io = fakeTerminal()
      const code = await runCli(argv, { io, env, version: '1.2.3', services: createServices(env) })
      return { code, out: io.out(), err: io.err() }
    }
    const stranger = await run(away, 'status', '--host', cara.url)
    assert.deepEqual([stranger.code, stranger.err.includes(`cara pair ${cara.url}`)], [3, true])

    const io = fakeTerminal()
    const pairing = runCli(['pair', cara.url, '--name', 'my laptop'], { io, env: away, version: '1.2.3', services: createServices(away) })
    await Promise.race([io.shows('waiting for: cara devices approve '), pairing.then(() => assert.fail(io.err()))])
    const requestId = /approve (\S+)/.exec(io.out())?.[1] ?? ''
    const fingerprint = /fingerprint: (\S+)/.exec(io.out())?.[1] ?? ''
    const asking = await run(atHome, 'devices', 'list')
    assert.match(
      asking.out,
      new RegExp(`asks: my laptop from 127.0.0.1, wishes operator.read, operator.write\n +fingerprint ${fingerprint}, .*approve ${requestId}`),
    )
    assert.match(
      (await run(atHome, 'devices', 'approve', requestId, '--scopes', 'operator.read')).out,
      new RegExp(`^admitted: my laptop ${fingerprint} \\(operator.read\\)`),
    )
    assert.equal(await pairing, 0, io.err())

    const sealed = join(home, 'state', 'paired-gateways.sealed')
    assert.equal((await stat(sealed)).mode & 0o777, 0o600)
    assert.doesNotMatch(await readFile(sealed, 'utf8'), /cara_device_/)
    assert.equal((await run(away, 'status', '--host', cara.url)).code, 0)
    const refused = await run(away, 'ask', 'hello', '--host', cara.url)
    assert.match(refused.err, /lacks the scope/)

    const listed = await run(atHome, 'devices', 'list', '--json')
    const id: string = JSON.parse(listed.out).devices[0].id
    // Its token ends; its key fetches another.
    assert.equal((await run(atHome, 'devices', 'rotate', id.slice(0, 8))).code, 0)
    assert.equal((await run(away, 'status', '--host', cara.url)).code, 0)

    const client = await createServices(away).connect({ host: cara.url })
    assert.ok(statusResult.safeParse(await client.call('status')).success)
    const revoked = run(atHome, 'devices', 'revoke', id.slice(0, 8))
    await within(1000, client.closed)
    assert.equal((await revoked).code, 0)
    const out = await run(away, 'status', '--host', cara.url)
    assert.deepEqual([out.code, out.err.includes('Pair it again')], [3, true])
    assert.match((await run(atHome, 'devices', 'list')).out, /revoked/)
    await deviceSurvivesRestart(cara, atHome)
  } finally {
    await rm(home, { recursive: true })
  }
})

test('a device that is refused is told so', async () => {
  await using cara = await configuredGateway()
  const home = await mkdtemp(join(tmpdir(), 'carapace-laptop-'))
  try {
    const away = cleanEnvironment(home)
    const io = fakeTerminal()
    const pairing = runCli(['pair', cara.url], { io, env: away, version: '1.2.3', services: createServices(away) })
    await Promise.race([io.shows('waiting for'), pairing.then(() => assert.fail(io.err()))])
    const requestId = /approve (\S+)/.exec(io.out())?.[1] ?? ''
    await cara.client.call('device.pair.reject', { requestId })
    assert.equal(await pairing, 1)
    assert.match(io.err(), /There is no such request/)
  } finally {
    await rm(home, { recursive: true })
  }
})

/** What the store holds is what the next process knows. */
async function deviceSurvivesRestart(cara: ConfiguredGateway, env: Readonly<Record<string, string>>): Promise<void> {
  await cara.client.close()
  await cara.stop()
  const services = createServices(env)
  const again = await services.startGateway({})
  const client = await services.connect({})
  const { devices } = Object(await client.call('device.list'))
  assert.deepEqual(
    devices.map(({ status }: { status: string }) => status),
    ['revoked'],
  )
  await client.close()
  await again.stop()
}
