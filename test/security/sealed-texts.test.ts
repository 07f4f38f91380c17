/** Texts sealed on the disk: no word of them is left in the state folder, and none opens in another place. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, describe, test } from 'node:test'
import { DatabaseSync } from 'node:sqlite'
import { OWNER } from '../../src/contracts/origin.ts'
import type { Store } from '../../src/contracts/store.ts'
import { createUndoLog } from '../../src/store/undo-log.ts'
import { sealedColumns } from '../../src/store/sealed-columns.ts'
import { openStore } from '../../src/store/open-store.ts'
import { chatReply } from '../doubles/openai-wire.ts'
import { configuredGateway } from '../doubles/configured-gateway.ts'

const root = mkdtempSync(join(tmpdir(), 'carapace-sealed-'))
after(() => rmSync(root, { recursive: true, force: true }))
const KEY = Buffer.alloc(32, 7)
const [QUESTION, NOTE, ANSWER] = ['canarywordone', 'canarywordtwo', 'canarywordthree'] as const
const [TITLE, SUMMARY, STATELESS] = ['canarywordfour', 'canarywordfive', 'canarywordsix'] as const
const COPY = 'canarywordseven'
const CANARIES = [QUESTION, NOTE, ANSWER, TITLE, SUMMARY, STATELESS, COPY]
/** Longer than a piece. */
const REPLACED = Buffer.from(`${COPY} in a file `.repeat(9000))

/** Names of files that hold one of the words, whatever the file is. */
function leaks(folder: string, words: readonly string[] = CANARIES): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .flatMap((path) => {
      const bytes = readFileSync(path).toString('latin1').toLowerCase()
      return words.filter((word) => bytes.includes(word) || bytes.includes(Buffer.from(word).toString('hex'))).map((word) => `${path}: ${word}`)
    })
}

const open = (path: string, isOn: boolean) => openStore({ path, synchronous: 'full', encrypt: { isOn, key: () => KEY, copies: copiesOf(path) } })
const copiesOf = (path: string) => join(path, '..', 'undo')
const logOf = (store: Store, path: string) => createUndoLog(store.undo, store.texts, copiesOf(path), { maxBytes: 1e8, keepDays: 30 }, () => 1)

async function fill(store: Store, path: string): Promise<void> {
  const taint = { untrusted: false, private: false }
  const text = (words: string) => ({ type: 'text', text: words, origin: OWNER }) as const
  const request = (words: string, sessionKey: string | null) =>
    ({ door: 'test', sender: { kind: 'owner' }, sessionKey, parts: [text(words)], options: {} }) as const
  const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 }
  for (let turn = 0; turn < 150; turn++) {
    const turnId = `turn_${turn}`
    const sessionKey = turn % 3 === 0 ? null : 'main'
    const words = sessionKey === null ? `${STATELESS} ${turn}` : `${QUESTION} ${turn}`
    const accepted = { turnId, request: request(words, sessionKey), queued: false, now: turn, lease: { owner: 'run_1', until: 0 } }
    // @ts-expect-error It was cleared by this test.
    const { sessionId } = await store.turns.accept(accepted)
    const reply = { role: 'assistant', parts: [text(`${ANSWER} ${turn}`)] } as const
    const result = {
      turnId,
      sessionKey,
      status: 'completed',
      text: `${ANSWER} ${turn}`,
      finishReason: 'stop',
      clientToolCalls: [],
      toolCalls: [],
      model: 'm',
      usage,
      costUsd: null,
      durationMs: 1,
    } as const
    if (turn !== 149) await store.turns.finish({ turnId, sessionId, fence: 1, request: accepted.request, reply, replyTokens: 1, result, taint, now: turn })
  }
  const session = await store.sessions.rename('main', { title: `About ${TITLE}` })
  await store.sessions.saveSummary(session.id, { text: `${SUMMARY} so far`, coversUntil: 4, tokens: 3, taint }, 1)
  const before = { value: `${NOTE} before`, origin: OWNER }
  const call = { turnId: 'turn_1', callId: 'c', effectId: 'e', sessionId: session.id, tool: 'memory_write' }
  await store.undo.add(call, { id: 'undo_1', summary: `wrote ${NOTE}`, change: { kind: 'memory', key: 'k', before, after: 'h' }, at: 1 })
  const facts = { to: 'chat', lane: 'chat', purpose: 'tool', turnId: 'turn_1', sessionId: session.id, createdAt: 1, expiresAt: 2 } as const
  await store.outbox.accept({ ...facts, id: 'out_1', key: 'k', parts: [`${QUESTION} sent`, `${ANSWER} sent`] }, { parts: 9, bytes: 9999 })
  const log = logOf(store, path)
  const place = { root: '/notes', path: '/notes/list' }
  const replaced = await log.copy(Readable.from([REPLACED]), 0o600)
  await log.keep({ ...call, callId: 'file' }, 'wrote a file', { kind: 'file', place, before: replaced, after: 'h' })
  for (let note = 0; note < 120; note++) await store.memory.write({ key: `note-${note}`, value: `${NOTE} Grüße ${note}`, origin: OWNER, now: 1 })
}

