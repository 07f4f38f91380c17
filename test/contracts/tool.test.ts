import assert from 'node:assert/strict'
import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { AppError } from '../../src/contracts/errors.ts'
import type { JsonValue } from '../../src/contracts/json.ts'
import type { EgressFetch } from '../../src/contracts/egress.ts'
import { OWNER, type Origin } from '../../src/contracts/origin.ts'
import type { Entry, MemoryRecord, Session } from '../../src/contracts/store.ts'
import type { Job } from '../../src/contracts/schedule.ts'
import type { JobTools } from '../../src/tools/cron.ts'
import type { TaskTools } from '../../src/tools/task.ts'
import type { AnyTool } from '../../src/contracts/tool.ts'
import type { UndoLog } from '../../src/contracts/undo.ts'
import { oneAtATime } from '../../src/std/one-at-a-time.ts'
import { toolDefinition } from '../../src/tools/definition.ts'
import { locate, openChecked, type FileAccess } from '../../src/tools/file-access.ts'
import { createTools } from '../../src/tools/registry.ts'
import { aTask } from '../doubles/a-task.ts'
import { memoryInMemory, sessionsInMemory } from '../doubles/memory-store.ts'
import { PNG } from '../doubles/pictures.ts'
import { takenMessages } from '../doubles/taken-messages.ts'
import { runTool, testToolContract } from './tool-contract.ts'

const NOW = Date.UTC(2026, 10, 22, 9, 53, 42)
const fromWeb: Origin = { author: { kind: 'web', host: 'evil.test' }, trust: 'untrusted', private: false }
const record = (key: string, value: string, origin = OWNER): MemoryRecord => ({ key, value, origin, createdAt: NOW, updatedAt: NOW })
const session: Session = {
  id: 's1',
  key: 'main',
  title: 'Plans',
  model: null,
  messageCount: 2,
  taint: { untrusted: false, private: false },
  createdAt: NOW,
  lastActivityAt: NOW,
}
const entries: readonly Entry[] = [
  { id: 1, turnId: 't', message: { role: 'user', parts: [{ type: 'text', text: 'hello', origin: OWNER }] }, tokens: 1, at: NOW },
  { id: 2, turnId: 't', message: { role: 'assistant', parts: [{ type: 'tool-call', callId: 'c', tool: 'current_time', input: {} }] }, tokens: 1, at: NOW },
]

const folder = { base: '', root: '' }

before(async () => {
  folder.base = await realpath(await mkdtemp(join(tmpdir(), 'carapace-tools-')))
  folder.root = join(folder.base, 'root')
  await mkdir(join(folder.root, 'notes', 'deep'), { recursive: true })
  await mkdir(join(folder.root, '.git'))
  await writeFile(join(folder.base, 'outside.txt'), 'outside')
  await writeFile(join(folder.root, 'notes', 'a.md'), 'Grüße an alle')
  await writeFile(join(folder.root, 'notes', 'deep', 'b.md'), 'deep')
  await writeFile(join(folder.root, 'notes', 'long.txt'), 'ä'.repeat(60_000))
  await writeFile(join(folder.root, 'notes', 'binary'), Buffer.from([0, 255, 1, 254]))
  await writeFile(join(folder.root, 'notes', 'empty'), '')
  await writeFile(join(folder.root, 'notes', 'photo.png'), PNG)
  await writeFile(join(folder.root, 'notes', 'to-move'), '')
  await writeFile(join(folder.root, '.env.local'), 'KEY=1')
  await writeFile(join(folder.root, '.git', 'config'), 'secret')
  await symlink(join(folder.base, 'outside.txt'), join(folder.root, 'leak'))
  await symlink(folder.base, join(folder.root, 'up'))
})
after(() => rm(folder.base, { recursive: true }))

const page: EgressFetch = async (_, signal) => {
  signal.throwIfAborted()
  return {
    status: 200,
    headers: { 'content-type': 'text/html' },
    body: (async function* () {
      yield Buffer.from('<title>Weather</title><h1>Today</h1><p>Sun.')
    })(),
  }
}

