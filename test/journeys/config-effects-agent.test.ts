/** Keys of `agent`, `routes`, `tools`, `filesystem`, `usage` and a few of `providers`: what the owner writes into the file is what the model server sees. */
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, it } from 'node:test'
import { chatSendResult } from '../../src/contracts/ws/chat.ts'
import { statusResult } from '../../src/contracts/ws/health.ts'
import { turnsListResult } from '../../src/contracts/ws/turns.ts'
import { undoListResult } from '../../src/contracts/ws/undo.ts'
import { configuredGateway, type ConfiguredGateway } from '../doubles/configured-gateway.ts'
import { chatReply } from '../doubles/openai-wire.ts'

const ok = chatReply({ text: ['ok'] })
const calling = (name: string, input: object) => chatReply({ calls: [{ id: 'call_1', name, arguments: JSON.stringify(input) }] })
const textsSent = (cara: ConfiguredGateway, index: number) => cara.sent(index).messages.map(({ content }) => String(content))

describe('agent', () => {
  it('model, systemPrompt, temperature and maxOutputTokens go up with every request', async () => {
    await using cara = await configuredGateway({ agent: { model: 'openai:mine', systemPrompt: 'Talk like a pirate.', temperature: 0.3, maxOutputTokens: 77 } })
    cara.upstream.script(ok)
    await cara.chat('hello')
    const body = cara.sent(0)
    assert.deepEqual([body.model, body['temperature'], body['max_completion_tokens']], ['mine', 0.3, 77])
    assert.ok(textsSent(cara, 0)[0]?.startsWith('Talk like a pirate.\n'))
    await using plain = await configuredGateway()
    plain.upstream.script(ok)
    await plain.chat('hello')
    assert.ok(!('temperature' in plain.sent(0)))
  })

  it('maxConcurrentTurns bounds what runs, maxQueuedPerSession what waits', async () => {
    await using cara = await configuredGateway({ agent: { maxConcurrentTurns: 1, maxQueuedPerSession: 1 }, gateway: { drainMs: 0 } })
    cara.upstream.script(chatReply({ text: ['…'] }, 'hang'))
    const send = async (sessionKey: string, idempotencyKey: string) =>
      chatSendResult.parse(await cara.client.call('chat.send', { message: 'hello', sessionKey, idempotencyKey }))
    assert.equal((await send('one', 'a')).status, 'started')
    assert.equal((await send('one', 'b')).status, 'queued')
    await assert.rejects(send('one', 'c'), { code: 'turn/queue-full' })
    await send('two', 'd')
    const { activeTurns, queuedTurns } = statusResult.parse(await cara.client.call('status'))
    assert.deepEqual([activeTurns, queuedTurns], [1, 2])
  })

  it('maxModelWaitMs is how long a turn may wait for a model that says when to ask again', async () => {
    const busy = { status: 429, headers: { 'content-type': 'application/json', 'retry-after': '600' }, pieces: ['{"error":{"message":"slow down"}}'] }
    for (const [maxModelWaitMs, state] of [
      [599_000, 'failed'],
      [660_000, 'waiting'],
    ] as const) {
      await using cara = await configuredGateway({ agent: { maxModelWaitMs }, gateway: { drainMs: 0 } })
      cara.upstream.script(busy)
      const { runId } = chatSendResult.parse(await cara.client.call('chat.send', { message: 'hello', sessionKey: 'main', idempotencyKey: 'a' }))
      const stands = async () => turnsListResult.parse(await cara.client.call('turns.list')).turns.find((turn) => turn.runId === runId)?.state
      while ((await stands()) === 'running') await sleep(20)
      assert.equal(await stands(), state)
    }
  })

  it('budgets.maxCalls is how many calls a turn may make', async () => {
    for (const [maxCalls, stoppedBy] of [
      [1, 'calls'],
      [2, undefined],
    ] as const) {
      await using cara = await configuredGateway({ agent: { budgets: { maxCalls } } })
      cara.upstream.script(
        chatReply({ calls: ['1+1', '1+2'].map((expression, index) => ({ id: `c${index}`, name: 'math_eval', arguments: JSON.stringify({ expression }) })) }),
        ok,
      )
      const result = await cara.chat('go')
      assert.deepEqual([result.stoppedBy, result.toolCalls.length], [stoppedBy, stoppedBy === undefined ? 2 : 0])
    }
  })

  it('budgets hold as they are written', async () => {
    await using cara = await configuredGateway({ agent: { budgets: { maxSteps: 1 } } })
    cara.upstream.script(calling('math_eval', { expression: '1+1' }), ok)
    assert.equal((await cara.chat('go')).stoppedBy, 'steps')
    assert.equal(cara.upstream.requests.length, 1)
  })
})

