/** The vendor's official client against our OpenAI-compatible routes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { APIUserAbortError, OpenAI, RateLimitError } from 'openai'
import { AppError } from '../../src/contracts/errors.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import { openDoors, TOKEN, type OpenDoors } from '../doubles/open-doors.ts'
import { SCRIPTED_MODEL, untilAborted, type TurnScript } from '../doubles/scripted-gateway.ts'

const clientOf = (doors: OpenDoors, headers: Record<string, string> = {}) =>
  new OpenAI({ baseURL: `${doors.url}/v1`, apiKey: TOKEN, maxRetries: 0, defaultHeaders: headers })

const WEATHER = {
  type: 'function' as const,
  function: { name: 'weather', description: 'Weather of a city', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
}

const callWeather: TurnScript = ({ message }) => {
  const answered = message.options.context?.at(-1)
  if (answered?.role === 'tool') return { text: `It is ${answered.parts[0]?.output}.` }
  return { finishReason: 'tool-calls', clientToolCalls: [{ type: 'tool-call', callId: 'call_1', tool: 'weather', input: { city: 'Oslo' } }] }
}

test('models are listed', async () => {
  await using doors = await openDoors()
  const page = await clientOf(doors).models.list()
  assert.deepEqual(
    page.data.map((model) => model.id),
    ['carapace', SCRIPTED_MODEL],
  )
})

test('chat, whole: text, usage with details, and what the request asked for', async () => {
  await using doors = await openDoors()
  const { data, response } = await clientOf(doors)
    .chat.completions.create({
      model: 'carapace',
      messages: [
        { role: 'developer', content: 'Be brief.' },
        { role: 'user', content: 'one' },
        { role: 'assistant', content: 'two' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'three' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
          ],
        },
      ],
      temperature: 0.5,
      top_p: 0.9,
      max_completion_tokens: 99,
      stop: ['END'],
      reasoning_effort: 'minimal',
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' }, strict: true } },
    })
    .withResponse()
  assert.equal(data.choices[0]?.message.content, 'three[image/png]')
  assert.equal(data.choices[0]?.finish_reason, 'stop')
  assert.deepEqual(data.usage, {
    prompt_tokens: 11,
    completion_tokens: 7,
    total_tokens: 18,
    prompt_tokens_details: { cached_tokens: 5 },
    completion_tokens_details: { reasoning_tokens: 3 },
  })
  assert.match(response.headers.get('x-carapace-turn') ?? '', /^turn_/)
  assert.equal(response.headers.get('x-carapace-model'), SCRIPTED_MODEL)
  const model = { author: { kind: 'model', name: 'client' }, trust: 'trusted', private: false }
  assert.deepEqual(doors.gateway.messages[0], {
    door: 'openai',
    sender: { kind: 'owner' },
    sessionKey: null,
    parts: [
      { type: 'text', text: 'three', origin: OWNER },
      { type: 'image', mediaType: 'image/png', data: 'iVBORw0KGgo=', origin: OWNER },
    ],
    credential: 'token:owner',
    options: {
      temperature: 0.5,
      topP: 0.9,
      maxOutputTokens: 99,
      stop: ['END'],
      responseFormat: { type: 'json-schema', name: 'answer', schema: { type: 'object' }, strict: true },
      reasoningEffort: 'low',
      context: [
        { role: 'system', parts: [{ type: 'text', text: 'Be brief.', origin: OWNER }] },
        { role: 'user', parts: [{ type: 'text', text: 'one', origin: OWNER }] },
        { role: 'assistant', parts: [{ type: 'text', text: 'two', origin: model }] },
      ],
    },
  })
})

test('chat, streamed: deltas as they come, finish, usage on request', async () => {
  await using doors = await openDoors()
  doors.gateway.script = async ({ emit }) => {
    for (const text of ['Hel', 'lo "', 'wörld\n']) {
      emit({ type: 'text-delta', text })
      await new Promise((resolve) => setImmediate(resolve))
    }
    return { text: 'Hello "wörld\n', usage: { inputTokens: 4, outputTokens: 2, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 } }
  }
  const stream = await clientOf(doors).chat.completions.create({
    model: 'default',
    messages: [{ role: 'user', content: 'hi' }],
    stream: true,
    stream_options: { include_usage: true },
  })
  const chunks = await Array.fromAsync(stream)
  assert.deepEqual(
    chunks.map((chunk) => chunk.choices[0]?.delta.content ?? chunk.choices[0]?.finish_reason ?? chunk.usage?.total_tokens),
    ['', 'Hel', 'lo "', 'wörld\n', 'stop', 6],
  )
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1)
  assert.equal(chunks[0]?.choices[0]?.delta.role, 'assistant')
  assert.deepEqual(JSON.parse(JSON.stringify(chunks.at(-1))).carapace, { model: SCRIPTED_MODEL, turn: chunks[0]?.id.replace('chatcmpl-', ''), switched: false })
})

test('chat, streamed: a tool round trip with a tool of the client', async () => {
  await using doors = await openDoors()
  doors.gateway.script = callWeather
  const seen: string[] = []
  const runner = clientOf(doors).chat.completions.runTools({
    model: 'carapace',
    stream: true,
    messages: [{ role: 'user', content: 'Weather in Oslo?' }],
    tools: [
      {
        type: 'function',
        function: {
          ...WEATHER.function,
          parse: JSON.parse,
          function: (input: { city: string }) => {
            seen.push(input.city)
            return 'raining'
          },
        },
      },
    ],
  })
  assert.equal(await runner.finalContent(), 'It is raining.')
  assert.deepEqual(seen, ['Oslo'])
  const [first, second] = doors.gateway.messages
  assert.deepEqual(first?.options.clientTools, [{ name: 'weather', description: 'Weather of a city', parameters: WEATHER.function.parameters }])
  assert.deepEqual(second?.parts, [])
  assert.deepEqual(second?.options.context?.slice(1), [
    { role: 'assistant', parts: [{ type: 'tool-call', callId: 'call_1', tool: 'weather', input: { city: 'Oslo' } }] },
    {
      role: 'tool',
      parts: [
        {
          type: 'tool-result',
          callId: 'call_1',
          tool: 'weather',
          output: 'raining',
          isError: false,
          origin: { author: { kind: 'tool', name: 'weather' }, trust: 'untrusted', private: false },
        },
      ],
    },
  ])
})

test('a stored session takes what came after the last answer', async () => {
  await using doors = await openDoors()
  await clientOf(doors, { 'x-carapace-session': 'notes' }).chat.completions.create({
    model: 'carapace',
    messages: [
      { role: 'system', content: 'ignored' },
      { role: 'user', content: 'old' },
      { role: 'assistant', content: 'old answer', tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{}' } }] },
      { role: 'tool', tool_call_id: 'c1', content: 'sun' },
      { role: 'user', content: 'new' },
    ],
  })
  const message = doors.gateway.messages[0]
  assert.equal(message?.sessionKey, 'notes')
  assert.deepEqual(
    message?.options.context?.map(({ role }) => role),
    ['tool'],
  )
  assert.deepEqual(message?.parts, [{ type: 'text', text: 'new', origin: OWNER }])
})

test('leaving a stream cancels the turn', async () => {
  await using doors = await openDoors()
  doors.gateway.script = ({ emit, signal }) => {
    emit({ type: 'text-delta', text: 'first' })
    return untilAborted(signal)
  }
  const aborted = doors.gateway.aborted()
  const stream = await clientOf(doors).chat.completions.create({ model: 'carapace', messages: [{ role: 'user', content: 'hi' }], stream: true })
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content === 'first') break
  assert.equal(await aborted, 'the client went away')
})

test('leaving before the answer cancels the turn', async () => {
  await using doors = await openDoors()
  const started = Promise.withResolvers<void>()
  doors.gateway.script = ({ signal }) => {
    started.resolve()
    return untilAborted(signal)
  }
  const aborted = doors.gateway.aborted()
  const controller = new AbortController()
  const call = clientOf(doors).responses.create({ model: 'carapace', input: 'hi' }, { signal: controller.signal })
  const failed = assert.rejects(call, APIUserAbortError)
  await started.promise
  controller.abort()
  await failed
  assert.equal(await aborted, 'the client went away')
})

test('failures before the first word are HTTP errors, later ones are told in the stream', async () => {
  await using doors = await openDoors()
  doors.gateway.script = () => {
    throw new AppError('provider/rate-limit', 'later', { retryAfterMs: 7000 })
  }
  const messages = [{ role: 'user' as const, content: 'hi' }]
  for (const stream of [true, false]) {
    await assert.rejects(clientOf(doors).chat.completions.create({ model: 'carapace', messages, stream }), (error: unknown) => {
      assert.ok(error instanceof RateLimitError)
      assert.equal(error.code, 'provider/rate-limit')
      assert.equal(error.headers.get('retry-after'), '7')
      return true
    })
    await assert.rejects(clientOf(doors).responses.create({ model: 'carapace', input: 'hi', stream }), RateLimitError)
  }
  doors.gateway.script = ({ emit }) => {
    emit({ type: 'text-delta', text: 'half' })
    throw new AppError('provider/unreachable', 'gone')
  }
  const stream = await clientOf(doors).chat.completions.create({ model: 'carapace', messages, stream: true })
  await assert.rejects(Array.fromAsync(stream), /gone/)
  const events = await Array.fromAsync(await clientOf(doors).responses.create({ model: 'carapace', input: 'hi', stream: true }))
  const last = events.at(-1)
  assert.ok(last?.type === 'response.failed')
  assert.match(last.response.error?.message ?? '', /gone/)
})

test('responses, whole and streamed', async () => {
  await using doors = await openDoors()
  doors.gateway.script = ({ emit }) => {
    emit({ type: 'reasoning-delta', text: 'Hmm' })
    emit({ type: 'model-switched', from: SCRIPTED_MODEL, to: 'other:model', reason: 'overloaded' })
    emit({ type: 'text-delta', text: 'Hel' })
    emit({ type: 'text-delta', text: 'lo' })
    return { text: 'Hello', model: 'other:model', finishReason: 'length' }
  }
  const request = {
    model: 'carapace',
    instructions: 'Be kind.',
    input: 'hi',
    max_output_tokens: 5,
    reasoning: { effort: 'high' as const },
    text: { format: { type: 'json_object' as const } },
  }
  const whole = await clientOf(doors).responses.create(request)
  assert.equal(whole.output_text, 'Hello')
  assert.equal(whole.model, 'other:model')
  assert.equal(whole.status, 'incomplete')
  assert.equal(whole.incomplete_details?.reason, 'max_output_tokens')
  assert.deepEqual(doors.gateway.messages[0]?.options, {
    maxOutputTokens: 5,
    responseFormat: { type: 'json' },
    reasoningEffort: 'high',
    context: [{ role: 'system', parts: [{ type: 'text', text: 'Be kind.', origin: OWNER }] }],
  })
  const stream = clientOf(doors).responses.stream(request)
  const events = await Array.fromAsync(stream)
  assert.deepEqual(
    events.map((event) => event.sequence_number),
    events.map((_, index) => index),
  )
  assert.equal((await stream.finalResponse()).output_text, 'Hello')
  assert.deepEqual(
    (await stream.finalResponse()).output.map((item) => item.type),
    ['reasoning', 'message'],
  )
  assert.ok(events.some((event) => event.type === 'response.incomplete'))
})

test('responses, streamed: a tool round trip', async () => {
  await using doors = await openDoors()
  doors.gateway.script = callWeather
  const client = clientOf(doors)
  const tools = [{ type: 'function' as const, name: 'weather', description: '', parameters: WEATHER.function.parameters, strict: false }]
  const first = await client.responses
    .stream({ model: 'carapace', input: 'Weather?', tools, tool_choice: { type: 'function', name: 'weather' } })
    .finalResponse()
  const call = first.output[0]
  assert.ok(call?.type === 'function_call')
  assert.deepEqual([call.name, call.arguments, call.call_id], ['weather', '{"city":"Oslo"}', 'call_1'])
  assert.deepEqual(doors.gateway.messages[0]?.options.toolChoice, { tool: 'weather' })
  const second = await client.responses.create({
    model: 'carapace',
    input: [{ role: 'user', content: 'Weather?' }, call, { type: 'function_call_output', call_id: call.call_id, output: 'sunny' }],
    tools,
  })
  assert.equal(second.output_text, 'It is sunny.')
  assert.deepEqual(doors.gateway.messages[1]?.parts, [])
})

test('what we cannot do is refused by name', async () => {
  await using doors = await openDoors()
  const hi = [{ role: 'user', content: 'hi' }]
  const bad: readonly (readonly [body: object, param: string])[] = [
    [{ messages: hi, n: 2 }, 'n'],
    [{ messages: hi, logprobs: true }, 'logprobs'],
    [{ messages: hi, audio: {} }, 'audio'],
    [{ messages: hi, temperature: 'hot' }, 'temperature'],
    [{ messages: hi, temperature: 3 }, 'temperature'],
    [{ messages: hi, stop: 4 }, 'stop'],
    [{ messages: [] }, 'messages'],
    [{ messages: [{ role: 'system', content: 'x' }] }, 'messages'],
    [{ messages: [{ role: 'robot', content: 'x' }] }, 'messages.0.role'],
    [{ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://x/y.png' } }] }] }, 'messages.0.content.0.image_url.url'],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/svg+xml;base64,AAAA' } }] }] },
      'messages.0.content.0.image_url.url',
    ],
    [{ messages: [{ role: 'user', content: [{ type: 'input_audio' }] }] }, 'messages.0.content.0.type'],
    [{ messages: [...hi, { role: 'tool', tool_call_id: 'x', content: 'y' }] }, 'messages.1.tool_call_id'],
    [{ messages: hi, tools: [{ type: 'web_search' }] }, 'tools.0.type'],
    [{ messages: hi, reasoning_effort: 'none' }, 'reasoning_effort'],
  ]
  for (const [body, param] of bad) {
    const answer = await doors.ask('/v1/chat/completions', { method: 'POST', body: JSON.stringify(body) })
    assert.equal(answer.status, 400, answer.body)
    const { error } = JSON.parse(answer.body)
    assert.deepEqual([error.type, error.code, error.param], ['invalid_request_error', 'request/invalid', param], answer.body)
  }
  for (const body of [{ input: 'x', previous_response_id: 'y' }, { input: 'x', background: true }, { input: [] }, {}]) {
    assert.equal((await doors.ask('/v1/responses', { method: 'POST', body: JSON.stringify(body) })).status, 400)
  }
  assert.equal(doors.gateway.messages.length, 0)
})

test('the same idempotency key gives the first turn again', async () => {
  await using doors = await openDoors()
  const client = clientOf(doors, { 'idempotency-key': 'k1' })
  const ask = () => client.chat.completions.create({ model: 'carapace', messages: [{ role: 'user', content: 'once' }] })
  assert.deepEqual((await ask()).id, (await ask()).id)
  const stream = await client.chat.completions.create({ model: 'carapace', messages: [{ role: 'user', content: 'once' }], stream: true })
  const texts = (await Array.fromAsync(stream)).map((chunk) => chunk.choices[0]?.delta.content ?? '')
  assert.equal(texts.join(''), 'once')
  assert.equal(doors.gateway.messages.length, 1)
})

test('a turn that is silent for long opens its stream and keeps it alive', async (t) => {
  await using doors = await openDoors()
  t.mock.timers.enable({ apis: ['setInterval'] })
  const started = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  doors.gateway.script = async () => {
    started.resolve()
    await release.promise
    throw new AppError('provider/overloaded', 'busy')
  }
  const opening = clientOf(doors).chat.completions.create({ model: 'carapace', messages: [{ role: 'user', content: 'hi' }], stream: true })
  await started.promise
  t.mock.timers.tick(10_000)
  const stream = await opening
  release.resolve()
  await assert.rejects(Array.fromAsync(stream), /busy/)
})
