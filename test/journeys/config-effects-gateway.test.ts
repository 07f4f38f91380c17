/** Keys of `gateway`, `logging`, `audit` and `store`: what the owner writes into the file is what happens. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { chatHistoryResult, chatSendResult } from '../../src/contracts/ws/chat.ts'
import { configuredGateway } from '../doubles/configured-gateway.ts'
import { freePort } from '../doubles/free-port.ts'
import { cleanEnvironment, startProgram } from '../doubles/gateway-process.ts'
import { startTailscaled } from '../doubles/tailscaled.ts'
import { startModelServer } from '../doubles/model-server.ts'
import { chatReply } from '../doubles/openai-wire.ts'

describe('gateway', () => {
  it('host and port say where it listens', async () => {
    // Another loopback address: Linux has all of 127/8, other systems have IPv6.
    const host = process.platform === 'linux' ? '127.0.0.2' : '::1'
    const port = await freePort()
    await using cara = await configuredGateway({ gateway: { host, port, allowedHosts: [host] } })
    assert.equal(cara.port, port)
    assert.equal((await cara.request('/health')).status, 200)
    await assert.rejects(fetch(`http://127.0.0.1:${port}/health`))
  })

  it('allowedHosts adds names under which it answers', async () => {
    const headers = { host: 'cara.example' }
    await using strict = await configuredGateway()
    assert.equal((await strict.request('/v1/models', { headers })).status, 421)
    await using open = await configuredGateway({ gateway: { allowedHosts: ['cara.example'] } })
    assert.equal((await open.request('/v1/models', { headers })).status, 200)
  })

  it('allowedOrigins adds pages that may call it', async () => {
    const headers = { origin: 'https://page.example' }
    await using strict = await configuredGateway()
    assert.equal((await strict.request('/v1/models', { headers })).status, 403)
    await using open = await configuredGateway({ gateway: { allowedOrigins: ['https://page.example'] } })
    const { status, headers: answered } = await open.request('/v1/models', { headers })
    assert.deepEqual([status, answered['access-control-allow-origin']], [200, 'https://page.example'])
  })

  it('trustedProxies names the proxies that are believed', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.9' }
    await using strict = await configuredGateway()
    assert.equal((await strict.request('/v1/models', { headers })).status, 403)
    await using open = await configuredGateway({ gateway: { trustedProxies: ['127.0.0.0/8'] } })
    assert.equal((await open.request('/v1/models', { headers })).status, 200)
  })

  it('auth.tailscale says who of the tailnet is believed, by which daemon, and what he may do', async (t) => {
    if (process.platform !== 'linux') return t.skip('only Linux tells whose a socket is')
    await using daemon = await startTailscaled({ '100.64.0.7': 'me@example.com' })
    const ask = async (tailscale: object) => {
      await using cara = await configuredGateway({ gateway: { trustedProxies: ['127.0.0.1'], auth: { tailscale } } })
      const headers = { 'tailscale-user-login': 'me@example.com', 'x-forwarded-for': '100.64.0.7', 'content-type': 'application/json' }
      const read = await fetch(`${cara.url}/v1/models`, { headers })
      const write = await fetch(`${cara.url}/v1/responses`, { method: 'POST', headers, body: '{}' })
      await Promise.all([read.arrayBuffer(), write.arrayBuffer()])
      return [read.status, write.status]
    }
    const whole = { enabled: true, users: ['me@example.com'], socket: daemon.socket }
    assert.deepEqual(await ask(whole), [200, 400])
    assert.deepEqual(await ask({ ...whole, scopes: ['operator.read'] }), [200, 403])
    assert.deepEqual(await ask({ ...whole, users: ['you@example.com'] }), [401, 401])
    assert.deepEqual(await ask({ ...whole, socket: '/nowhere' }), [401, 401])
    assert.deepEqual(await ask({ ...whole, enabled: false }), [401, 401])
  })

  it('maxBodyBytes bounds a request', async () => {
    await using cara = await configuredGateway({ gateway: { maxBodyBytes: 1024 } })
    const send = async (length: number) => (await cara.request('/v1/chat/completions', { method: 'POST', body: ' '.repeat(length) })).status
    assert.deepEqual([await send(1000), await send(1025)], [400, 413])
  })

  it('requestTimeoutMs ends a request that does not arrive', async () => {
    await using cara = await configuredGateway({ gateway: { requestTimeoutMs: 150 } })
    const begunAt = performance.now()
    const { status } = await cara.request('/v1/chat/completions', { method: 'POST', body: '{', isOpen: true, headers: { 'content-length': '100' } })
    assert.equal(status, 408)
    assert.ok(performance.now() - begunAt < 10_000)
  })

  it('drainMs is what running turns get when it stops', async () => {
    await using cara = await configuredGateway({ gateway: { drainMs: 100 } })
    cara.upstream.script(chatReply({ text: ['never'] }, 'hang'))
    await cara.client.call('chat.send', { message: 'hello', idempotencyKey: 'a' })
    const stoppedAt = performance.now()
    await cara.stop()
    const ms = performance.now() - stoppedAt
    assert.ok(ms > 90 && ms < 10_000, `${ms} ms`)
  })

  it('maxConnections bounds the sockets', async () => {
    await using cara = await configuredGateway({ gateway: { maxConnections: 1 } })
    const headers = { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' }
    assert.equal((await cara.request('/ws', { headers })).status, 429)
  })

  it('failedAuthLimit is the number of wrong tokens that are looked at', async () => {
    await using cara = await configuredGateway({ gateway: { failedAuthLimit: 2 } })
    const knock = async () => (await cara.request('/v1/models', { token: 'wrong' })).status
    assert.deepEqual([await knock(), await knock(), await knock()], [401, 401, 429])
  })
})

describe('logging', () => {
  it('level is the least that is written', async () => {
    const written = async (level: string) => {
      await using cara = await configuredGateway({ logging: { level } })
      await cara.request('/nowhere')
      cara.upstream.script({ status: 500, pieces: [] })
      await cara.client.call('models.list')
      await cara.stop()
      const levels = existsSync(join(cara.folder, 'state', 'logs', 'gateway.log')) ? cara.logged() : ''
      return ['debug', 'info', 'warn', 'error'].filter((name) => levels.includes(`"level":"${name}"`))
    }
    assert.deepEqual(await written('info'), ['info', 'warn'])
    assert.deepEqual(await written('warn'), ['warn'])
    assert.deepEqual(await written('error'), [])
  })

  it('maxFileBytes is where a new file begins', async () => {
    await using cara = await configuredGateway({ logging: { maxFileBytes: 65_536 } })
    const rotated = join(cara.folder, 'state', 'logs', 'gateway.log.1')
    // Each refusal is a line of some 150 bytes.
    for (let round = 0; round < 40 && !existsSync(rotated); round++) {
      await Promise.all(Array.from({ length: 25 }, () => cara.request('/health', { headers: { host: 'stranger.example' } })))
    }
    const length = (await readFile(rotated)).length
    assert.ok(length > 32_768 && length <= 65_536, `${length} bytes`)
  })
})

describe('audit', () => {
  it('maxFileBytes is where a new file begins, and keepFiles how many there are', { timeout: 60_000 }, async () => {
    const written = async (audit: Readonly<Record<string, number>>) => {
      await using cara = await configuredGateway({ audit })
      // Each refused call is a receipt of some 400 bytes.
      for (let turn = 0; turn < 20; turn++) {
        const calls = Array.from({ length: 40 }, (_, index) => ({ id: `c${index}`, name: 'no_such_tool', arguments: `{"number":${index}}` }))
        cara.upstream.script(chatReply({ calls }), chatReply({ text: ['done'] }))
        assert.equal((await cara.chat('hello', `talk-${turn}`)).toolCalls.length, 40)
      }
      await cara.stop()
      const folder = join(cara.folder, 'state', 'audit')
      const files = (await readdir(folder)).filter((name) => name.endsWith('.jsonl'))
      return Promise.all(files.map(async (name) => (await stat(join(folder, name))).size))
    }
    const one = await written({})
    assert.equal(one.length, 1)
    assert.ok((one[0] ?? 0) > 3 * 65_536)
    const many = await written({ maxFileBytes: 65_536 })
    assert.ok(many.length > 3 && many.every((size) => size <= 65_536), many.join())
    assert.equal((await written({ maxFileBytes: 65_536, keepFiles: 2 })).length, 2)
  })
})

describe('store', () => {
  it('synchronous decides whether a message is flushed to the disk before it is acknowledged', { timeout: 60_000 }, async () => {
    assert.ok((await flushes('full')) > 0)
    assert.equal(await flushes('normal'), 0)
  })
})

/** Calls of `fdatasync` that the runtime itself records while one turn runs. */
async function flushes(synchronous: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-flushes-'))
  const upstream = await startModelServer()
  upstream.script(chatReply({ text: ['ok'] }))
  const trace = join(folder, 'trace.json')
  const env = cleanEnvironment(folder, {
    CARAPACE_MODEL: 'openai:test',
    OPENAI_BASE_URL: `${upstream.url.origin}/v1`,
    NODE_OPTIONS: `--trace-event-categories=node.fs.async --trace-event-file-pattern=${trace}`,
  })
  await writeFile(env['CARAPACE_CONFIG_PATH'] ?? '', JSON.stringify({ store: { synchronous } }))
  const program = startProgram(env)
  try {
    await program.ready()
    const client = await program.connect()
    assert.equal(chatSendResult.parse(await client.call('chat.send', { message: 'hello', idempotencyKey: 'a', wait: true })).result?.text, 'ok')
    assert.equal(chatHistoryResult.parse(await client.call('chat.history', {})).messages.length, 2)
    await client.close()
    program.child.kill('SIGTERM')
    await program.ended
    return (await readFile(trace, 'utf8')).split('"name":"fdatasync"').length - 1
  } finally {
    await program.kill()
    await upstream.close()
    await rm(folder, { recursive: true, force: true })
  }
}
