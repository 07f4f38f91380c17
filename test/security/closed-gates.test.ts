/** Whatever breaks, the gate is closed: each stage of each checkpoint broken in each way, keys and stores lost, sealed values damaged. Nothing takes effect, and the error says why. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { AppError } from '../../src/contracts/errors.ts'
import * as pipeline from '../../src/guard/pipeline.ts'
import { requestCheckpoint } from '../../src/guard/request.ts'
import { openStore } from '../../src/store/open-store.ts'
import { configuredGateway } from '../doubles/configured-gateway.ts'
import { cleanEnvironment, runProgram, startProgram } from '../doubles/gateway-process.ts'
import { PUBLIC, startPublicWeb } from '../doubles/public-web.ts'
import { calls, says, scriptedProvider } from '../doubles/scripted-provider.ts'
import { testGateway } from '../doubles/test-gateway.ts'

interface AnyCheckpoint {
  readonly name: string
  readonly stages: readonly unknown[]
}

/** What somebody may have done to a stage, and the type checker did not see. */
const BROKEN: Readonly<Record<string, unknown>> = {
  throws: {
    name: 'broken',
    check() {
      throw new Error('canary-of-a-stage')
    },
  },
  'throws no error': {
    name: 'broken',
    check() {
      // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error
      throw 'canary-of-a-stage'
    },
  },
  'answers nothing': { name: 'broken', check: () => undefined },
  'answers yes': { name: 'broken', check: () => true },
  'answers what is no verdict': { name: 'broken', check: () => ({ verdict: 'ok' }) },
  'rewrites to nothing': { name: 'broken', check: () => ({ verdict: 'rewrite', why: 'x' }) },
  rejects: { name: 'broken', check: () => Promise.reject(new Error('canary-of-a-stage')) },
  'has no check': { name: 'broken' },
  'is missing': undefined,
}

/** Runs with one stage of the real checkpoint replaced, or with none left. */
async function withStage(checkpoint: AnyCheckpoint, index: number | 'none', stage: unknown, run: () => Promise<void>): Promise<void> {
  const { stages } = checkpoint
  const changed = index === 'none' ? [] : stages.map((each, at) => (at === index ? stage : each))
  const swap = (to: readonly unknown[]) => void Object.defineProperty(checkpoint, 'stages', { value: to, configurable: true, enumerable: true, writable: true })
  swap(changed)
  try {
    await run()
  } finally {
    swap(stages)
  }
}

/** Every stage of the checkpoint, in every way, and the checkpoint without stages. */
async function eachBreak(checkpoint: AnyCheckpoint, run: (how: string) => Promise<void>): Promise<void> {
  for (const index of checkpoint.stages.keys())
    for (const [how, stage] of Object.entries(BROKEN)) await withStage(checkpoint, index, stage, () => run(`${checkpoint.name} stage ${index} ${how}`))
  await withStage(checkpoint, 'none', null, () => run(`${checkpoint.name} without stages`))
}

const isRefusal = (error: unknown, how: string) => {
  assert.ok(error instanceof AppError || error instanceof TypeError, `${how}: ${String(error)}`)
  assert.doesNotMatch(String(error), /canary/, how)
  return true
}

