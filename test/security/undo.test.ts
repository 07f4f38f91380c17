/** Whatever a hijacked model writes into the owner's own data, one command takes it back: value, origin, permissions and place. */
import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readFile, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { AppError } from '../../src/contracts/errors.ts'
import type { JsonValue } from '../../src/contracts/json.ts'
import { OWNER, type Origin } from '../../src/contracts/origin.ts'
import { coreSections } from '../../src/config/schema.ts'
import type { Store } from '../../src/contracts/store.ts'
import { JobBook } from '../../src/gateway/schedule/job-book.ts'
import type { JobTools } from '../../src/tools/cron.ts'
import type { TaskTools } from '../../src/tools/task.ts'
import { recordedLog } from '../doubles/recorded-log.ts'
import { fileTools } from '../doubles/file-tools.ts'
import { calls, says, scriptedProvider } from '../doubles/scripted-provider.ts'
import { taskBookOver } from '../doubles/task-book.ts'
import { testGateway } from '../doubles/test-gateway.ts'

const fromWeb: Origin = { author: { kind: 'web', host: 'evil.test' }, trust: 'untrusted', private: false }
const text = (path: string) => readFile(path, 'utf8').catch(() => null)
const codeOf = async (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  )

async function home(t: TestContext): Promise<{ readonly folder: string; readonly root: string }> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'carapace-undo-')))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const root = join(folder, 'root')
  await mkdir(root)
  return { folder, root }
}

/** For every tool that writes the owner's data: a call, and what the owner's data are, as text. */
interface WritingTool {
  readonly input: JsonValue
  readonly state: (root: string, memory: (key: string) => Promise<string | null>, planned: () => Promise<readonly string[]>) => Promise<unknown>
}
const writing: Readonly<Record<string, WritingTool>> = {
  memory_write: { input: { key: 'iban', value: 'evil' }, state: (_root, memory) => memory('iban') },
  file_write: { input: { path: 'note.txt', content: 'evil' }, state: (root) => text(join(root, 'note.txt')) },
  file_move: {
    input: { source: 'note.txt', destination: 'taken.txt', overwrite: true },
    state: (root) => Promise.all(['note.txt', 'taken.txt'].map((name) => text(join(root, name)))),
  },
  cron_add: { input: { name: 'fresh', prompt: 'evil', every: '1h' }, state: (_root, _memory, planned) => planned() },
  cron_remove: { input: { name: 'old' }, state: (_root, _memory, planned) => planned() },
  task_create: { input: { prompt: 'evil' }, state: (_root, _memory, planned) => planned() },
  task_update: { input: { id: 'task_1', prompt: 'evil' }, state: (_root, _memory, planned) => planned() },
  task_cancel: { input: { id: 'task_1' }, state: (_root, _memory, planned) => planned() },
}

/** Scheduled work, which a test of writes never runs. */
function jobTools(store: Store): JobTools {
  const { log } = recordedLog()
  const audit = { note: () => undefined }
  const config = coreSections.cron.parse({})
  const book = new JobBook({ store: store.jobs, config, destinations: [], timeZone: 'UTC', audit, now: () => 1_700_000_000_000, log })
  return { book, turnOf: (turnId) => store.turns.open(turnId) }
}

function taskTools(store: Store): TaskTools {
  let count = 0
  const tasks = Object.assign(
    taskBookOver(store, { note: () => undefined }, () => 1_700_000_000_000),
    { newId: () => `task_${++count}` },
  )
  return { tasks, turnOf: (turnId) => store.turns.open(turnId) }
}