describe('agent.context', () => {
  it('windowTokens bounds what is sent', async () => {
    await using cara = await configuredGateway({ agent: { context: { windowTokens: 2048 }, maxOutputTokens: 100 } })
    const { error } = await cara.chat('word '.repeat(3000))
    assert.equal(error?.code, 'provider/context-too-long')
    assert.equal(cara.upstream.requests.length, 0)
  })

  it('maxMessages decides when the older part is summarised, keepMessages what stays word for word', async () => {
    const after = async (maxMessages: number, keepMessages: number) => {
      await using cara = await configuredGateway({ agent: { context: { maxMessages, keepMessages } } })
      for (let turn = 0; turn < 5; turn++) {
        cara.upstream.script(ok, ok)
        await cara.chat(`question ${turn}`)
      }
      const last = cara.upstream.requests.length - 1
      const messages = textsSent(cara, last).slice(1)
      return { summarised: messages[0]?.startsWith('[Summary') === true, whole: messages.filter((text) => text.startsWith('question')).length }
    }
    assert.deepEqual(await after(80, 16), { summarised: false, whole: 5 })
    assert.deepEqual(await after(8, 2), { summarised: true, whole: 1 })
    assert.deepEqual(await after(8, 6), { summarised: true, whole: 3 })
  })

  it('is no larger than the contextTokens of a server of the owner’s own', async () => {
    for (const [id, section] of [
      ['compatible', (baseUrl: string) => ({ mine: { baseUrl, contextTokens: 2048 } })],
      ['ollama', (baseUrl: string) => ({ baseUrl, contextTokens: 2048 })],
    ] as const) {
      const model = id === 'ollama' ? 'ollama:test' : 'mine:test'
      await using cara = await configuredGateway((origin) => ({ agent: { model, maxOutputTokens: 100 }, providers: { [id]: section(`${origin}/v1`) } }))
      const { error } = await cara.chat('word '.repeat(3000))
      assert.equal(error?.code, 'provider/context-too-long', id)
      assert.equal(cara.upstream.requests.length, 0)
    }
  })
})

describe('routes', () => {
  it('models are tried in their order', async () => {
    await using cara = await configuredGateway({ agent: { model: 'best' }, routes: { best: { models: ['openai:first', 'openai:second'] } } })
    cara.upstream.script({ status: 401, pieces: ['{}'] }, ok)
    assert.equal((await cara.chat('hello')).model, 'openai:second')
    assert.deepEqual([cara.sent(0).model, cara.sent(1).model], ['first', 'second'])
  })
})

describe('tools', () => {
  const offered = async (tools: Readonly<Record<string, unknown>>) => {
    await using cara = await configuredGateway({ tools })
    cara.upstream.script(calling('math_eval', { expression: '6*7' }), ok)
    const { toolCalls } = await cara.chat('go')
    return { names: (cara.sent(0).tools ?? []).map((tool) => tool.function.name), refused: toolCalls[0]?.isError }
  }

  it('policy and list decide what is offered, and what runs when it is called all the same', async () => {
    const all = await offered({})
    assert.ok(all.names.length > 5 && all.names.includes('math_eval'))
    assert.equal(all.refused, false)
    assert.deepEqual(await offered({ policy: 'allow-list', list: ['current_time'] }), { names: ['current_time'], refused: true })
    const denied = await offered({ policy: 'deny-list', list: ['math_eval'] })
    assert.deepEqual(denied, { names: all.names.filter((name) => name !== 'math_eval'), refused: true })
  })
})

