/** Receipts of a real gateway: each kind is written, effects never without theirs, and none holds a secret or a word of a message. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import { createServices } from '../../src/app/services.ts'
import { receiptKinds } from '../../src/contracts/audit.ts'
import { outboxListResult } from '../../src/contracts/ws/outbox.ts'
import { undoListResult } from '../../src/contracts/ws/undo.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import type { Store } from '../../src/contracts/store.ts'
import type { AnyTool, ToolManifest } from '../../src/contracts/tool.ts'
import { loadAuditVerifier } from '../../src/secrets/audit-keys.ts'
import { openStore } from '../../src/store/open-store.ts'
import { newestReceipts } from '../../src/telemetry/audit/newest.ts'
import { verifyTrail } from '../../src/telemetry/audit/verify.ts'
import { configuredGateway, type ConfiguredGateway } from '../doubles/configured-gateway.ts'
import { cleanEnvironment, startProgram } from '../doubles/gateway-process.ts'
import { startModelServer } from '../doubles/model-server.ts'
import { makeDevice, pairingBody } from '../doubles/device.ts'
import { chatReply } from '../doubles/openai-wire.ts'
import { calls, says, scriptedProvider } from '../doubles/scripted-provider.ts'
import { startWebhookServer } from '../doubles/webhook-server.ts'
import { testGateway, type TestGateway, type TestGatewayOptions } from '../doubles/test-gateway.ts'
import { manifest } from '../doubles/manifest.ts'

const root = mkdtempSync(join(tmpdir(), 'carapace-receipts-'))
after(() => rmSync(root, { recursive: true, force: true }))

const trailOf = (folder: string) => join(folder, 'state', 'audit')
const receipts = (folder: string, kind: string | null = null) => newestReceipts(trailOf(folder), 10_000, kind)
const verified = (folder: string) => {
  const verifier = loadAuditVerifier(join(folder, 'state'))
  assert.ok(verifier !== null)
  return verifyTrail(trailOf(folder), verifier)
}

function acting(run: (signal: AbortSignal) => Promise<string>, more: Partial<ToolManifest> = {}): AnyTool {
  return {
    name: 'act',
    description: 'Acts',
    input: z.looseObject({}),
    manifest: manifest({ effect: 'write', effectWithoutDestination: 'write', recovery: 'idempotent', destinations: ['to'], ...more }),
    run: async (_input, _call, signal) => ({ output: await run(signal) }),
  }
}

/** Hears of no result until `crashed`, as when the process dies. */
const forgetful =
  (crashed: Promise<never>) =>
  async (path: string): Promise<Store> => {
    const store = await openStore({ path, synchronous: 'normal' })
    const append: Store['turns']['append'] = (turn, steps, now) =>
      steps.some(({ kind }) => kind === 'tool-result') ? crashed : store.turns.append(turn, steps, now)
    return { ...store, turns: { ...store.turns, append } }
  }

async function withGateway<T>(options: Partial<TestGatewayOptions>, use: (cara: TestGateway) => Promise<T>): Promise<T> {
  const provider = scriptedProvider('fake', [calls(['act', { to: 'https://Shop.example/secret-path?q=1' }]), says('done')])
  const cara = await testGateway({ providers: [provider], ...options })
  try {
    return await use(cara)
  } finally {
    await cara.close()
  }
}