describe('every write of the model to the owner’s own data', () => {
  it('can be taken back, tool by tool, through the whole gateway', async (t) => {
    for (const [tool, { input, state }] of Object.entries(writing)) {
      const { folder, root } = await home(t)
      await writeFile(join(root, 'note.txt'), 'mine')
      await writeFile(join(root, 'taken.txt'), 'also mine')
      const provider = scriptedProvider('fake', [
        calls(['memory_write', { key: 'iban', value: 'DE1' }], ['cron_add', { name: 'old', prompt: 'look', at: '3h' }], ['task_create', { prompt: 'sort' }]),
        says('noted'),
        calls([tool, input]),
        says('done'),
      ])
      const cara = await testGateway({ providers: [provider], folder, filesystem: { roots: [root], writeAccess: true }, jobs: jobTools, tasks: taskTools })
      const memory = async (key: string) => (await cara.gateway.store.memory.read(key))?.value ?? null
      const planned = async () => [
        ...(await cara.gateway.store.jobs.list()).map(({ name, prompt, nextAt }) => `${name} ${prompt} ${nextAt}`),
        ...(await cara.gateway.store.tasks.open()).map(({ id, prompt, origin, state }) => `${id} ${prompt} ${origin.author.kind} ${state}`),
      ]
      await cara.ask('remember it')
      const before = await state(root, memory, planned)
      const { result } = await cara.ask('go')
      assert.equal(result.toolCalls[0]?.isError, false, result.toolCalls[0]?.output ?? tool)
      assert.notDeepEqual(await state(root, memory, planned), before, `${tool} acted`)
      const [step] = await cara.undo.list({ limit: 1 })
      assert.deepEqual([step?.tool, step?.turnId, step?.sessionKey], [tool, result.turnId, 'main'])
      const undone = await cara.undo.apply(step?.id ?? '', { force: false })
      assert.ok(undone.undoneAt !== null)
      assert.deepEqual(await state(root, memory, planned), before, `${tool} was taken back`)
      assert.equal(await codeOf(cara.undo.apply(step?.id ?? '', { force: false })), 'undo/done')
      await cara.close()
    }
  })

  it('is one of those that are tried here', async (t) => {
    const { folder, root } = await home(t)
    const cara = await testGateway({
      providers: [scriptedProvider('fake', [])],
      folder,
      filesystem: { roots: [root], writeAccess: true },
      jobs: jobTools,
      tasks: taskTools,
    })
    const names = cara.tools.filter(({ manifest }) => manifest.effect === 'write').map(({ name }) => name)
    assert.deepEqual(names.sort(), Object.keys(writing).sort())
    await cara.close()
  })
})

