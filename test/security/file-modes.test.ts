/** Modes of files: whatever the umask is, nobody else may read or write what is ours. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, lstatSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import { chatSendResult } from '../../src/contracts/ws/chat.ts'
import { cleanEnvironment, runProgram, startProgram } from '../doubles/gateway-process.ts'
import { startModelServer } from '../doubles/model-server.ts'
import { chatReply } from '../doubles/openai-wire.ts'

const MAIN = resolve(import.meta.dirname, '../../src/app/main.ts')
const skip = process.getuid === undefined ? 'there are no modes here' : false

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'carapace-modes-'))
  t.after(() => rmSync(made, { recursive: true, force: true }))
  return made
}

/** What others may use, of everything below. */
function open(path: string): readonly string[] {
  const found = lstatSync(path)
  const own = !found.isSymbolicLink() && (found.mode & 0o077) !== 0 ? [`${path} ${(found.mode & 0o777).toString(8)}`] : []
  return [...own, ...(found.isDirectory() ? readdirSync(path).flatMap((name) => open(join(path, name))) : [])]
}

test('under umask 0000 a whole session leaves nothing that others may use', { skip, timeout: 120_000 }, async (t) => {
  const dir = folder(t)
  const model = await startModelServer()
  t.after(() => model.close())
  const env = cleanEnvironment(dir, { CARAPACE_MODEL: 'openai:test', OPENAI_BASE_URL: `${model.url.origin}/v1` })
  const mask = process.umask(0)
  t.after(() => process.umask(mask))
  const run = async (args: readonly string[], input = '') => {
    const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['pipe', 'ignore', 'pipe'] })
    let err = ''
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.stdin.end(input)
    await once(child, 'close')
    assert.equal(child.exitCode, 0, `${args.join(' ')}: ${err}`)
  }
  await run(['secrets', 'set', 'one', '--host', 'a.example'], 'a value of one')
  await run(['config', 'set', 'logging.maxFileBytes', '65536'])
  await run(['config', 'set', 'logging.level', 'debug'])
  for (const encrypt of ['true', 'false']) {
    await run(['config', 'set', 'store.encrypt', encrypt])
    const gateway = startProgram(env)
    await gateway.ready()
    const client = await gateway.connect()
    model.script(chatReply({ calls: [{ id: 'c1', name: 'memory_write', arguments: '{"key":"k","value":"v"}' }] }), chatReply({ text: ['done'] }))
    const { result } = chatSendResult.parse(
      await client.call('chat.send', { message: 'hello', sessionKey: 'main', idempotencyKey: `k-${encrypt}`, wait: true }),
    )
    assert.equal(result?.text, 'done')
    // Log lines enough for a second file.
    for (let index = 0; index < 400; index++)
      await fetch(`${await gateway.ready()}/v1/models`, { headers: { authorization: `Bearer wrong-${index}` } }).then((answer) => answer.text())
    await run(['token', '--rotate'])
    assert.deepEqual(
      open(dir).filter((line) => !line.startsWith(`${dir} `)),
      [],
      'while it runs',
    )
    await client.close()
    gateway.child.kill('SIGTERM')
    await gateway.ended
  }
  await run(['secrets', 'rotate'])
  await run(['secrets', 'seal'])
  await run(['config', 'unset', 'logging.level'])
  await run(['doctor'])
  assert.deepEqual(
    open(dir).filter((line) => !line.startsWith(`${dir} `)),
    [],
  )
  assert.equal(lstatSync(join(dir, 'state')).mode & 0o777, 0o700)
  assert.equal(lstatSync(join(dir, 'carapace.json5')).mode & 0o777, 0o600)
})

test('what others could use is taken from them at the next start, and told', { skip, timeout: 60_000 }, async (t) => {
  const dir = folder(t)
  const env = cleanEnvironment(dir)
  const state = join(dir, 'state')
  const serve = async () => {
    const gateway = startProgram(env)
    await gateway.ready()
    gateway.child.kill('SIGTERM')
    return (await gateway.ended).err
  }
  assert.doesNotMatch(await serve(), /other users/)
  const opened = ['', 'logs', 'audit', 'carapace.db', join('logs', 'gateway.log'), join('audit', 'receipts.jsonl')]
  for (const name of opened) chmodSync(join(state, name), name === '' || !name.includes('.') ? 0o755 : 0o644)
  writeFileSync(join(state, 'left-over'), 'x', { mode: 0o666 })
  chmodSync(join(state, 'left-over'), 0o666)
  const err = await serve()
  for (const name of [...opened.filter((each) => each !== ''), 'left-over'])
    assert.match(err, new RegExp(`other users could use ${join(state, name)} \\(mode 0\\d\\d\\d\\): it is 0[67]00 now`), name)
  assert.deepEqual(open(state), [])
  assert.doesNotMatch(await serve(), /other users/)
})

test('a key that others could have read, and a folder of somebody else, refuse the start and say what to do', { skip, timeout: 60_000 }, async (t) => {
  const dir = folder(t)
  const env = cleanEnvironment(dir)
  assert.equal((await runProgram(['token'], env).ended).code, 0)
  chmodSync(join(dir, 'state', 'keys', 'master.key'), 0o644)
  const key = await startProgram(env).ended
  assert.notEqual(key.code, 0)
  assert.match(key.err, /chmod 600/)
  chmodSync(join(dir, 'state', 'keys', 'master.key'), 0o600)
  chmodSync(join(dir, 'state'), 0o777)
  assert.match((await startProgram(env).ended).err, /other users may write to .*\n?.*chmod 700/s)
  chmodSync(join(dir, 'state'), 0o700)
  if (process.getuid?.() !== 0) return
  spawnSync('chown', ['-R', '12345', join(dir, 'state')])
  const stranger = await startProgram(env).ended
  assert.notEqual(stranger.code, 0)
  assert.match(stranger.err, /belongs to another user/)
  assert.match(stranger.err, /CARAPACE_STATE_DIR/)
})