describe('an effect', () => {
  it('has its receipt on the disk before it happens, and its outcome after', async () => {
    let folder = ''
    const atRun: unknown[] = []
    const flushed: number[] = []
    const flushAudit = async () => void flushed.push(receipts(folder, 'effect-intended').length)
    const act = acting(async () => {
      atRun.push(...receipts(folder), flushed.at(-1))
      return 'bought'
    })
    await withGateway({ tools: [act], flushAudit }, async (cara) => {
      folder = cara.folder
      const { result } = await cara.ask('buy it')
      cara.audit.close()
      const [intended] = receipts(folder, 'effect-intended')
      assert.partialDeepStrictEqual(intended, {
        turn: result.turnId,
        tool: 'act',
        effect: 'write',
        destinations: ['shop.example'],
        door: 'test',
        by: 'owner',
        rule: 'ownerApproved',
        policy: 'allow-all',
      })
      // It was written, and flushed when it was there.
      assert.deepEqual([atRun.find((one) => z.looseObject({ kind: z.literal('effect-intended') }).safeParse(one).success), atRun.at(-1)], [intended, 1])
      const [completed] = receipts(folder, 'effect-completed')
      assert.partialDeepStrictEqual(completed, { effectId: intended?.['effectId'], outcome: 'ok', bytes: 6, output: cara.audit.mac('bought') })
      assert.equal(verified(folder).fault, null)
    })
  })

  it('does not happen when its receipt cannot be written, or not flushed; reading goes on', async () => {
    const breaks: Readonly<Record<string, (cara: TestGateway) => void>> = {
      written: ({ folder }) => {
        rmSync(join(trailOf(folder), 'receipts.jsonl'))
        mkdirSync(join(trailOf(folder), 'receipts.jsonl'))
      },
      flushed: () => undefined,
    }
    for (const [name, sabotage] of Object.entries(breaks)) {
      const flushAudit = async () => {
        if (name === 'flushed') throw Object.assign(new Error('no'), { code: 'EIO' })
      }
      for (const effect of ['write', 'read'] as const) {
        let ran = 0
        const act = acting(async () => String(++ran), { effect, recovery: effect === 'read' ? 'pure' : 'idempotent' })
        await withGateway({ tools: [act], flushAudit }, async (cara) => {
          sabotage(cara)
          const { result } = await cara.ask('do it')
          assert.equal(ran, effect === 'read' ? 1 : 0, `${name} ${effect}`)
          assert.equal(result.status, 'completed')
          if (effect === 'read') return
          assert.match(result.toolCalls[0]?.output ?? '', /^Refused: The audit trail cannot be written/)
          assert.match(cara.logged.join('\n'), /audit.effect-refused/)
          assert.match(cara.audit.faults().join(), /cannot be written: E/)
        })
      }
    }
  })

  it('tells failed, timed out, cancelled, unknown and refused apart', async () => {
    const approvals = { mode: 'deny' }
    const outcome = async (run: (signal: AbortSignal) => Promise<string>, more: Partial<TestGatewayOptions> = {}, declared: Partial<ToolManifest> = {}) =>
      withGateway({ tools: [acting(run, declared)], approvals, ...more }, async (cara) => {
        await cara.ask('go')
        cara.audit.close()
        const found = receipts(cara.folder).find(({ kind }) => kind === 'effect-completed' || kind === 'effect-refused')
        return [found?.kind, found?.['outcome'] ?? found?.['rule']]
      })
    assert.deepEqual(await outcome(() => Promise.reject(new Error('x'))), ['effect-completed', 'failed'])
    assert.deepEqual(await outcome(() => new Promise(() => {}), { agent: { budgets: { maxToolMs: 20 } } }), ['effect-completed', 'timeout'])
    assert.deepEqual(await outcome(async () => '', {}, { effect: 'irreversible', effectWithoutDestination: 'irreversible' }), [
      'effect-refused',
      'destinationsKnown',
    ])
    assert.deepEqual(await outcome(async () => '', { toolPolicy: { policy: 'deny-list', list: ['act'] } }), ['effect-refused', 'policyAllows'])
    await withGateway({ tools: [acting(() => new Promise(() => {}))] }, async (cara) => {
      const asked = cara.ask('go')
      while (receipts(cara.folder, 'effect-intended').length === 0) await sleep(2)
      assert.equal(await cara.gateway.abort({ sessionKey: 'main' }, 'enough'), 1)
      await asked
      cara.audit.close()
      assert.equal(receipts(cara.folder, 'effect-completed')[0]?.['outcome'], 'cancelled')
    })
    const folder = mkdtempSync(join(root, 'unknown-'))
    const crashed = Promise.withResolvers<never>()
    crashed.promise.catch(() => undefined)
    const counts = { ran: 0 }
    const runs = async () => {
      counts.ran++
      return 'sent'
    }
    const unsafe = acting(runs, { recovery: 'unsafe' })
    const first = await testGateway({
      providers: [scriptedProvider('fake', [calls(['act', {}])])],
      tools: [unsafe],
      folder,
      openStore: forgetful(crashed.promise),
    })
    const message = { door: 'test', sender: { kind: 'owner' }, sessionKey: 'main', parts: [{ type: 'text', text: 'go', origin: OWNER }], options: {} } as const
    const { turnId } = await first.gateway.submit(message)
    while (counts.ran === 0) await sleep(2)
    await first.crash()
    crashed.reject(new Error('the process died'))
    const second = await testGateway({ providers: [scriptedProvider('fake', [says('ok')])], tools: [unsafe], folder, approvals: { mode: 'deny' } })
    await second.recover()
    await second.gateway.wait(turnId, AbortSignal.timeout(5000))
    second.audit.close()
    assert.equal(counts.ran, 1)
    assert.equal(receipts(folder, 'effect-completed').at(-1)?.['outcome'], 'unknown')
    assert.equal(receipts(folder, 'turn-recovered').length, 1)
    await second.close()
  })
})