describe('taking back', () => {
  it('brings value, origin, permissions and place back', async () => {
    await using files = await fileTools()
    const { memory } = files.store
    await files.call('memory_write', { key: 'k', value: 'from a page' }, { origin: fromWeb })
    await files.call('memory_write', { key: 'k', value: 'laundered' }, { origin: OWNER })
    const undoLast = async () =>
      files.writes.undo.apply((await files.writes.undo.list({ limit: 50 })).find(({ undoneAt }) => undoneAt === null)?.id ?? '', { force: false })
    await undoLast()
    assert.deepEqual([(await memory.read('k'))?.value, (await memory.read('k'))?.origin], ['from a page', fromWeb], 'it does not come back more trusted')
    await undoLast()
    assert.equal(await memory.read('k'), null)

    const path = join(files.root, 'script')
    await writeFile(path, 'old')
    await chmod(path, 0o750)
    await files.call('file_write', { path: 'script', content: 'new' })
    await rm(path)
    assert.equal(await codeOf(undoLast()), 'undo/changed')
    await writeFile(path, 'new')
    await undoLast()
    assert.deepEqual([await text(path), (await stat(path)).mode & 0o777], ['old', 0o750])

    await files.call('file_write', { path: 'fresh', content: 'x' })
    await undoLast()
    assert.equal(await text(join(files.root, 'fresh')), null)

    await mkdir(join(files.root, 'a', 'inner'), { recursive: true })
    await files.call('file_move', { source: 'a', destination: 'b' })
    await undoLast()
    assert.deepEqual((await readdir(files.root)).sort(), ['a', 'script'])
    const kinds = files.receipts.map((receipt) => (receipt.kind === 'undone' ? receipt.tool : receipt.kind))
    assert.deepEqual(
      kinds,
      ['memory_write', 'memory_write', 'file_write', 'file_write', 'file_write', 'file_move'],
      'each has its receipt, also the refused one',
    )
  })

  it('goes back over a whole turn, newest first, also where a file was written twice and moved', async () => {
    await using files = await fileTools()
    await writeFile(join(files.root, 'a'), 'zero')
    await writeFile(join(files.root, 'b'), 'bee')
    await files.call('file_write', { path: 'a', content: 'one' })
    await files.call('file_write', { path: 'a', content: ' two', mode: 'append' })
    await files.call('file_move', { source: 'a', destination: 'b', overwrite: true })
    await files.call('file_write', { path: 'a', content: 'another' })
    await files.call('file_write', { path: 'b', content: 'last' })
    for (const step of await files.writes.undo.list({ limit: 50, turnId: 't1' })) await files.writes.undo.apply(step.id, { force: false })
    assert.deepEqual([await text(join(files.root, 'a')), await text(join(files.root, 'b'))], ['zero', 'bee'])
    assert.deepEqual(await readdir(files.root), ['a', 'b'])
  })

  it('leaves alone what somebody changed since, unless he says so', async () => {
    await using files = await fileTools()
    const { undo } = files.writes
    const path = join(files.root, 'a')
    await writeFile(path, 'mine')
    await files.call('file_write', { path: 'a', content: 'evil' })
    await writeFile(path, 'mended by hand')
    await files.call('memory_write', { key: 'k', value: 'evil' })
    await files.store.memory.write({ key: 'k', value: 'mended', origin: OWNER, now: 1 })
    const [note, file] = await undo.list({ limit: 2 })
    for (const step of [note, file]) assert.equal(await codeOf(undo.apply(step?.id ?? '', { force: false })), 'undo/changed')
    assert.deepEqual([await text(path), (await files.store.memory.read('k'))?.value], ['mended by hand', 'mended'])
    for (const step of [note, file]) await undo.apply(step?.id ?? '', { force: true })
    assert.deepEqual([await text(path), await files.store.memory.read('k')], ['mine', null])

    await files.call('file_move', { source: 'a', destination: 'b' })
    await writeFile(path, 'somebody else’s')
    const [moved] = await undo.list({ limit: 1 })
    assert.equal(await codeOf(undo.apply(moved?.id ?? '', { force: true })), 'file/exists', 'nothing is overwritten')
    await rm(path)
    await writeFile(join(files.root, 'c'), 'other content')
    await rename(join(files.root, 'c'), join(files.root, 'b'))
    assert.equal(await codeOf(undo.apply(moved?.id ?? '', { force: false })), 'undo/changed')
    assert.equal(await codeOf(undo.apply('undo_none', { force: false })), 'undo/not-found')
  })
})

