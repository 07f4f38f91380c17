/**
 * The official client, our gateway as a process, and a real llama.cpp server behind it. The server and its two small models lie beside the checkout, in
 * `../shared/test-models`; where they do not, or the server cannot be installed, this says so and is skipped. `CARAPACE_SKIP_LLAMA=1` skips it, too.
 */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { OpenAI } from 'openai'
import * as z from 'zod'
import { gatewayToken } from '../../src/app/secrets.ts'
import { resolvePaths } from '../../src/config/paths.ts'
import { freePort } from '../doubles/free-port.ts'
import { cleanEnvironment, startProgram } from '../doubles/gateway-process.ts'

const MODELS = resolve(import.meta.dirname, '../../../shared/test-models')
const CACHE = join(tmpdir(), 'carapace-llama')
const INSTALL_MS = 120_000

/** The path of the server, or why there is none. */
async function llamaServer(): Promise<{ readonly path: string } | { readonly missing: string }> {
  const install = join(MODELS, 'get-llama-server.sh')
  const path = join(CACHE, 'llama-server')
  if (process.env['CARAPACE_SKIP_LLAMA'] === '1') return { missing: 'CARAPACE_SKIP_LLAMA is set' }
  if (!existsSync(install)) return { missing: 'there is no ../shared/test-models/get-llama-server.sh beside the checkout' }
  try {
    if (existsSync(path)) await promisify(execFile)(path, ['--version'], { timeout: 20_000 })
    else await promisify(execFile)('bash', [install, CACHE], { timeout: INSTALL_MS })
    return { path }
  } catch (error) {
    // What was installed in part would stand in the way of the next time.
    await rm(CACHE, { recursive: true, force: true })
    return { missing: `the llama.cpp server cannot be installed or run here: ${error instanceof Error ? error.message.slice(0, 200) : 'unknown'}` }
  }
}

const server = await llamaServer()
const options = { timeout: 90_000, skip: 'missing' in server ? server.missing : false } as const

interface Llama {
  readonly baseUrl: string
  isGenerating(): Promise<boolean>
  /** Tokens of all answers so far. */
  generated(): Promise<number>
}

const slots = z.array(z.object({ is_processing: z.boolean() }))

async function startLlama(t: TestContext, model: string, window: number, ...more: readonly string[]): Promise<Llama> {
  const port = await freePort()
  const args = [
    '-m',
    join(MODELS, model),
    '--jinja',
    '-t',
    '1',
    '-np',
    '1',
    '-c',
    String(window),
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    '--metrics',
    '--no-webui',
  ]
  const child = spawn('path' in server ? server.path : '', [...args, ...more], { stdio: 'ignore' })
  t.after(async () => {
    const ended = once(child, 'close')
    if (child.kill('SIGKILL')) await ended
  })
  const url = `http://127.0.0.1:${port}`
  for (let tries = 0; !(await isHealthy(url)); tries++) {
    assert.ok(child.exitCode === null && tries < 300, 'the llama.cpp server does not start')
    await sleep(50)
  }
  return {
    baseUrl: `${url}/v1`,
    isGenerating: async () => slots.parse(await (await fetch(`${url}/slots`)).json()).some((slot) => slot.is_processing),
    generated: async () => Number(/^llamacpp:tokens_predicted_total (\d+)/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1]),
  }
}

async function isHealthy(url: string): Promise<boolean> {
  return (await fetch(`${url}/health`).catch(() => null))?.ok === true
}

/** Our gateway before this server, without tools of its own, and the official client before that. */
async function clientOf(t: TestContext, llama: Llama, agent: object, contextTokens: number): Promise<OpenAI> {
  const folder = await mkdtemp(join(tmpdir(), 'carapace-llama-journey-'))
  const config = {
    agent: { model: 'llama:any', ...agent },
    tools: { policy: 'allow-list', list: [] },
    providers: { compatible: { llama: { baseUrl: llama.baseUrl, contextTokens } } },
  }
  await writeFile(join(folder, 'carapace.json5'), JSON.stringify(config))
  const env = cleanEnvironment(folder)
  const gateway = startProgram(env)
  t.after(async () => {
    await gateway.kill()
    await rm(folder, { recursive: true, force: true })
  })
  const url = await gateway.ready()
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: gatewayToken(env, resolvePaths(env)), maxRetries: 0 })
}