const messages = takenMessages([{ name: 'team-chat', kind: 'webhook', format: 'json', host: 'hooks.example', signed: false, keyed: true }], () => undefined)

const job: Job = {
  id: 'job_1',
  name: 'watch',
  schedule: { kind: 'every', everyMs: 3_600_000, anchorAt: NOW },
  kind: 'task',
  prompt: 'look',
  origin: { author: { kind: 'model', name: 'agent' }, trust: 'trusted', private: false },
  sessionKey: 'cron-model:watch',
  model: null,
  missed: 'once',
  onlyIf: [],
  marks: {},
  deliver: null,
  credential: null,
  by: 'model',
  nextAt: NOW + 3_600_000,
  isPaused: false,
  pausedWhy: null,
  closedUntil: 0,
  version: 1,
  createdAt: NOW,
  updatedAt: NOW,
}
const request = { door: 'ws', sender: { kind: 'owner' }, sessionKey: 'main', parts: [], options: {} } as const
const jobs: JobTools = {
  book: {
    add: async ({ name, prompt }) => ({ ...job, name, prompt }),
    list: async () => [job],
    get: async () => job,
    remove: async () => job,
    preview: async () => [],
  },
  turnOf: async () => ({ request }),
}

const task = aTask('task_1', {
  prompt: 'Sort',
  origin: { author: { kind: 'model', name: 'agent' }, trust: 'trusted', private: false },
  by: 'model',
  state: 'retry_wait',
  attempts: 1,
  runIds: ['turn_1'],
  nextAt: NOW + 5000,
  since: NOW,
  createdAt: NOW,
})
const tasks: TaskTools = {
  tasks: {
    hasOpen: true,
    newId: () => 'task_2',
    create: async ({ prompt }) => ({ ...task, prompt }),
    find: async () => task,
    open: async () => [task],
    update: async (_, { prompt }) => ({ ...task, prompt }),
    cancel: async () => task,
    retry: async () => task,
  },
  turnOf: async () => ({ request }),
}

function access(more: Partial<FileAccess>): FileAccess {
  return { roots: [], excludePatterns: ['**/.git/**', '**/.ssh/**', '**/.env*'], maxReadBytes: 32_768, writeAccess: true, protectedPaths: [], ...more }
}

/** Its own suite is test/security/undo.test.ts. */
const noUndo: UndoLog = {
  copy: async () => ({ name: 'copy', hash: '', bytes: 0, mode: 0o600 }),
  discard: async () => undefined,
  async *read() {},
  keep: async () => undefined,
  forgetOld: async () => undefined,
  find: async () => null,
}

function tools(records: readonly MemoryRecord[] = [record('wifi', 'the password is on the fridge')], files: Partial<FileAccess> = {}): readonly AnyTool[] {
  return createTools({
    store: { memory: memoryInMemory(records), sessions: sessionsInMemory([{ session, entries }]) },
    settings: {
      redacted: () => ({ gateway: { port: 18_789 }, providers: { acme: { apiKey: '[secret]' } } }),
      get(path) {
        if (path === 'gateway.port') return 18_789
        throw new AppError('config/unknown-key', path)
      },
    },
    filesystem: access({ roots: [folder.root], ...files }),
    writes: { log: noUndo, inTurn: oneAtATime() },
    fetch: page,
    media: { ask: async () => ({ text: 'a red field', model: 'fake:model' }), model: null },
    messages,
    jobs,
    tasks,
    now: () => NOW,
    timeZone: 'Europe/Berlin',
  })
}

function toolNamed(name: string, from = tools()): AnyTool {
  const tool = from.find((each) => each.name === name)
  assert.ok(tool !== undefined, name)
  return tool
}