async function copied(store: Store, path: string): Promise<Buffer> {
  const [step] = await store.undo.list({ limit: 1 })
  assert.ok(step?.change.kind === 'file' && step.change.before !== null)
  return buffer(logOf(store, path).read(step.change.before))
}

async function reads(store: Store, path: string): Promise<void> {
  assert.ok(REPLACED.equals(await copied(store, path)))
  const session = await store.sessions.find('main')
  assert.equal(session?.title, `About ${TITLE}`)
  assert.equal((await store.sessions.summary(session.id))?.text, `${SUMMARY} so far`)
  const [first] = await store.sessions.head(session.id, { limit: 1, afterId: 0 })
  assert.deepEqual(first?.message.parts, [{ type: 'text', text: `${QUESTION} 1`, origin: OWNER }])
  assert.equal((await store.turns.result('turn_0'))?.text, `${ANSWER} 0`)
  assert.equal((await store.turns.result('turn_1'))?.text, `${ANSWER} 1`)
  assert.equal((await store.turns.unfinished()).length, 1)
  assert.deepEqual(await store.outbox.texts('out_1'), [`${QUESTION} sent`, `${ANSWER} sent`])
  assert.equal((await store.undo.get('undo_1'))?.summary, `wrote ${NOTE}`)
  assert.equal((await store.memory.read('note-7'))?.value, `${NOTE} Grüße 7`)
  assert.equal((await store.memory.search('grusse', 200)).length + (await store.memory.search('gruße', 200)).length > 0, true)
  assert.equal((await store.memory.search(NOTE.slice(0, 12), 200)).length, 120)
  assert.deepEqual(
    (await store.memory.search('119', 5)).map(({ key }) => key),
    ['note-119'],
  )
  assert.equal((await store.sessions.list({ limit: 5, offset: 0, search: TITLE.toUpperCase() })).total, 1)
  assert.deepEqual(await store.check(), [])
}

async function filled(name: string, isOn: boolean): Promise<string> {
  const path = join(root, name, 'carapace.db')
  spawnSync('mkdir', ['-p', join(root, name)])
  const store = await open(path, isOn)
  await fill(store, path)
  await store.close()
  return path
}

/** Columns of text that may be read without the key: names, keys, times and what is no text of people. */
const READABLE = new Set([
  'meta.name',
  'meta.value',
  'sessions.id',
  'sessions.key',
  'sessions.model',
  'turns.id',
  'turns.session_id',
  'turns.idempotency',
  'turns.owner',
  'entries.session_id',
  'entries.turn_id',
  'entries.kind',
  'memory.key',
  'memory.origin',
  'usage.turn_id',
  'usage.session_id',
  'usage.model',
  'devices.public_key',
  'devices.token_hash',
  'devices.approved_by',
  'approvals.notice',
  'outbox.key',
  'outbox.destination',
  'outbox.lane',
  'outbox.purpose',
  // Ours, never the receiver’s.
  'outbox.why',
  'outbox.owner',
  'jobs.paused_why',
  'shared_settings.path',
  'attempts.kind',
  'attempts.key',
  'shared_settings.set_by',
  'tasks.session_key',
  'tasks.state',
  'tasks.run_ids',
  'tasks.blocked_reason',
])