const tool = (name: string, ...parameters: readonly string[]) => ({
  type: 'function' as const,
  function: {
    name,
    parameters: { type: 'object', properties: Object.fromEntries(parameters.map((key) => [key, { type: 'string' }])), required: [...parameters] },
  },
})
/** Those that the small model was taught, all of them: with fewer it declines. */
const TOOLS = [
  tool('get_time', 'timezone'),
  tool('calculate', 'expression'),
  tool('remember', 'text'),
  tool('search_memory', 'query'),
  tool('read_file', 'path'),
  tool('set_reminder', 'text', 'when'),
]

interface Streamed {
  readonly text: string
  readonly calls: readonly { readonly id: string; readonly type: 'function'; readonly function: { readonly name: string; readonly arguments: string } }[]
  readonly chunks: number
  readonly finish: string | null
  readonly promptTokens: number
}

async function stream(client: OpenAI, messages: OpenAI.ChatCompletionMessageParam[]): Promise<Streamed> {
  const answer = client.chat.completions.stream({ model: 'carapace', messages, tools: TOOLS, temperature: 0, stream_options: { include_usage: true } })
  let chunks = 0
  for await (const _chunk of answer) chunks++
  const { choices, usage } = await answer.finalChatCompletion()
  const message = choices[0]?.message
  const calls = (message?.tool_calls ?? []).flatMap((call) =>
    call.type === 'function' ? [{ id: call.id, type: call.type, function: { name: call.function.name, arguments: call.function.arguments } }] : [],
  )
  return { text: message?.content ?? '', calls, chunks, finish: choices[0]?.finish_reason ?? null, promptTokens: usage?.prompt_tokens ?? 0 }
}

test('a streamed tool round trip', options, async (t) => {
  const llama = await startLlama(t, 'tiny-q8.gguf', 1024)
  const client = await clientOf(t, llama, { maxOutputTokens: 160, context: { windowTokens: 1024 } }, 1024)
  const question = { role: 'user' as const, content: 'what is 12 times 7' }
  const asked = await stream(client, [question])
  assert.equal(asked.finish, 'tool_calls')
  assert.deepEqual(
    asked.calls.map((call) => call.function.name),
    ['calculate'],
  )
  assert.match(String(Object(JSON.parse(asked.calls[0]?.function.arguments ?? '')).expression), /12.*7/)
  assert.ok(asked.chunks > 1, `${asked.chunks} chunks`)
  // The small model garbles what it repeats: that it was told counts, not what it makes of it.
  const [call] = asked.calls
  const answered = await stream(client, [
    question,
    { role: 'assistant', content: null, tool_calls: [...asked.calls] },
    { role: 'tool', tool_call_id: call?.id ?? '', content: '84' },
  ])
  assert.ok(answered.promptTokens > asked.promptTokens + 3, `${answered.promptTokens} after ${asked.promptTokens} prompt tokens`)
  assert.ok(answered.text !== '' || answered.calls.length > 0)
  assert.ok(answered.chunks > 1 && ['stop', 'tool_calls', 'length'].includes(answered.finish ?? ''), String(answered.finish))
})

test('a client that stops, stops the server within a second', options, async (t) => {
  const window = 65_536
  const longest = 60_000
  const llama = await startLlama(t, 'random.gguf', window, '--ignore-eos', '--override-kv', `llama.context_length=int:${window}`)
  const client = await clientOf(t, llama, { maxOutputTokens: longest, budgets: { maxOutputTokens: longest }, context: { windowTokens: window } }, window)
  const story = await client.chat.completions.create({
    model: 'carapace',
    messages: [{ role: 'user', content: 'A long story' }],
    stream: true,
    max_tokens: longest,
  })
  let texts = 0
  for await (const chunk of story) {
    if ((chunk.choices[0]?.delta.content ?? '') === '' || ++texts < 5) continue
    assert.ok(await llama.isGenerating())
    break
  }
  const leftAt = performance.now()
  while (await llama.isGenerating()) assert.ok(performance.now() - leftAt < 1000, 'it goes on after a second')
  const generated = await llama.generated()
  assert.ok(generated > 0 && generated < longest / 2, `${generated} tokens: it ended before it was done`)
})
