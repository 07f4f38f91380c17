/** The official client, our server, the real agent and store, our own provider, and a model server: a turn end to end, and what its end does upstream. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OpenAI } from 'openai'
import { openai } from '../../src/providers/openai/module.ts'
import { createTransport } from '../../src/net/transport.ts'
import { systemClock } from '../../src/std/clock.ts'
import { uncheckedFetch } from '../doubles/cleared.ts'
import { startModelServer, type ModelServer } from '../doubles/model-server.ts'
import { openDoors, TOKEN, type OpenDoors } from '../doubles/open-doors.ts'
import { chatReply } from '../doubles/openai-wire.ts'
import { recordedLog } from '../doubles/recorded-log.ts'
import { testGateway } from '../doubles/test-gateway.ts'

interface Whole extends AsyncDisposable {
  readonly doors: OpenDoors
  readonly upstream: ModelServer
  readonly client: OpenAI
}

async function wholeSystem(): Promise<Whole> {
  const upstream = await startModelServer()
  const transport = createTransport()
  const section = openai.config.parse({ apiKey: 'sk-test-0123456789', baseUrl: new URL('/v1', upstream.url).href })
  const provider = await openai.create(section, { fetch: uncheckedFetch(transport), log: recordedLog().log, now: () => systemClock.now() })
  const cara = await testGateway({ providers: [provider] })
  const doors = await openDoors({}, { gateway: cara.gateway })
  return {
    doors,
    upstream,
    client: new OpenAI({ baseURL: `${doors.url}/v1`, apiKey: TOKEN, maxRetries: 0 }),
    async [Symbol.asyncDispose]() {
      await doors[Symbol.asyncDispose]()
      await cara.close()
      await transport.close()
      await upstream.close()
    },
  }
}

const WEATHER = {
  type: 'function' as const,
  function: { name: 'weather', description: 'Weather of a city', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
}

function sentUpstream(
  upstream: ModelServer,
  index: number,
): {
  readonly messages: readonly { readonly role: string; readonly content?: unknown; readonly tool_call_id?: string }[]
  readonly tools: readonly { readonly function: { readonly name: string } }[]
} {
  return JSON.parse(upstream.requests[index]?.body ?? '{}')
}

test('our tools run inside, the tool of the client is handed back, and its result goes up', async () => {
  await using whole = await wholeSystem()
  const { upstream, client } = whole
  upstream.script(
    chatReply({ calls: [{ id: 'call_own', name: 'math_eval', arguments: '{"expression":"6*7"}' }] }),
    chatReply({ calls: [{ id: 'call_client', name: 'weather', arguments: '{"city":"Oslo"}' }] }),
    chatReply({ text: ['It ', 'rains.'], usage: { input: 10, output: 5, cached: 4 } }),
  )
  const seen: string[] = []
  const runner = client.chat.completions.runTools({
    model: 'carapace',
    stream: true,
    messages: [
      { role: 'system', content: 'Talk like a pirate.' },
      { role: 'user', content: 'Weather?' },
    ],
    tools: [{ ...WEATHER, function: { ...WEATHER.function, parse: JSON.parse, function: ({ city }: { city: string }) => `${seen.push(city)} drops` } }],
  })
  assert.equal(await runner.finalContent(), 'It rains.')
  assert.deepEqual(seen, ['Oslo'])
  assert.equal(upstream.requests.length, 3)
  const names = new Set(sentUpstream(upstream, 0).tools.map((tool) => tool.function.name))
  assert.ok(names.has('weather') && names.has('math_eval'))
  const { messages } = sentUpstream(upstream, 2)
  assert.deepEqual(messages.slice(-1), [
    { role: 'tool', tool_call_id: 'call_client', content: '<carapace-quote from="result of weather">\n1 drops\n</carapace-quote>' },
  ])
  assert.ok(JSON.stringify(messages).includes('Talk like a pirate.'))
})

test('a stored session remembers tool calls and results of the client', async () => {
  await using whole = await wholeSystem()
  const { upstream, doors } = whole
  const client = new OpenAI({ baseURL: `${doors.url}/v1`, apiKey: TOKEN, maxRetries: 0, defaultHeaders: { 'x-carapace-session': 'weather-talk' } })
  upstream.script(
    chatReply({ calls: [{ id: 'call_client', name: 'weather', arguments: '{"city":"Oslo"}' }] }),
    chatReply({ text: ['It rains.'] }),
    chatReply({ text: ['As I said.'] }),
  )
  const ask = { role: 'user' as const, content: 'Weather?' }
  const first = await client.chat.completions.create({ model: 'carapace', messages: [ask], tools: [WEATHER] })
  const said = { role: 'assistant' as const, content: null, tool_calls: first.choices[0]?.message.tool_calls ?? [] }
  await client.chat.completions.create({
    model: 'carapace',
    messages: [ask, said, { role: 'tool', tool_call_id: 'call_client', content: 'rain' }],
    tools: [WEATHER],
  })
  await client.chat.completions.create({ model: 'carapace', messages: [{ role: 'user', content: 'Sure?' }] })
  const { messages } = sentUpstream(upstream, 2)
  assert.deepEqual(
    messages.map(({ role }) => role).filter((role) => role !== 'system'),
    ['user', 'assistant', 'tool', 'assistant', 'user'],
  )
})

test('a client that leaves ends the request upstream', async () => {
  await using whole = await wholeSystem()
  const { upstream, client } = whole
  upstream.script(chatReply({ text: ['Once upon a time'] }, 'hang'))
  const aborted = upstream.aborted()
  const stream = await client.chat.completions.create({ model: 'carapace', messages: [{ role: 'user', content: 'A story' }], stream: true })
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content?.startsWith('Once') === true) break
  const leftAt = performance.now()
  await aborted
  assert.ok(performance.now() - leftAt < 10_000)
})
