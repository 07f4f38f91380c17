/** Every key of the sections for chat completions has an effect on the wire. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { AdapterDeps, AdapterModule } from '../../src/contracts/adapter.ts'
import type { ModelEvent, ModelRequest, Provider } from '../../src/contracts/provider.ts'
import { createTransport } from '../../src/net/transport.ts'
import { compatible } from '../../src/providers/compatible/module.ts'
import { ollama } from '../../src/providers/ollama/module.ts'
import { openai } from '../../src/providers/openai/module.ts'
import { venice } from '../../src/providers/venice/module.ts'
import { cleared, uncheckedFetch } from '../doubles/cleared.ts'
import { startModelServer } from '../doubles/model-server.ts'
import { chatReply, modelList } from '../doubles/openai-wire.ts'
import { recordedLog } from '../doubles/recorded-log.ts'
import { fromModule } from './provider-contract.ts'

const request: ModelRequest = { model: 'm', system: 's', messages: [], tools: [], maxOutputTokens: 7, cacheKey: 'talk' }
const apiKey = 'sk-test-0123456789abcdef'

/** What the vendor's server receives for one call. */
async function received(t: TestContext, make: (origin: string, deps: AdapterDeps) => Promise<Provider>) {
  const { server, deps } = await setUp(t)
  server.script(chatReply({ text: ['ok'], reasoning: ['so'], usage: { input: 8, output: 4, cached: 2, reasoning: 1 } }))
  const provider = await make(server.url.origin, deps)
  const events: ModelEvent[] = []
  for await (const event of provider.stream(cleared(request), t.signal)) events.push(event)
  assert.deepEqual(events, [
    { type: 'reasoning-delta', text: 'so' },
    { type: 'reasoning-end' },
    { type: 'text-delta', text: 'ok' },
    { type: 'finish', reason: 'stop', usage: { inputTokens: 8, outputTokens: 4, cacheReadTokens: 2, cacheWriteTokens: 0, reasoningTokens: 1 } },
  ])
  const [first] = server.requests
  assert.ok(first)
  const body: unknown = JSON.parse(first.body)
  return { id: provider.id, path: first.path, headers: first.headers, body }
}

async function setUp(t: TestContext) {
  const server = await startModelServer()
  const transport = createTransport()
  t.after(() => Promise.all([transport.close(), server.close()]))
  const deps: AdapterDeps = { fetch: uncheckedFetch(transport), log: recordedLog().log, now: () => 0 }
  return { server, deps }
}

const body = { model: 'm', messages: [{ role: 'system', content: 's' }], stream: true, stream_options: { include_usage: true } }

test('openai: key, organization and project are headers; the cache key and the new token limit are sent', async (t) => {
  const seen = await received(t, (origin, deps) => fromModule(openai, { apiKey, baseUrl: `${origin}/v1`, organization: 'org-1', project: 'proj-1' }, deps))
  assert.equal(seen.path, '/v1/chat/completions')
  assert.equal(seen.headers.authorization, `Bearer ${apiKey}`)
  assert.equal(seen.headers['openai-organization'], 'org-1')
  assert.equal(seen.headers['openai-project'], 'proj-1')
  assert.deepEqual(seen.body, { ...body, max_completion_tokens: 7, prompt_cache_key: 'talk' })
})

test('openai: a server that needs no key gets none, and none of the optional headers', async (t) => {
  const seen = await received(t, (origin, deps) => fromModule(openai, { baseUrl: `${origin}/v1/` }, deps))
  assert.equal(seen.path, '/v1/chat/completions')
  assert.deepEqual(
    Object.keys(seen.headers).filter((name) => name === 'authorization' || name.startsWith('openai-')),
    [],
  )
})

test('venice: parameters go along', async (t) => {
  const parameters = { enable_web_search: 'off', include_venice_system_prompt: false }
  const seen = await received(t, (origin, deps) => fromModule(venice, { apiKey, baseUrl: `${origin}/api/v1`, parameters }, deps))
  assert.equal(seen.path, '/api/v1/chat/completions')
  assert.deepEqual(seen.body, { ...body, max_completion_tokens: 7, prompt_cache_key: 'talk', venice_parameters: parameters })
})

test('ollama: the address is the server’s own, with or without the path of its API', async (t) => {
  for (const path of ['', '/', '/v1', '/v1/']) {
    const seen = await received(t, (origin, deps) => fromModule(ollama, { baseUrl: origin + path }, deps))
    assert.equal(seen.path, '/v1/chat/completions')
    assert.deepEqual(seen.body, { ...body, max_tokens: 7 })
  }
})