const examples: Readonly<Record<string, JsonValue>> = {
  current_time: {},
  math_eval: { expression: '2 + 3 * 4' },
  memory_write: { key: 'colour', value: 'green' },
  memory_read: { key: 'wifi' },
  memory_list: {},
  memory_search: { query: 'fridge' },
  session_list: {},
  session_read: { key: 'main' },
  config_read: {},
  cron_add: { name: 'tea', prompt: 'The tea is ready', at: '4m' },
  cron_list: {},
  cron_remove: { name: 'watch' },
  task_create: { prompt: 'Sort the notes' },
  task_list: {},
  task_update: { id: 'task_1', prompt: 'Sort them by year' },
  task_cancel: { id: 'task_1' },
  file_read: { path: 'notes/a.md' },
  directory_list: { path: '.' },
  file_search: { pattern: '*.md', text: 'alle' },
  file_write: { path: 'notes/written.txt', content: 'new' },
  file_move: { source: 'notes/to-move', destination: 'notes/moved' },
  web_fetch: { url: 'https://weather.example/today' },
  media_analyze: { path: 'notes/photo.png', prompt: 'What is this?' },
  message_send: { to: 'team-chat', text: 'hello' },
}
const others: Readonly<Record<string, JsonValue>> = { media_analyze: { url: 'https://site.example/photo.png', prompt: 'What is this?' } }

test('every tool has an example here', () => {
  assert.deepEqual(
    tools().map((tool) => tool.name),
    Object.keys(examples),
  )
})
for (const [name, input] of Object.entries(examples))
  testToolContract(name, { make: async () => toolNamed(name), input, ...(others[name] === undefined ? {} : { other: others[name] }) })

test('all definitions together stay under 3,200 characters, with file tools under 4,300; those of scheduled work under 650, and of tasks under 650', () => {
  const size = (files: Partial<FileAccess>, family = '') =>
    tools([], files)
      .filter(({ name }) => (/^(?:cron|task)_/.exec(name)?.[0] ?? '') === family)
      .map((tool) => JSON.stringify(toolDefinition(tool)))
      .join('').length
  const sizes = [size({ roots: [] }), size({ writeAccess: false }), size({}), size({}, 'cron_'), size({}, 'task_')]
  assert.ok(
    [3200, 3700, 4300, 650, 650].every((most, index) => (sizes[index] ?? Infinity) < most),
    sizes.join(', '),
  )
  const tool = toolNamed('memory_write')
  assert.equal(toolDefinition(tool), toolDefinition(tool), 'made once')
  assert.deepEqual(toolDefinition(tool).parameters, {
    type: 'object',
    properties: { key: { type: 'string' }, value: { type: 'string' } },
    required: ['key', 'value'],
  })
})

test('file tools are offered where there is a folder for them, and those that write only with leave', () => {
  const names = (files: Partial<FileAccess>) =>
    tools([], files)
      .map(({ name }) => name)
      .filter((name) => name.startsWith('file_') || name === 'directory_list')
  assert.deepEqual(names({ roots: [] }), [])
  assert.deepEqual(names({ writeAccess: false }), ['file_read', 'directory_list', 'file_search'])
  assert.deepEqual(names({}), ['file_read', 'directory_list', 'file_search', 'file_write', 'file_move'])
})

describe('current_time', () => {
  const ask = async (input: JsonValue) => (await runTool(toolNamed('current_time'), input)).output

  test('tells date, time, weekday and offset of any zone', async () => {
    assert.equal(await ask({}), '{"iso":"2026-11-22T10:53:42+01:00","weekday":"Sunday","timezone":"Europe/Berlin","offset":"+01:00"}')
    assert.match(await ask({ timezone: 'UTC' }), /"2026-11-22T09:53:42\+00:00"/)
    assert.match(await ask({ timezone: 'Asia/Kathmandu' }), /15:38:42\+05:45/)
  })

  test('an unknown zone names near ones', async () => {
    await assert.rejects(ask({ timezone: 'Europe/Berln' }), { code: 'tool/invalid-input', message: /did you mean Europe\/Berlin/ })
    await assert.rejects(ask({ timezone: 'new york' }), { message: /America\/New_York/ })
    await assert.rejects(ask({ timezone: 'qqqqqqqq' }), { message: /IANA/ })
  })
})

