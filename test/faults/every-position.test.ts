/**
 * `kill -9` before and after every commit of one turn with everything: text, two reads side by side, a message to a receiver that knows keys, one in several parts to a receiver that
 * knows none, a note, a file, a command that the owner must allow and that must not happen twice, and the reply. A first run finds the commits; then each is struck once, in a process of its own, and the next process goes on.
 */
import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import * as z from 'zod'
import { agentResult, agentWaitResult } from '../../src/contracts/ws/agent.ts'
import { chatHistoryResult } from '../../src/contracts/ws/chat.ts'
import { usageStatusResult } from '../../src/contracts/ws/usage.ts'
import type { GatewayClient } from '../../src/net/gateway-client.ts'
import { openStore } from '../../src/store/open-store.ts'
import { startChatModel } from '../doubles/chat-model.ts'
import { cleanEnvironment, startProgram, type Program } from '../doubles/gateway-process.ts'
import { startLoopback } from '../doubles/loopback.ts'

/** Blows that are struck at once. */
const SIDE_BY_SIDE = 3
const UNATTENDED = 0.95
const PRELOAD = join(import.meta.dirname, 'stop-at-commit.ts')
const MESSAGE = {
  message: 'Send "hello team" to team-chat, remember tea, note it in my log, tell people how it is, and count',
  idempotencyKey: 'key-1',
  sessionKey: 'main',
}
/** Three parts where 2,000 characters fit. */
const LONG = Array.from({ length: 250 }, (_, index) => `Line ${index}: all is well.`).join('\n')
const PARTS = 3
const REPEAT = /^\(possibly a repeat\)\s*/
const FINAL = 'All of it is done: sent, remembered, noted and counted.'

const chatBody = z.object({ messages: z.array(z.object({ role: z.string(), content: z.unknown(), tool_calls: z.array(z.unknown()).optional() })) })

interface Outside extends AsyncDisposable {
  readonly modelUrl: string
  readonly hookUrl: string
  /** By idempotency key, as the receiver counts. */
  readonly received: ReadonlyMap<string, number>
  /** Of the long message, as they arrived. */
  readonly parts: readonly string[]
}

/** Says the same at the same place of the conversation, however often it is asked. `root`: where the file is. */
async function openOutside(root: string): Promise<Outside> {
  const steps = [
    { text: ['Let me ', 'look.'], calls: [call('r1', 'memory_list', {}), call('r2', 'math_eval', { expression: '6*7' })] },
    { calls: [call('m1', 'message_send', { to: 'team-chat', text: 'hello team' }), call('m2', 'message_send', { to: 'people', text: LONG })] },
    {
      calls: [
        call('w1', 'memory_write', { key: 'tea', value: 'green' }),
        call('w2', 'file_write', { path: join(root, 'log.txt'), content: 'noted\n', mode: 'append' }),
      ],
    },
    { calls: [call('x1', 'exec', { argv: ['sh', '-c', 'echo once >> counted'] })] },
  ]
  const model = await startChatModel((body) => {
    const { messages } = chatBody.parse(JSON.parse(body))
    const answered = messages.filter(({ role, tool_calls: calls }) => role === 'assistant' && calls !== undefined).length
    return steps[answered] ?? { text: FINAL.split(/(?= )/) }
  })
  const received = new Map<string, number>()
  const parts: string[] = []
  const hook = await startLoopback(async (request, response) => {
    let body = ''
    for await (const piece of request.setEncoding('utf8')) body += String(piece)
    if (request.url === '/people') parts.push(z.object({ content: z.string() }).parse(JSON.parse(body)).content)
    else {
      const key = String(request.headers['idempotency-key'])
      received.set(key, (received.get(key) ?? 0) + 1)
    }
    response.writeHead(200).end()
  })
  return {
    modelUrl: model.baseUrl,
    hookUrl: hook.url.href,
    received,
    parts,
    async [Symbol.asyncDispose]() {
      await model.close()
      await hook.close()
    },
  }
}

function call(id: string, name: string, input: object) {
  return { id, name, arguments: JSON.stringify(input) }
}

interface World extends AsyncDisposable {
  readonly folder: string
  readonly outside: Outside
  start(more?: Record<string, string>): Promise<Program>
  counted(): Promise<number>
}