test('compatible: each name is a provider with its own key, models and window', async (t) => {
  const { server, deps } = await setUp(t)
  server.list(modelList('listed'))
  const baseUrl = `${server.url.origin}/v1`
  const section = { den: { baseUrl, apiKey, contextTokens: 4096, models: ['own'] }, attic: { baseUrl, contextTokens: 2048 }, cellar: { baseUrl } }
  const providers = await fromModule(compatible, section, deps)
  assert.deepEqual(await Promise.all(providers.map(async (provider) => [provider.id, await provider.listModels(t.signal)])), [
    ['den', [{ id: 'own', contextTokens: 4096 }]],
    ['attic', [{ id: 'listed', contextTokens: 2048 }]],
    ['cellar', [{ id: 'listed' }]],
  ])
})

test('ollama: the window that the server gives is told', async (t) => {
  const { server, deps } = await setUp(t)
  server.list(modelList('qwen3:8b'))
  const provider = await fromModule(ollama, { baseUrl: server.url.origin, contextTokens: 8192 }, deps)
  assert.deepEqual(await provider.listModels(t.signal), [{ id: 'qwen3:8b', contextTokens: 8192 }])
  assert.deepEqual(
    server.requests.map(({ path }) => path),
    ['/v1/models'],
  )
})

test('windows are read wherever servers put them', async (t) => {
  const { server, deps } = await setUp(t)
  const data = [
    { id: 'vllm', max_model_len: 1 },
    { id: 'router', context_length: 2 },
    { id: 'groq', context_window: 3 },
    { id: 'studio', max_context_length: 4 },
    { id: 'venice', model_spec: { availableContextTokens: 5 } },
    { id: 'llama', meta: { n_ctx: 6, n_ctx_train: 9 } },
    { id: 'none', max_model_len: null, meta: 'x' },
    { name: 'without an id' },
    null,
  ]
  server.list({ pieces: [JSON.stringify({ data })] })
  const provider = await fromModule(openai, { baseUrl: server.url.origin }, deps)
  assert.deepEqual(
    (await provider.listModels(t.signal)).map(({ id, contextTokens }) => [id, contextTokens]),
    [
      ['vllm', 1],
      ['router', 2],
      ['groq', 3],
      ['studio', 4],
      ['venice', 5],
      ['llama', 6],
      ['none', undefined],
    ],
  )
})

test('a key with white space around it is used without; one that no header can hold is an auth fault', async (t) => {
  const seen = await received(t, (origin, deps) => fromModule(openai, { apiKey: `${apiKey}\n`, baseUrl: origin }, deps))
  assert.equal(seen.headers.authorization, `Bearer ${apiKey}`)
  const { server, deps } = await setUp(t)
  server.script({ status: 401, pieces: ['no such key: plain-words-of-a-key'] })
  const pasted = await fromModule(openai, { apiKey: ' plain-words-of-a-key\n', baseUrl: server.url.origin }, deps)
  for await (const event of pasted.stream(cleared(request), t.signal)) {
    assert.ok(event.type === 'error')
    assert.equal(event.fault.message, 'no such key: [secret]')
  }
  const provider = await fromModule(openai, { apiKey: 'two\nlines-of-key', baseUrl: server.url.origin }, deps)
  for await (const event of provider.stream(cleared(request), t.signal)) {
    assert.ok(event.type === 'error' && event.fault.kind === 'auth')
    assert.doesNotMatch(event.fault.message, /lines-of-key/)
  }
  assert.equal(server.requests.length, 1)
})

test('nothing is configured by nothing, and unknown keys and names are refused', () => {
  assertStrict(openai)
  assertStrict(venice)
  assertStrict(ollama)
  assertStrict(compatible)
  for (const name of ['Den', 'a b', '', '-a', 'a:b']) {
    assert.equal(compatible.config.safeParse({ [name]: { baseUrl: 'http://127.0.0.1:1' } }).success, false, name)
  }
  assert.equal(compatible.config.safeParse({ den: {} }).success, false)
})

test('variables name keys that the sections have', () => {
  assert.deepEqual(openai.env, { OPENAI_API_KEY: 'apiKey', OPENAI_BASE_URL: 'baseUrl', OPENAI_ORG_ID: 'organization', OPENAI_PROJECT_ID: 'project' })
  for (const module of [openai, venice, ollama]) {
    const values = Object.fromEntries(Object.values(module.env).map((path) => [path, path === 'baseUrl' ? 'https://example.com/v1' : apiKey]))
    assert.ok(module.config.safeParse(values).success, module.id)
  }
})

function assertStrict<Product, Config>(module: AdapterModule<Product, Config>): void {
  assert.equal(module.isConfigured(module.config.parse(undefined)), false, module.id)
  assert.equal(module.config.safeParse({ apikey: 'x' }).success, false, module.id)
}