describe('a broken stage closes its gate:', () => {
  test('inbound: nothing is journaled, no model is asked', async () => {
    const provider = scriptedProvider('fake', () => says('canary-answer'))
    const gateway = await testGateway({ providers: [provider] })
    await eachBreak(pipeline.inbound, async (how) => {
      await assert.rejects(gateway.ask('hello'), (error) => isRefusal(error, how), how)
      assert.equal(provider.requests.length, 0, how)
    })
    assert.equal((await gateway.gateway.store.sessions.list({ limit: 5, offset: 0 })).total, 0)
    assert.equal((await gateway.ask('hello')).result.text, 'canary-answer', 'whole again, it opens')
    await gateway.close()
  })

  test('prompt: no model is asked, and the turn says why', async () => {
    const provider = scriptedProvider('fake', () => says('canary-answer'))
    const gateway = await testGateway({ providers: [provider] })
    await eachBreak(pipeline.prompt, async (how) => {
      const { result } = await gateway.ask('hello')
      assert.equal(result.status, 'failed', how)
      assert.match(`${result.error?.code} ${result.error?.message}`, /guard|check|internal/i, how)
      assert.equal(provider.requests.length, 0, how)
    })
    await gateway.close()
  })

  test('toolCall: nothing runs, and the model is told', async () => {
    const provider = scriptedProvider('fake', (_, index) => (index % 2 === 0 ? calls(['memory_write', { key: 'k', value: 'canary-value' }]) : says('done')))
    const gateway = await testGateway({ providers: [provider] })
    await eachBreak(pipeline.toolCall, async (how) => {
      const { result } = await gateway.ask('Remember it.', { sessionKey: null })
      assert.notEqual(result.toolCalls[0]?.isError, false, how)
      assert.equal(await gateway.gateway.store.memory.read('k'), null, how)
      if (provider.requests.length % 2 === 1) provider.requests.pop()
    })
    await gateway.ask('Remember it.', { sessionKey: null })
    assert.equal((await gateway.gateway.store.memory.read('k'))?.value, 'canary-value', 'whole again, it opens')
    await gateway.close()
  })

  test('toolResult: what the tool answered reaches no model', async () => {
    const provider = scriptedProvider('fake', (_, index) => (index % 2 === 0 ? calls(['memory_read', { key: 'k' }]) : says('done')))
    const gateway = await testGateway({ providers: [provider] })
    await gateway.gateway.store.memory.write({
      key: 'k',
      value: 'canary-value',
      origin: { author: { kind: 'owner' }, trust: 'trusted', private: true },
      now: 1,
    })
    await eachBreak(pipeline.toolResult, async (how) => {
      await gateway.ask('What is it?', { sessionKey: null })
      assert.doesNotMatch(JSON.stringify(provider.requests), /canary/, how)
      if (provider.requests.length % 2 === 1) provider.requests.pop()
    })
    await gateway.ask('What is it?', { sessionKey: null })
    assert.match(JSON.stringify(provider.requests), /canary-value/, 'whole again, it opens')
    await gateway.close()
  })

  test('outbound: what the model says reaches nobody', async () => {
    const provider = scriptedProvider('fake', () => says('canary-answer'))
    const gateway = await testGateway({ providers: [provider] })
    await eachBreak(pipeline.outbound, async (how) => {
      const { result, events } = await gateway.ask('hello', { sessionKey: null })
      assert.doesNotMatch(JSON.stringify([result.text, events.filter(({ type }) => type === 'text-delta')]), /canary/, how)
    })
    await gateway.close()
  })

  test('egress: nothing is connected', async () => {
    await using web = await startPublicWeb({ answers: () => [PUBLIC] })
    await eachBreak(pipeline.egress, async (how) => {
      await assert.rejects(web.get(web.url('www.site.example')), (error) => isRefusal(error, how), how)
    })
    assert.deepEqual(web.connections, [])
    assert.equal((await web.get(web.url('www.site.example'))).status, 200, 'whole again, it opens')
  })

  test('request: no route answers', async () => {
    await using cara = await configuredGateway()
    await eachBreak(requestCheckpoint, async (how) => {
      const { status } = await cara.request('/v1/models')
      assert.ok(status >= 400, `${how}: ${status}`)
    })
    assert.equal((await cara.request('/v1/models')).status, 200, 'whole again, it opens')
  })
})

test('a store that fails when the owner’s word is looked up lets nothing happen', async () => {
  await using web = await startPublicWeb({ answers: () => [PUBLIC] })
  const url = web.url('www.site.example').href
  const allowed = { decision: 'allow', unlock: 'once' } as const
  // What is looked up before he is asked, what keeps the question, and what finds his answer.
  for (const [broken, says_] of [
    ['grants', /Refused: The database cannot be used/],
    ['ask', /store\/unavailable/],
    ['ofTurn', /store\/unavailable/],
  ] as const) {
    const provider = scriptedProvider('fake', (_, index) => (index === 0 ? calls(['web_fetch', { url }]) : says('done')))
    let isBroken = broken !== 'ofTurn'
    const gateway = await testGateway({
      providers: [provider],
      fetch: web.fetch,
      openStore: async (path) => {
        const store = await openStore({ path, synchronous: 'normal' })
        const fails = (name: string) => isBroken && name === broken
        const lost = () => Promise.reject(new AppError('store/unavailable', 'the disk is gone'))
        const approvals = new Proxy(store.approvals, { get: (target, name: string) => (fails(name) ? lost : Reflect.get(target, name)) })
        return { ...store, approvals }
      },
    })
    if (broken === 'ofTurn') {
      const { turnId, approvals } = await gateway.asked('Good morning')
      isBroken = true
      await gateway.answer(approvals, allowed).catch(() => undefined)
      assert.match(JSON.stringify(await gateway.next(turnId).catch((error: unknown) => String(error))), /unavailable|cannot be used|waits/, broken)
    } else {
      assert.match(JSON.stringify((await gateway.ask('Good morning')).result), says_, broken)
    }
    assert.deepEqual(web.connections, [], broken)
    await gateway.close()
  }
})