describe('sealed texts', () => {
  test('every column of text is sealed, or may be read', async () => {
    const path = await filled('columns', false)
    const direct = new DatabaseSync(path)
    const columns = direct
      .prepare(
        `SELECT m.name || '.' || c.name AS name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.type = 'TEXT' AND m.name NOT LIKE 'memory_words%'`,
      )
      .all()
      .map(({ name }) => String(name))
    direct.close()
    const sealed = new Set(sealedColumns.map(({ table, column }) => `${table}.${column}`))
    const isId = (name: string) => /\.(id|\w+_id|tool|hash|status|batch|unlock|copy|checkpoint|rule|kind|scopes|name)$/.test(name)
    assert.deepEqual(
      columns.filter((name) => !sealed.has(name) && !READABLE.has(name) && !isId(name)),
      [],
    )
    assert.deepEqual(
      [...sealed].filter((name) => !columns.includes(name)),
      [],
    )
  })

  test('leave no word on the disk while they are used, and are found by their words', async () => {
    const path = await filled('used', true)
    const store = await open(path, true)
    await reads(store, path)
    await store.memory.write({ key: 'note-1', value: `${NOTE} again`, origin: OWNER, now: 2 })
    // As it is after kill -9, write-ahead log included.
    assert.deepEqual(leaks(join(root, 'used')), [])
    await store.sessions.reset('main', 5)
    await store.close()
    assert.deepEqual(leaks(join(root, 'used')), [])
  })

  test('turning it on seals what is there and leaves nothing of it, turning it off opens it', async () => {
    const path = await filled('turned', false)
    assert.equal(leaks(join(root, 'turned')).length >= CANARIES.length, true, 'the words are there before')
    const sealed = await open(path, true)
    assert.deepEqual(leaks(join(root, 'turned')), [])
    await reads(sealed, path)
    await sealed.close()
    assert.deepEqual(leaks(join(root, 'turned')), [])
    const plain = await open(path, false)
    await reads(plain, path)
    await plain.close()
    assert.equal(leaks(join(root, 'turned')).length >= CANARIES.length, true)
  })

  test('a conversion killed at each of its steps goes on at the next start', { timeout: 120_000 }, async () => {
    for (const to of ['sealed', 'plain'] as const) {
      const source = await filled(`killed-${to}`, to === 'plain')
      const run = (path: string, step: number) =>
        spawnSync(process.execPath, [resolve(import.meta.dirname, '../faults/convert-until.ts'), path, to, String(step)], { encoding: 'utf8' })
      const copy = (name: string) => {
        cpSync(join(source, '..'), join(root, name), { recursive: true })
        return join(root, name, 'carapace.db')
      }
      const steps = Number(run(copy(`whole-${to}`), 0).stdout)
      assert.ok(steps > 8, String(steps))
      for (let step = 1; step <= steps; step++) {
        const path = copy(`killed-${to}-${step}`)
        assert.equal(run(path, step).signal, 'SIGKILL')
        const store = await open(path, to === 'sealed')
        await reads(store, path)
        await store.close()
        if (to === 'sealed') assert.deepEqual(leaks(join(path, '..')), [], `step ${step}`)
      }
    }
  })

  test('a text that was moved, changed or put there by somebody without the key does not open', async () => {
    const path = await filled('moved', true)
    const refuses = async (sql: string, read: (store: Store) => Promise<unknown>) => {
      const name = `moved-${statSync(path).ino}-${Math.random()}`
      cpSync(join(path, '..'), join(root, name), { recursive: true })
      const copy = join(root, name, 'carapace.db')
      const direct = new DatabaseSync(copy)
      direct.exec(sql)
      direct.close()
      const store = await open(copy, true)
      await assert.rejects(read(store), { code: 'store/corrupt' }, sql)
      await store.close()
    }
    const head = async (store: Store) => store.sessions.head((await store.sessions.find('main'))?.id ?? '', { limit: 5, afterId: 0 })
    await refuses(`UPDATE memory SET value = (SELECT value FROM memory WHERE key = 'note-2') WHERE key = 'note-1'`, (store) => store.memory.read('note-1'))
    await refuses(`UPDATE memory SET value = 'put there' WHERE key = 'note-1'`, (store) => store.memory.read('note-1'))
    await refuses(
      `UPDATE entries SET data = (SELECT data FROM entries WHERE turn_id = 'turn_2' AND kind = 'reply') WHERE turn_id = 'turn_1' AND kind = 'reply'`,
      head,
    )
    await refuses(
      `UPDATE entries SET data = (SELECT data FROM entries WHERE turn_id = 'turn_1' AND kind = 'reply') WHERE turn_id = 'turn_1' AND kind = 'user'`,
      head,
    )
    await refuses(`UPDATE entries SET data = '{"role":"user","parts":[]}' WHERE turn_id = 'turn_1'`, head)
    await refuses(`UPDATE turns SET result = (SELECT result FROM turns WHERE id = 'turn_2') WHERE id = 'turn_1'`, (store) => store.turns.result('turn_1'))
    await refuses(`UPDATE sessions SET title = summary`, (store) => store.sessions.find('main'))
  })

  test('a copy of a file that was cut, swapped or made by somebody without the key does not open', async () => {
    const path = await filled('copies', true)
    const [file = ''] = readdirSync(copiesOf(path))
    assert.match(file, /\.sealed$/)
    const whole = readFileSync(join(copiesOf(path), file))
    const piece = whole.readUInt32BE(0) + 4
    const [first, second] = [whole.subarray(0, piece), whole.subarray(piece, 2 * piece)]
    const store = await open(path, true)
    for (const bytes of [
      Buffer.alloc(0),
      whole.subarray(0, piece),
      whole.subarray(0, -1),
      whole.subarray(0, -32),
      Buffer.concat([second, first, whole.subarray(2 * piece)]),
      Buffer.concat([first, whole.subarray(-32)]),
      Buffer.concat([whole, whole.subarray(-32)]),
      REPLACED,
    ]) {
      writeFileSync(join(copiesOf(path), file), bytes)
      await assert.rejects(copied(store, path), { code: 'store/corrupt' }, String(bytes.length))
    }
    writeFileSync(join(copiesOf(path), file), whole)
    assert.ok(REPLACED.equals(await copied(store, path)))
    await store.close()
    // One that was made before copies were sealed.
    writeFileSync(join(copiesOf(path), file.replace('.sealed', '')), REPLACED)
    rmSync(join(copiesOf(path), file))
    const later = await open(path, true)
    assert.deepEqual(leaks(join(path, '..')), [])
    await reads(later, path)
    await later.close()
  })

  test('without the key nothing is read, and nothing is converted', async () => {
    const path = await filled('locked', true)
    const store = await openStore({ path, synchronous: 'full' })
    assert.deepEqual(await store.check(), [])
    await assert.rejects(store.memory.read('note-1'), { code: 'secrets/sealed' })
    await assert.rejects(store.memory.write({ key: 'x', value: 'y', origin: OWNER, now: 1 }), { code: 'secrets/sealed' })
    await store.close()
    await assert.rejects(
      openStore({ path, synchronous: 'full', encrypt: { isOn: true, key: () => Buffer.alloc(32, 8) } }).then((other) => other.memory.read('note-1')),
      { code: 'store/corrupt' },
    )
  })

  test('a gateway with store.encrypt leaves no word of a conversation in its folder', { timeout: 60_000 }, async () => {
    await using cara = await configuredGateway({ store: { encrypt: true } })
    cara.upstream.script(
      chatReply({ calls: [{ id: 'c1', name: 'memory_write', arguments: JSON.stringify({ key: 'k', value: `${NOTE} kept` }) }] }),
      chatReply({ text: [`${ANSWER} it is`] }),
    )
    assert.match((await cara.chat(`${QUESTION} please`)).text, new RegExp(ANSWER))
    cara.upstream.script(
      chatReply({ calls: [{ id: 'c1', name: 'memory_search', arguments: JSON.stringify({ query: NOTE }) }] }),
      chatReply({ text: ['found'] }),
    )
    await cara.chat('look it up')
    assert.match(JSON.stringify(cara.sent(3)), new RegExp(`${NOTE} kept`))
    assert.deepEqual(leaks(join(cara.folder, 'state')), [])
    await cara.stop()
    assert.deepEqual(leaks(join(cara.folder, 'state')), [])
  })
})