test('math_eval answers exactly, and with a sentence where it cannot', async () => {
  const tool = toolNamed('math_eval')
  assert.equal((await runTool(tool, { expression: '2^100' })).output, '1267650600228229401496703205376')
  await assert.rejects(runTool(tool, { expression: '1/0' }), { code: 'tool/invalid-input', message: /division by zero/ })
  assert.ok(!tool.input.safeParse({ expression: 'ä'.repeat(600) }).success)
})

describe('memory', () => {
  test('a record keeps what its conversation had seen, and hands it on', async () => {
    const all = tools([record('mine', 'shared word')])
    await runTool(toolNamed('memory_write', all), { key: 'theirs', value: 'shared word' }, { origin: fromWeb })
    const originOf = async (tool: string, input: JsonValue) => (await runTool(toolNamed(tool, all), input)).origin
    assert.deepEqual(await originOf('memory_read', { key: 'theirs' }), { ...fromWeb, private: true })
    assert.deepEqual(await originOf('memory_read', { key: 'mine' }), { ...OWNER, private: true })
    assert.deepEqual(await originOf('memory_search', { query: 'shared' }), { ...fromWeb, private: true })
    assert.deepEqual(await originOf('memory_list', {}), { ...fromWeb, private: true })
    assert.deepEqual(await originOf('memory_list', { prefix: 'mine' }), { ...OWNER, private: true })
  })

  test('what is not there is an error that the model can act on', async () => {
    const result = await runTool(toolNamed('memory_read'), { key: 'nothing' })
    assert.equal(result.isError, true)
  })

  test('long lists and long records are cut and say so', async () => {
    const many = Array.from({ length: 100 }, (_, index) => record(`key-${index}`, `word ${'x'.repeat(60_000)}`))
    const { output } = await runTool(toolNamed('memory_search', tools(many)), { query: 'word', limit: 100 })
    assert.ok(output.length < 64 * 1024)
    assert.match(output, /more characters\]/)
    assert.match(output, /\[\d+ more left out\]$/)
  })
})

test('sessions are listed and read as private words of others', async () => {
  assert.match((await runTool(toolNamed('session_list'), {})).output, /"key":"main","title":"Plans","messages":2/)
  const { output } = await runTool(toolNamed('session_read'), { key: 'main' })
  assert.match(output, /"role":"user","text":"hello"/)
  assert.match(output, /\[called current_time\]/)
  assert.deepEqual(toolNamed('session_read').manifest.returns, { trust: 'untrusted', private: true, curated: false, records: false })
  await assert.rejects(runTool(toolNamed('session_read'), { key: 'other' }), { code: 'session/not-found' })
})

test('config_read shows one value or all, redacted', async () => {
  assert.equal((await runTool(toolNamed('config_read'), { path: 'gateway.port' })).output, '18789')
  assert.match((await runTool(toolNamed('config_read'), {})).output, /"apiKey":"\[secret\]"/)
  await assert.rejects(runTool(toolNamed('config_read'), { path: 'x' }), { code: 'config/unknown-key' })
})