describe('the receipts of a gateway', () => {
  it('come of every kind, and the trail is sound', { timeout: 60_000 }, async () => {
    const seen = new Set<string>()
    await using receiver = await startWebhookServer([{ status: 410 }])
    await using cara = await configuredGateway({
      audit: { maxFileBytes: 65_536, keepFiles: 30 },
      messages: { destinations: { nobody: { url: receiver.url.href, format: 'slack' } } },
    })
    await assert.rejects(cara.client.call('messages.test', { to: 'nobody' }), { code: 'message/undelivered' })
    await cara.client.call('cron.add', { name: 'daily', prompt: 'What is new?', schedule: { every: '1d' } })
    await cara.client.call('task.create', { prompt: 'Tidy up', sessionKey: 'tidying' })
    const { messages } = outboxListResult.parse(await cara.client.call('outbox.list', { status: 'dead' }))
    await cara.client.call('outbox.drop', { ids: [messages[0]?.id] })
    const env = { HOME: cara.folder, CARAPACE_STATE_DIR: join(cara.folder, 'state'), CARAPACE_CONFIG_PATH: join(cara.folder, 'carapace.json5') }
    await createServices(env).setConfig('agent.temperature', '0.5')
    await createServices(env).setPassword('correct horse battery')
    await browserSession(cara)
    const wrong = await Promise.all(Array.from({ length: 30 }, () => cara.request('/v1/models', { token: 'wrong-token-canary' })))
    assert.ok(wrong.some(({ status }) => status === 429))
    const write = { id: 'c1', name: 'memory_write', arguments: '{"key":"k","value":"v"}' }
    const unknown = { id: 'c2', name: 'no_such_tool', arguments: '{}' }
    cara.upstream.script(chatReply({ calls: [write, unknown] }), chatReply({ text: ['done'] }))
    assert.equal((await cara.chat('hello')).text, 'done')
    const { steps } = undoListResult.parse(await cara.client.call('undo.list'))
    await cara.client.call('undo.apply', { id: steps[0]?.id })
    await cara.client.call('cron.add', { name: 'yearly', prompt: 'x', schedule: { cron: '0 8 1 1 *', timeZone: 'UTC' } })
    await cara.client.call('data.erase', { key: 'main' })
    await createServices(env).rotateToken()
    await cara.stop()
    await createServices(env).rotateSecrets('file', null)
    const backup = { file: join(cara.folder, 'all.backup'), force: true, dryRun: false, password: async () => '' }
    await createServices(env).backUp({ output: backup.file, keys: true, password: null })
    await createServices(env).restore(backup)
    // The receipt of the backup was left after it.
    await createServices(env).backUp({ output: `${backup.file}.2`, keys: true, password: null })
    assert.equal(verified(cara.folder).fault, null)
    for (const { kind } of receipts(cara.folder)) seen.add(kind)
    // A flood is two lines for each rule: the first, and the number of the others.
    const refusals = receipts(cara.folder, 'decision').filter(({ checkpoint, rule }) => checkpoint === 'request' && rule === 'authenticated')
    assert.equal(refusals.length, 2)
    assert.equal(
      refusals.reduce((sum, { count }) => sum + Number(count), 0),
      30,
    )
    assert.equal(receipts(cara.folder, 'effect-refused')[0]?.['tool'], null)

    // A torn write, more receipts than fit while nothing can be written, and files enough to lose one.
    const current = join(trailOf(cara.folder), 'receipts.jsonl')
    writeFileSync(current, `${readFileSync(current, 'utf8')}{"torn`)
    const provider = scriptedProvider('fake', () => calls(['current_time', {}]))
    const again = await testGateway({ providers: [provider], folder: cara.folder, audit: { maxFileBytes: 65_536, keepFiles: 30 } })
    const whole = readFileSync(current)
    rmSync(current)
    mkdirSync(current)
    for (let index = 0; index < 4200; index++) again.audit.note({ kind: 'turn-recovered', turn: 't', session: null, door: 'd', by: 'b' })
    rmSync(current, { recursive: true })
    writeFileSync(current, whole, { mode: 0o600 })
    await again.crash()
    const held = scriptedProvider('fake', [calls(['act', { to: 'bob@example.org' }]), says('done')])
    const outside = { effect: 'egress', effectWithoutDestination: 'egress' } as const
    const asking = await testGateway({
      providers: [held],
      folder: cara.folder,
      tools: [acting(async () => 'ok', outside)],
      audit: { maxFileBytes: 65_536, keepFiles: 30 },
    })
    const { turnId, approvals } = await asking.asked('hello')
    await asking.answer(approvals, { decision: 'allow', unlock: 'destination' })
    await asking.next(turnId)
    const [grant] = await asking.gateway.approvals.grants()
    await asking.gateway.approvals.revoke(grant?.id ?? '', { by: 'owner', door: 'test' })
    await asking.crash()
    assert.equal(receipts(cara.folder, 'effect-intended').at(-1)?.['approval'], approvals[0]?.id)
    assert.equal(verified(cara.folder).fault, null)
    for (const { kind } of receipts(cara.folder)) seen.add(kind)
    const third = await testGateway({ providers: [scriptedProvider('fake', [says('x')])], folder: cara.folder, audit: { maxFileBytes: 65_536, keepFiles: 2 } })
    for (let index = 0; index < 300; index++) await third.audit.keep({ kind: 'turn-recovered', turn: 't', session: null, door: 'd', by: 'b' })
    await third.crash()
    assert.equal(verified(cara.folder).fault, null)
    for (const file of readdirSync(trailOf(cara.folder))) assert.equal(statSync(join(trailOf(cara.folder), file)).mode & 0o077, 0, file)
    for (const { kind } of receipts(cara.folder)) seen.add(kind)
    assert.deepEqual([...seen].sort(), [...receiptKinds].sort())
  })

  it('hold no secret and no word of a message, a result, a path or a name that the model made up', async () => {
    await using cara = await configuredGateway((upstream) => ({ providers: { openai: { apiKey: 'sk-canary-key-0123456789', baseUrl: `${upstream}/v1` } } }))
    const write = { id: 'canary-call', name: 'memory_write', arguments: '{"key":"canary-key","value":"canary-value"}' }
    const read = { id: 'c3', name: 'file_read', arguments: '{"path":"/canary/path"}' }
    const unknown = { id: 'c2', name: 'canary_tool', arguments: '{"canary":"x"}' }
    const broken = { id: 'c4', name: 'memory_read', arguments: '{"canary-wrong":1}' }
    cara.upstream.script(chatReply({ calls: [write, read, unknown, broken] }), chatReply({ text: ['canary-answer sk-canary-key-0123456789'] }))
    await cara.chat('canary-question sk-canary-key-0123456789', 'canary-session')
    await cara.request('/canary-path?canary=1', { headers: { host: 'canary.example' } })
    await cara.stop()
    const text = readdirSync(trailOf(cara.folder))
      .filter((name) => statSync(join(trailOf(cara.folder), name)).isFile())
      .map((name) => readFileSync(join(trailOf(cara.folder), name), 'utf8'))
      .join('\n')
    assert.ok(receipts(cara.folder, 'effect-intended').length >= 1 && receipts(cara.folder, 'effect-refused').length >= 2)
    assert.doesNotMatch(text, /canary/i)
    assert.ok(!text.includes(cara.token))
  })

  it('survive kill -9 of the gateway', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(root, 'killed-'))
    const upstream = await startModelServer()
    const env = cleanEnvironment(folder, { CARAPACE_MODEL: 'openai:test', OPENAI_BASE_URL: `${upstream.url.origin}/v1` })
    try {
      upstream.script(chatReply({ calls: [{ id: 'c1', name: 'memory_write', arguments: '{"key":"k","value":"v"}' }] }), chatReply({ text: [] }, 'hang'))
      const program = startProgram(env)
      await program.ready()
      const client = await program.connect()
      await client.call('chat.send', { message: 'hello', idempotencyKey: 'a' })
      while (upstream.requests.length < 2) await sleep(5)
      await program.kill()
      assert.equal(verified(folder).fault, null)
      assert.equal(receipts(folder, 'effect-intended').length, 1)
      upstream.script(chatReply({ text: ['there'] }))
      const next = startProgram(env)
      await next.ready()
      next.child.kill('SIGTERM')
      assert.equal((await next.ended).code, 0)
      assert.equal(verified(folder).fault, null)
      assert.deepEqual([receipts(folder, 'turn-recovered').length, receipts(folder).at(-1)?.kind], [1, 'gateway-stopped'])
    } finally {
      await upstream.close()
    }
  })

  it('make a gateway refuse to start where they cannot be written', async () => {
    const folder = mkdtempSync(join(root, 'closed-'))
    mkdirSync(join(folder, 'state'), { mode: 0o700 })
    writeFileSync(join(folder, 'state', 'audit'), 'in the way')
    const services = createServices({
      HOME: folder,
      CARAPACE_STATE_DIR: join(folder, 'state'),
      CARAPACE_CONFIG_PATH: join(folder, 'c.json5'),
      CARAPACE_GATEWAY_TOKEN: 'x'.repeat(20),
    })
    await assert.rejects(services.startGateway({ port: 0 }), /The audit trail cannot be written/)
  })
})

/** The gateway hears of a new password in a moment; wrong trials would be locked out. */
async function browserSession({ url, folder, client }: ConfiguredGateway): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  for (let tries = 0; tries < 500 && !readFileSync(join(trailOf(folder), 'receipts.jsonl'), 'utf8').includes('"password-changed"'); tries++) await sleep(10)
  assert.equal((await fetch(`${url}/auth/login`, { method: 'POST', headers, body: '{"password":"correct horse battery"}' })).status, 200)
  const send = async (path: string, body: string) => ({
    status: 0,
    headers: {},
    body: await (await fetch(`${url}${path}`, { method: 'POST', headers, body })).text(),
  })
  const { body } = await send(
    '/pair/request',
    JSON.stringify(await pairingBody({ ask: (path, more) => send(path, more?.body ?? '') }, makeDevice(), 'request', { name: 'laptop', scopes: [] })),
  )
  await client.call('device.pair.reject', { requestId: JSON.parse(body).requestId })
}