describe('filesystem', () => {
  const read = async (filesystem: (root: string) => Readonly<Record<string, unknown>>, name: string) => {
    await using cara = await configuredGateway((_upstream, folder) => ({ filesystem: filesystem(join(folder, 'root')) }))
    const root = join(cara.folder, 'root')
    await mkdir(root)
    await writeFile(join(root, name), 'twelve bytes')
    cara.upstream.script(calling('file_read', { path: join(root, name) }), ok)
    return (await cara.chat('read it')).toolCalls[0]
  }

  it('roots are what may be read', async () => {
    assert.equal((await read(() => ({}), 'note.txt'))?.isError, true)
    const inside = await read((root) => ({ roots: [root] }), 'note.txt')
    assert.deepEqual([inside?.isError, inside?.output], [false, 'twelve bytes'])
  })

  it('excludePatterns stay hidden', async () => {
    assert.equal((await read((root) => ({ roots: [root] }), '.env'))?.isError, true)
    assert.equal((await read((root) => ({ roots: [root], excludePatterns: ['*.txt'] }), '.env'))?.isError, false)
    assert.equal((await read((root) => ({ roots: [root], excludePatterns: ['*.txt'] }), 'note.txt'))?.isError, true)
  })

  it('maxReadBytes bounds one read', async () => {
    const part = await read((root) => ({ roots: [root], maxReadBytes: 6 }), 'note.txt')
    assert.match(part?.output ?? '', /^twelve\n\[bytes 0 to 6 of 12/)
  })
})

describe('writing files', () => {
  const write = async (writeAccess: boolean, undo: Readonly<Record<string, number>>) => {
    await using cara = await configuredGateway((_upstream, folder) => ({ filesystem: { roots: [join(folder, 'root')], writeAccess }, undo }))
    const path = join(cara.folder, 'root', 'note.txt')
    await mkdir(join(cara.folder, 'root'))
    await writeFile(path, 'x'.repeat(1_100_000))
    cara.upstream.script(calling('file_write', { path, content: 'new' }), ok)
    const { toolCalls } = await cara.chat('write it')
    const { steps } = undoListResult.parse(await cara.client.call('undo.list'))
    if (steps[0] !== undefined) await cara.client.call('undo.apply', { id: steps[0].id })
    return { isError: toolCalls[0]?.isError, steps: steps.length, size: (await readFile(path)).length }
  }

  it('writeAccess lets tools write, and undo.maxBytes bounds what may be replaced', async () => {
    assert.deepEqual(await write(false, {}), { isError: true, steps: 0, size: 1_100_000 })
    assert.deepEqual(await write(true, {}), { isError: false, steps: 1, size: 1_100_000 }, 'written, and taken back')
    assert.deepEqual(await write(true, { maxBytes: 1_048_576 }), { isError: true, steps: 0, size: 1_100_000 })
  })
})

describe('usage.prices', () => {
  /** Millionths of a dollar for an answer of 15 tokens to 12 fresh ones, 1,806 that the cache gave and 248 that it took. */
  const costWith = async (price: Readonly<Record<string, number>>) => {
    await using cara = await configuredGateway((origin) => ({
      agent: { model: 'anthropic:mine' },
      providers: { anthropic: { apiKey: 'sk-ant-0123456789', baseUrl: origin } },
      usage: { prices: { 'anthropic:mine': price } },
    }))
    const headers = { 'content-type': 'text/event-stream' }
    cara.upstream.script({ headers, pieces: [await readFile(new URL('../golden/anthropic/text.sse', import.meta.url))] })
    const { costUsd } = await cara.chat('hello')
    return Math.round((costUsd ?? 0) * 1_000_000)
  }

  it('inputPerMTok and outputPerMTok price what is fresh, and the cache where it has no price', async () => {
    assert.equal(await costWith({ inputPerMTok: 2, outputPerMTok: 10_000 }), (12 + 1806 + 248) * 2 + 15 * 10_000)
  })

  it('cacheReadPerMTok and cacheWritePerMTok price what the cache gave and took', async () => {
    assert.equal(await costWith({ inputPerMTok: 1000, outputPerMTok: 0, cacheReadPerMTok: 1, cacheWritePerMTok: 7 }), 12 * 1000 + 1806 + 248 * 7)
  })
})