describe('file_read', () => {
  const read = async (input: JsonValue) => await runTool(toolNamed('file_read'), input)

  test('gives text with the file as origin', async () => {
    const result = await read({ path: join(folder.root, 'notes', 'a.md') })
    assert.equal(result.output, 'Grüße an alle')
    assert.deepEqual(result.origin, { author: { kind: 'file', path: join(folder.root, 'notes', 'a.md') }, trust: 'untrusted', private: true })
  })

  test('long files are read on without losing or breaking a character', async () => {
    let text = ''
    for (let offset: number | null = 0; offset !== null;) {
      const { output } = await read({ path: 'notes/long.txt', offset, limit: 30_001 })
      const [, part = '', next] = /^(.*)\n\[bytes \d+ to \d+ of 120000(?:, go on with offset (\d+))?\]$/s.exec(output) ?? []
      text += part
      offset = next === undefined ? null : Number(next)
    }
    assert.equal(text, 'ä'.repeat(60_000))
    assert.match((await read({ path: 'notes/a.md', offset: 3 })).output, /^ße an alle\n\[bytes 4 to 15 of 15\]$/)
    assert.match((await read({ path: 'notes/a.md', offset: 99 })).output, /nothing here/)
    assert.match((await read({ path: 'notes/empty' })).output, /empty/)
  })

  test('binary comes as base64 with a note', async () => {
    assert.equal((await read({ path: 'notes/binary' })).output, '[binary, base64, bytes 0 to 4 of 4]\nAP8B/g==')
  })

  test('what is outside, excluded, missing or no file is refused', async () => {
    for (const path of [
      join(folder.base, 'outside.txt'),
      'leak',
      'up/outside.txt',
      '../outside.txt',
      '/etc/passwd',
      '.env.local',
      '.git/config',
      '.GIT/config',
    ]) {
      await assert.rejects(read({ path }), { code: 'file/outside-roots' }, path)
    }
    await assert.rejects(read({ path: 'notes/none' }), { code: 'file/not-found' })
    await assert.rejects(read({ path: 'notes' }), { code: 'file/unreadable' })
  })

  test('a file that is swapped for a link after the check is not opened', async () => {
    const wide = access({ roots: [folder.root], excludePatterns: [] })
    await writeFile(join(folder.root, 'swap'), 'harmless')
    const found = await locate('swap', wide)
    await rm(join(folder.root, 'swap'))
    await symlink(join(folder.base, 'outside.txt'), join(folder.root, 'swap'))
    await assert.rejects(openChecked(found), { code: 'file/unreadable' })

    await mkdir(join(folder.root, 'inner'))
    await writeFile(join(folder.root, 'inner', 'outside.txt'), 'harmless')
    const inner = await locate('inner/outside.txt', wide)
    await rename(join(folder.root, 'inner'), join(folder.root, 'moved'))
    await symlink(folder.base, join(folder.root, 'inner'))
    await assert.rejects(openChecked(inner), { code: 'file/unreadable' })
    for (const name of ['inner', 'moved', 'swap']) await rm(join(folder.root, name), { recursive: true })
  })
})

describe('directory_list', () => {
  const list = async (input: JsonValue) => (await runTool(toolNamed('directory_list'), input)).output

  test('lists a folder without what is excluded, and does not follow links', async () => {
    assert.equal(await list({ path: '.' }), '{"name":"leak","type":"link"}\n{"name":"notes","type":"folder"}\n{"name":"up","type":"link"}')
    assert.equal(await list({ path: '.', glob: '**/*.md' }), '{"name":"notes/a.md","type":"file"}\n{"name":"notes/deep/b.md","type":"file"}')
    assert.equal(await list({ path: 'notes', glob: '*.md' }), '{"name":"a.md","type":"file"}')
    assert.equal(await list({ path: 'notes', glob: '*.none' }), 'Nothing is here')
  })

  test('what is outside or no folder is refused', async () => {
    for (const path of ['up', '..', '.git', folder.base]) await assert.rejects(list({ path }), { code: 'file/outside-roots' }, path)
    await assert.rejects(list({ path: 'notes/a.md' }), { code: 'file/unreadable' })
  })

  test('a large folder is cut and says so', async () => {
    const large = join(folder.root, 'large')
    await mkdir(large)
    await Promise.all(Array.from({ length: 600 }, (_, index) => writeFile(join(large, `file-${index}`), '')))
    const output = await list({ path: 'large' })
    await rm(large, { recursive: true })
    assert.match(output, /\[incomplete: too much is here\]$/)
    assert.ok(output.length < 64 * 1024)
  })
})