describe('what is kept to take writes back', () => {
  it('is on the disk before the write, so that a crash between them is harmless', async () => {
    await using files = await fileTools()
    const path = join(files.root, 'a')
    await writeFile(path, 'mine')
    const { log, undo } = files.writes
    const { keep } = log
    // The process dies right after it kept: the write does not happen.
    Object.assign(log, {
      keep: async (...args: Parameters<typeof keep>) => {
        assert.equal(await text(path), 'mine', 'nothing is written before')
        await keep(...args)
        throw new Error('crash')
      },
    })
    const call = { turnId: 't9', callId: 'c', effectId: 'e' }
    await assert.rejects(files.call('file_write', { path: 'a', content: 'evil' }, call))
    await assert.rejects(files.call('memory_write', { key: 'k', value: 'evil' }, call))
    await assert.rejects(files.call('file_move', { source: 'a', destination: 'b' }, call))
    assert.deepEqual(await readdir(files.root), ['a'])
    await writeFile(join(files.root, 'b'), 'bee')
    await assert.rejects(files.call('file_move', { source: 'a', destination: 'b', overwrite: true }, call))
    for (const step of await undo.list({ limit: 10 })) await undo.apply(step.id, { force: false })
    assert.deepEqual([await text(path), await text(join(files.root, 'b')), await files.store.memory.read('k')], ['mine', 'bee', null])
    await rm(join(files.root, 'b'))
    // The call runs again after the crash, and once only.
    Object.assign(log, { keep })
    for (let time = 0; time < 2; time++) await files.call('file_write', { path: 'a', content: ' more', mode: 'append' }, call)
    assert.equal(await text(path), 'mine more')
    for (let time = 0; time < 2; time++) await files.call('file_move', { source: 'a', destination: 'b' }, { ...call, effectId: 'e2' })
    assert.deepEqual(await readdir(files.root), ['b'])
  })

  it('cannot be kept: then nothing is written', async () => {
    await using files = await fileTools()
    await writeFile(join(files.root, 'a'), 'mine')
    const failing = () => Promise.reject(new AppError('store/unavailable'))
    Object.assign(files.writes.log, { keep: failing })
    for (const [tool, input] of [
      ['file_write', { path: 'a', content: 'evil' }],
      ['file_write', { path: 'new', content: 'evil' }],
      ['file_move', { source: 'a', destination: 'b' }],
      ['memory_write', { key: 'k', value: 'evil' }],
    ] as const) {
      assert.equal(await codeOf(files.call(tool, input)), 'store/unavailable', tool)
    }
    assert.deepEqual([await readdir(files.root), await text(join(files.root, 'a')), await files.store.memory.read('k')], [['a'], 'mine', null])
    assert.deepEqual(await readdir(join(files.state, 'undo')), [], 'no copy is left')
  })

  it('is bounded in bytes and days, the oldest goes first, and what is too large is not written', async () => {
    let now = Date.UTC(2026, 0, 1)
    const MIB = 1024 * 1024
    await using files = await fileTools({}, { maxBytes: 2 * MIB, keepDays: 3 }, () => now)
    const { undo } = files.writes
    const copies = async () => (await readdir(join(files.state, 'undo'))).length
    for (const name of ['a', 'b', 'c']) {
      await writeFile(join(files.root, name), Buffer.alloc(0.9 * MIB))
      await files.call('file_write', { path: name, content: 'evil' })
    }
    assert.deepEqual([(await undo.list({ limit: 10 })).length, await copies()], [2, 2])
    await writeFile(join(files.root, 'huge'), Buffer.alloc(2 * MIB + 1))
    assert.equal(await codeOf(files.call('file_write', { path: 'huge', content: 'evil' })), 'undo/too-large')
    assert.equal((await stat(join(files.root, 'huge'))).size, 2 * MIB + 1)
    assert.equal(await copies(), 2)
    now += 4 * 86_400_000
    await files.call('memory_write', { key: 'k', value: 'v' })
    assert.deepEqual([(await undo.list({ limit: 10 })).map(({ tool }) => tool), await copies()], [['memory_write'], 0])
  })

  it('is for its owner alone, and a copy that was changed is not put back', async () => {
    await using files = await fileTools()
    await writeFile(join(files.root, 'a'), 'mine')
    await files.call('file_write', { path: 'a', content: 'new' })
    const folder = join(files.state, 'undo')
    const [name] = await readdir(folder)
    const copy = join(folder, name ?? '')
    assert.deepEqual([(await stat(folder)).mode & 0o777, (await stat(copy)).mode & 0o777], [0o700, 0o600])
    await writeFile(copy, 'poisoned')
    const [step] = await files.writes.undo.list({ limit: 1 })
    assert.equal(await codeOf(files.writes.undo.apply(step?.id ?? '', { force: true })), 'undo/gone')
    assert.equal(await text(join(files.root, 'a')), 'new')
  })
})