describe('a gateway does not start, and says why, with', () => {
  const prepared = async (t: TestContext, more: Readonly<Record<string, string>> = {}) => {
    const folder = mkdtempSync(join(tmpdir(), 'carapace-closed-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const env = cleanEnvironment(folder, more)
    const program = startProgram(env)
    await program.ready()
    program.child.kill('SIGTERM')
    await program.ended
    return { env, at: (...names: readonly string[]) => join(folder, ...names) }
  }
  const refuses = async (env: Readonly<Record<string, string>>, message: RegExp) => {
    const { code, out, err } = await startProgram(env).ended
    assert.notEqual(code, 0)
    assert.equal(out, '')
    assert.match(err, message)
    assert.match(err, /next: /, 'it says what to do')
  }

  test('an unreadable key', { timeout: 60_000 }, async (t) => {
    const { env, at } = await prepared(t)
    const key = at('state', 'keys', 'master.key')
    const kept = readFileSync(key)
    writeFileSync(key, kept.subarray(5))
    await refuses(env, /A sealed secret cannot be opened/)
    rmSync(key)
    await refuses(env, /A sealed secret cannot be opened/)
    assert.throws(() => readFileSync(key), { code: 'ENOENT' }, 'no other key was made')
    writeFileSync(key, kept, { mode: 0o600 })
    if (process.getuid?.() !== 0) {
      chmodSync(key, 0)
      await refuses(env, /cannot be read/)
      chmodSync(key, 0o600)
    }
    assert.equal((await runProgram(['token'], env).ended).code, 0)
  })

  test('a corrupt sealed value', { timeout: 60_000 }, async (t) => {
    const { env, at } = await prepared(t)
    assert.equal((await runProgram(['config', 'set', 'providers.openai.apiKey', 'sk-canary-corrupt'], env).ended).code, 0)
    const file = at('carapace.json5')
    const text = readFileSync(file, 'utf8')
    const damaged = text.replace(/(enc:v3:k:[\w-]+:)([\w-])/, (_, head: string, first: string) => head + (first === 'A' ? 'B' : 'A'))
    assert.notEqual(damaged, text)
    writeFileSync(file, damaged)
    await refuses(env, /providers\.openai\.apiKey.*A sealed secret cannot be opened/s)
    writeFileSync(file, text)
    const token = at('state', 'gateway-token.sealed')
    writeFileSync(token, `${readFileSync(token, 'utf8').slice(0, -4)}AAAA`)
    await refuses(env, /A sealed secret cannot be opened/)
  })

  test('an audit key that is not its own', { timeout: 60_000 }, async (t) => {
    const { env, at } = await prepared(t)
    const sealed = at('state', 'keys', 'audit.sealed')
    writeFileSync(sealed, readFileSync(at('state', 'gateway-token.sealed')))
    await refuses(env, /A sealed secret cannot be opened/)
  })

  test('a key of the texts that cannot be opened', { timeout: 60_000 }, async (t) => {
    const { env, at } = await prepared(t)
    await runProgram(['config', 'set', 'store.encrypt', 'true'], env).ended
    const program = startProgram(env)
    await program.ready()
    program.child.kill('SIGTERM')
    await program.ended
    const sealed = at('state', 'keys', 'data.sealed')
    const kept = readFileSync(sealed, 'utf8')
    writeFileSync(sealed, `${kept.slice(0, -4)}AAAA`)
    await refuses(env, /A sealed secret cannot be opened/)
    writeFileSync(sealed, kept)
  })
})
