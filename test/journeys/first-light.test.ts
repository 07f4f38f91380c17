/** The first experience: the program as it starts where nobody set anything up, which model it finds, how it ends, and how it lives beside others. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { findModel, type FindModelOptions } from '../../src/app/find-model.ts'
import { loadSettings } from '../../src/app/load-settings.ts'
import { resolvePaths } from '../../src/config/paths.ts'
import type { Provider } from '../../src/contracts/provider.ts'
import { agentWaitResult } from '../../src/contracts/ws/agent.ts'
import { chatHistoryResult, chatSendResult } from '../../src/contracts/ws/chat.ts'
import { healthResult } from '../../src/contracts/ws/health.ts'
import { turnResult } from '../../src/contracts/ws/shared.ts'
import type { GatewayClient } from '../../src/net/gateway-client.ts'
import { LOCAL_PORTS } from '../../src/providers/wire/probe.ts'
import { cleanEnvironment, runProgram, startProgram, type Environment, type Program } from '../doubles/gateway-process.ts'
import { startModelServer, type ModelServer } from '../doubles/model-server.ts'
import { chatReply } from '../doubles/openai-wire.ts'
import { recordedLog } from '../doubles/recorded-log.ts'
import { says, scriptedProvider } from '../doubles/scripted-provider.ts'

const folders: string[] = []
const programs: Program[] = []
/** A folder can only go when nobody writes into it any more. */
afterEach(async () => {
  for (const program of programs.splice(0)) await program.kill()
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-first-'))
  folders.push(folder)
  return folder
}

/** Killed at the end of the test, whatever happens. */
function kept(program: Program): Program {
  programs.push(program)
  return program
}

async function modelServer(t: TestContext): Promise<ModelServer> {
  const server = await startModelServer()
  t.after(server.close)
  return server
}

function withModel(folder: string, server: ModelServer): Environment {
  return cleanEnvironment(folder, { CARAPACE_MODEL: 'openai:test', OPENAI_BASE_URL: new URL('/v1', server.url).href })
}

describe('without a key and without a configuration', () => {
  it('starts with one line, and its demo model answers with a tool', { timeout: 60_000 }, async (t) => {
    if (await isModelServerNear()) return t.skip('a model server runs on this machine, and would be found first')
    const env = cleanEnvironment(await temporaryFolder())
    const gateway = kept(startProgram(env))
    const url = await gateway.ready()
    assert.equal(gateway.out(), `carapace ready on ${url} · model demo:tiny (demo)\n`)
    assert.equal((await fetch(`${url}/health/ready`)).status, 200)
    const asked = await runProgram(['ask', 'what is 12 times 7', '--json'], env).ended
    assertProduct(asked.code, asked.out)
    gateway.child.kill('SIGTERM')
    const { code, out, err } = await gateway.ended
    assert.deepEqual([code, out.split('\n').length, err], [0, 2, ''])
  })

  it('answers a question where no gateway runs', { timeout: 60_000 }, async (t) => {
    if (await isModelServerNear()) return t.skip('a model server runs on this machine, and would be found first')
    const { code, out } = await runProgram(['ask', 'what is 12 times 7', '--json'], cleanEnvironment(await temporaryFolder())).ended
    assertProduct(code, out)
  })
})

function assertProduct(code: number | null, out: string): void {
  assert.equal(code, 0)
  const { text, toolCalls, model } = turnResult.parse(JSON.parse(out))
  assert.match(text, /\b84\b/)
  assert.deepEqual([toolCalls.map(({ tool, isError }) => [tool, isError]), model], [[['math_eval', false]], 'demo:tiny'])
}

async function isModelServerNear(): Promise<boolean> {
  const tries = LOCAL_PORTS.map(([, port]) => fetch(`http://127.0.0.1:${port}/v1/models`, { signal: AbortSignal.timeout(300) }))
  return (await Promise.allSettled(tries)).some((one) => one.status === 'fulfilled' && one.value.ok)
}

describe('the model that answers when nobody names one', () => {
  const keys = { ANTHROPIC_API_KEY: 'sk-ant-1', OPENAI_API_KEY: 'sk-1', GOOGLE_API_KEY: 'g-1', VENICE_API_KEY: 'v-1' }

  async function found(t: TestContext, file: string, env: Environment, more: Partial<FindModelOptions> = {}) {
    const folder = await temporaryFolder()
    const paths = resolvePaths({ CARAPACE_STATE_DIR: folder, CARAPACE_CONFIG_PATH: join(folder, 'carapace.json5') })
    if (file !== '') await writeFile(paths.configFile, file)
    const { config, settings } = await loadSettings(env, paths, [])
    let probes = 0
    const model = await findModel(
      {
        config,
        sourceOf: (path) => settings.explain(path).source,
        load: async (id) => listing(id, 'nomic-embed-text', 'first'),
        log: recordedLog().log,
        ...more,
        probe: async (signal) => {
          probes++
          return more.probe?.(signal) ?? []
        },
      },
      t.signal,
    )
    return { ...model, probes }
  }

  function listing(id: string, ...models: readonly string[]): Provider {
    return { ...scriptedProvider(id, [says('')]), listModels: async () => models.map((model) => ({ id: model })) }
  }

  it('is the one of the configuration, then of the environment, before any server is asked', async (t) => {
    const named = '{ agent: { model: "openai:mine" }, providers: { openai: { apiKey: "k" } } }'
    assert.deepEqual(await found(t, named, keys), { name: 'openai:mine', source: 'config', demo: false, probes: 0 })
    const byVariable = await found(t, named, { ...keys, CARAPACE_MODEL: 'gemini:other' })
    assert.deepEqual(byVariable, { name: 'gemini:other', source: 'environment', demo: false, probes: 0 })
  })

  it('belongs to a provider of the file before those of the environment', async (t) => {
    const { GOOGLE_API_KEY: _key, ...others } = keys
    const { name, source } = await found(t, '{ providers: { gemini: { apiKey: "k" } } }', others)
    assert.deepEqual([name?.split(':')[0], source], ['gemini', 'config'])
    const server = '{ providers: { compatible: { mine: { baseUrl: "http://127.0.0.1:9/v1" } } } }'
    assert.deepEqual(await found(t, server, keys), { name: 'mine:first', source: 'config', demo: false, probes: 0 })
  })

  it('goes through the credentials of the environment in a fixed order', async (t) => {
    const left = { ...keys, AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's', OLLAMA_BASE_URL: 'http://127.0.0.1:9' }
    const order: (readonly [variable: string, provider: string])[] = [
      ['ANTHROPIC_API_KEY', 'anthropic'],
      ['OPENAI_API_KEY', 'openai'],
      ['GOOGLE_API_KEY', 'gemini'],
      ['VENICE_API_KEY', 'venice'],
      ['AWS_ACCESS_KEY_ID', 'bedrock'],
      ['OLLAMA_BASE_URL', 'ollama'],
    ]
    for (const [index, [, provider]] of order.entries()) {
      const gone = new Set(order.slice(0, index).map(([variable]) => variable))
      const { name, source, probes } = await found(t, '', Object.fromEntries(Object.entries(left).filter(([variable]) => !gone.has(variable))))
      assert.deepEqual([name?.split(':')[0], source, probes], [provider, 'environment', 0])
    }
    assert.equal((await found(t, '', { OLLAMA_BASE_URL: 'http://127.0.0.1:9' })).name, 'ollama:first', 'a model that embeds cannot talk')
  })

  it('is looked for on this machine only then, and is the demo at last, or none', async (t) => {
    const near = { probe: async () => [{ id: 'vllm', models: ['bge-embed', 'qwen'] }] }
    assert.deepEqual(await found(t, '', {}, near), { name: 'vllm:qwen', source: 'probe', demo: false, probes: 1 })
    assert.deepEqual(await found(t, '', {}), { name: 'demo:tiny', source: 'demo', demo: true, probes: 1 })
    assert.deepEqual(await found(t, '{ providers: { demo: { enabled: false } } }', {}), { name: null, source: 'none', demo: false, probes: 1 })
  })

  it('is the next where a server cannot be asked', async (t) => {
    const load = () => Promise.reject(new Error('down'))
    assert.equal((await found(t, '', { OLLAMA_BASE_URL: 'http://127.0.0.1:9' }, { load })).name, 'demo:tiny')
  })
})

describe('SIGTERM', () => {
  it('lets a running turn end, takes no new one, and ends with 0', { timeout: 60_000 }, async (t) => {
    const server = await modelServer(t)
    const env = withModel(await temporaryFolder(), server)
    const gate = Promise.withResolvers<string>()
    const asked = Promise.withResolvers<void>()
    const whole = chatReply({ text: ['late'] })
    server.script(() => {
      asked.resolve()
      return { ...whole, pieces: [...whole.pieces.slice(0, 1), gate.promise, ...whole.pieces.slice(1)] }
    })
    const gateway = kept(startProgram(env))
    await gateway.ready()
    const client = await gateway.connect()
    const { runId } = chatSendResult.parse(await client.call('chat.send', { message: 'wait for it', idempotencyKey: 'a' }))
    const waiting = client.call('agent.wait', { runId })
    await asked.promise
    gateway.child.kill('SIGTERM')
    await untilStopping(client)
    await assert.rejects(client.call('chat.send', { message: 'too late', idempotencyKey: 'b' }), { code: 'gateway/stopping' })
    gate.resolve(': a comment\n\n')
    assert.equal(agentWaitResult.parse(await waiting).result?.text, 'late')
    assert.equal((await gateway.ended).code, 0)
    const next = kept(startProgram(env))
    await next.ready()
    const again = await next.connect()
    const { messages } = chatHistoryResult.parse(await again.call('chat.history', {}))
    assert.deepEqual(
      messages.map(({ text }) => text),
      ['wait for it', 'late'],
    )
    await again.close()
  })

  it('a second time ends at once with 130, and the next start takes the turn up', { timeout: 60_000 }, async (t) => {
    const server = await modelServer(t)
    const env = withModel(await temporaryFolder(), server)
    const asked = Promise.withResolvers<void>()
    server.script(
      () => {
        asked.resolve()
        return chatReply({ text: ['never'] }, 'hang')
      },
      chatReply({ text: ['after all'] }),
    )
    const gateway = kept(startProgram(env))
    await gateway.ready()
    const client = await gateway.connect()
    const { runId } = chatSendResult.parse(await client.call('chat.send', { message: 'hello', idempotencyKey: 'a' }))
    await asked.promise
    gateway.child.kill('SIGTERM')
    await untilStopping(client)
    // Signals that come together are one keypress.
    await sleep(350)
    gateway.child.kill('SIGINT')
    assert.equal((await gateway.ended).code, 130)
    const next = kept(startProgram(env))
    await next.ready()
    const again = await next.connect()
    assert.equal(agentWaitResult.parse(await again.call('agent.wait', { runId })).result?.text, 'after all')
    await again.close()
  })
})

async function untilStopping(client: GatewayClient): Promise<void> {
  for (;;) {
    const { notReady } = healthResult.parse(await client.call('health'))
    if (notReady.includes('the gateway is stopping')) return
    await sleep(20)
  }
}

describe('instances', () => {
  it('live side by side, each in its own folder and on its own port', { timeout: 60_000 }, async (t) => {
    const server = await modelServer(t)
    server.script(chatReply({ text: ['one'] }), chatReply({ text: ['two'] }))
    const gateways = await Promise.all([1, 2].map(async () => kept(startProgram(withModel(await temporaryFolder(), server)))))
    const urls = await Promise.all(gateways.map((gateway) => gateway.ready()))
    assert.notEqual(urls[0], urls[1])
    for (const gateway of gateways) {
      const client = await gateway.connect()
      await client.call('chat.send', { message: 'hello', idempotencyKey: 'the same', wait: true })
      assert.equal(chatHistoryResult.parse(await client.call('chat.history', {})).messages.length, 2)
      await client.close()
    }
    const [first, second] = gateways
    const stranger = await fetch(`${urls[0]}/v1/models`, { headers: { authorization: `Bearer ${await tokenOf(second)}` } })
    assert.equal(stranger.status, 401, 'the token of one opens no other')
    assert.equal((await fetch(`${urls[0]}/v1/models`, { headers: { authorization: `Bearer ${await tokenOf(first)}` } })).status, 200)
  })

  it('never share a folder: the second says what to do', { timeout: 60_000 }, async (t) => {
    const env = withModel(await temporaryFolder(), await modelServer(t))
    const first = kept(startProgram(env))
    const url = await first.ready()
    const second = await kept(startProgram(env)).ended
    assert.deepEqual([second.code, second.out], [1, ''])
    assert.match(second.err, /Another gateway uses this state folder/)
    assert.match(second.err, /cara status.*CARAPACE_STATE_DIR/)
    assert.equal((await fetch(`${url}/health`)).status, 200, 'the first is not disturbed')
    const client = await first.connect()
    await client.close()
  })

  it('never share a port: the second says what to do', { timeout: 60_000 }, async (t) => {
    const server = await modelServer(t)
    const first = kept(startProgram(withModel(await temporaryFolder(), server)))
    const { port } = new URL(await first.ready())
    const second = kept(runProgram(['start', '--port', port], withModel(await temporaryFolder(), server)))
    const { code, err } = await second.ended
    assert.equal(code, 1)
    assert.match(err, new RegExp(`127\\.0\\.0\\.1:${port}.*another program`))
    assert.match(err, /--port/)
  })

  it('say so when they cannot have the address', { timeout: 60_000 }, async (t) => {
    const env = withModel(await temporaryFolder(), await modelServer(t))
    // An address of the documentation, which no machine has.
    const { code, err } = await runProgram(['start', '--port', '0', '--host', '192.0.2.1'], env).ended
    assert.equal(code, 1)
    assert.match(err, /192\.0\.2\.1:0, this is no address of this machine/)
  })
})

async function tokenOf(program: Program | undefined): Promise<string> {
  const { gatewayToken } = await import('../../src/app/secrets.ts')
  return gatewayToken(program?.env ?? {}, resolvePaths(program?.env ?? {}))
}