/** A folder in which a gateway has started and stopped before, so that the turn is all that happens. */
async function openWorld(template: string | null): Promise<World> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'carapace-position-')))
  if (template !== null) await cp(template, folder, { recursive: true })
  const root = join(folder, 'files')
  await mkdir(root, { recursive: true })
  const outside = await openOutside(root)
  const config = {
    messages: {
      destinations: {
        'team-chat': { url: outside.hookUrl, format: 'json' },
        people: { url: new URL('/people', outside.hookUrl).href, format: 'discord' },
      },
    },
    filesystem: { roots: [root], writeAccess: true },
    exec: { sandbox: 'unsandboxed' },
  }
  await writeFile(join(folder, 'carapace.json5'), JSON.stringify(config), { mode: 0o600 })
  const env = cleanEnvironment(folder, { CARAPACE_MODEL: 'openai:test', OPENAI_BASE_URL: outside.modelUrl })
  const programs: Program[] = []
  return {
    folder,
    outside,
    async start(more = {}) {
      const program = startProgram({ ...env, ...more })
      programs.push(program)
      await program.ready()
      return program
    },
    counted: async () => (await readFile(join(folder, 'state', 'workspace', 'counted'), 'utf8').catch(() => '')).split('\n').filter(Boolean).length,
    async [Symbol.asyncDispose]() {
      for (const program of programs) await program.kill()
      await outside[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

interface Attended {
  /** Questions that only a crash brought about. */
  readonly questions: number
}

/** Sends the message, as often as needed, and answers what is asked: a call goes on, and one that may have happened is looked after first. */
async function toEnd(client: GatewayClient, world: World): Promise<Attended> {
  const { runId } = agentResult.parse(await client.call('agent', MESSAGE))
  let questions = 0
  for (;;) {
    const { status, result, approvals = [] } = agentWaitResult.parse(await client.call('agent.wait', { runId, timeoutMs: 30_000 }))
    if (status !== 'waiting') {
      assert.deepEqual([status, result?.text], ['ok', `Let me look.\n\n${FINAL}`])
      assert.deepEqual(
        result?.toolCalls.map(({ tool, isError }) => [tool, isError]),
        ['memory_list', 'math_eval', 'message_send', 'message_send', 'memory_write', 'file_write', 'exec'].map((tool) => [tool, false]),
      )
      return { questions }
    }
    const answers = []
    for (const { id, hash, holds } of approvals) {
      const isUnknown = holds.some(({ rule }) => rule === 'effectUnknown')
      if (isUnknown) questions++
      answers.push({ id, hash, decision: isUnknown && (await world.counted()) > 0 ? 'deny' : 'allow' })
    }
    await client.call('approvals.resolve', { answers })
  }
}

/** Everything happened, once. */
async function assertOnce(client: GatewayClient, world: World): Promise<void> {
  assert.equal(world.outside.received.size, 1, `messages by key: ${JSON.stringify([...world.outside.received])}`)
  const { parts } = world.outside
  while (new Set(parts.map((part) => part.replace(REPEAT, ''))).size < PARTS) await sleep(20)
  // Of a part that may have arrived nobody knows: again, but marked.
  const unmarked = parts.filter((part) => !REPEAT.test(part))
  assert.equal(new Set(unmarked).size, unmarked.length, 'no part came twice without a mark')
  const whole = [...new Set(parts.map((part) => part.replace(REPEAT, '')))].join('\n')
  assert.deepEqual(whole.split(/\s+/), LONG.split(/\s+/), 'every part, in order')
  assert.equal(await world.counted(), 1, 'the command ran once')
  assert.equal(await readFile(join(world.folder, 'files', 'log.txt'), 'utf8'), 'noted\n')
  const { messages } = chatHistoryResult.parse(await client.call('chat.history', { sessionKey: 'main', limit: 100 }))
  assert.deepEqual(
    messages.map(({ role }) => role),
    ['user', 'assistant', 'tool', 'tool', 'assistant', 'tool', 'tool', 'assistant', 'tool', 'tool', 'assistant', 'tool', 'assistant'],
  )
  assert.equal(usageStatusResult.parse(await client.call('usage.status', {})).totals.turns, 1)
}

async function assertSound(folder: string): Promise<void> {
  const store = await openStore({ path: join(folder, 'state', 'carapace.db'), synchronous: 'normal' })
  assert.deepEqual([await store.check(), await store.turns.unfinished()], [[], []])
  assert.equal((await store.memory.read('tea'))?.value, 'green')
  // A write that was prepared and not made leaves a step that takes nothing back.
  assert.ok([2, 3].includes((await store.undo.list({ limit: 10 })).length))
  await store.close()
}

async function strike(template: string, at: number, how: 'before' | 'after'): Promise<Attended> {
  await using world = await openWorld(template)
  const first = await world.start({ NODE_OPTIONS: `--import ${PRELOAD}`, STOP_AT: String(at), STOP_HOW: how })
  const client = await first.connect()
  const sending = toEnd(client, world)
  sending.catch(() => undefined)
  const { signal } = await first.ended
  assert.equal(signal, 'SIGKILL')
  await sending.catch(() => undefined)
  const second = await world.start()
  const again = await second.connect()
  // A sender that heard nothing sends again; one that heard does no harm.
  const attended = await toEnd(again, world)
  await assertOnce(again, world)
  await again.close()
  second.child.kill('SIGTERM')
  await second.ended
  await assertSound(world.folder)
  return attended
}

test('killed at any commit of a turn with everything, it ends as if nothing had been', { timeout: 600_000 }, async (t) => {
  await using prepared = await openWorld(null)
  const once = await prepared.start()
  once.child.kill('SIGTERM')
  await once.ended
  const notes = join(prepared.folder, 'notes')
  const commits: string[] = []
  {
    await using dry = await openWorld(prepared.folder)
    const program = await dry.start({ NODE_OPTIONS: `--import ${PRELOAD}`, STOP_NOTES: notes })
    const client = await program.connect()
    assert.equal((await toEnd(client, dry)).questions, 0)
    await assertOnce(client, dry)
    commits.push(...(await readFile(notes, 'utf8')).trim().split('\n'))
    await client.close()
  }
  const blows = commits.flatMap((what, index) => (['before', 'after'] as const).map((how) => ({ at: index + 1, how, what })))
  const attended: string[] = []
  const failed: string[] = []
  const workers = Array.from({ length: SIDE_BY_SIDE }, async () => {
    for (let blow = blows.shift(); blow !== undefined; blow = blows.shift()) {
      const { at, how, what } = blow
      try {
        if ((await strike(prepared.folder, at, how)).questions > 0) attended.push(`${how} commit ${at} (${what})`)
      } catch (error) {
        failed.push(`${how} commit ${at} (${what}): ${String(error)}`)
      }
      await sleep(0)
    }
  })
  await Promise.all(workers)
  const total = commits.length * 2
  t.diagnostic(`${commits.length} commits, ${total} blows, ${attended.length} of them asked the owner: ${attended.join('; ')}`)
  assert.deepEqual(failed, [])
  assert.ok(commits.length >= 15, commits.join('\n'))
  assert.ok((total - attended.length) / total >= UNATTENDED, `${attended.length} of ${total} turns needed the owner:\n${attended.join('\n')}`)
})
