import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { TOKEN } from '../doubles/open-doors.ts'
import { type Command, isGroup } from '../../src/cli/command.ts'
import { exitCodeOf, exitCodeTable } from '../../src/cli/exit-codes.ts'
import { registry } from '../../src/cli/registry.ts'
import { AppError, errorCodes } from '../../src/contracts/errors.ts'
import { cara, fakeServices, fakeTerminal } from './cli-fixture.ts'

async function allCommands(): Promise<readonly (readonly [path: readonly string[], command: Command])[]> {
  const found: [readonly string[], Command][] = []
  for (const entry of registry) {
    const loaded = await entry.load()
    assert.equal(loaded.name, entry.name)
    assert.equal(loaded.summary, entry.summary)
    if (isGroup(loaded)) found.push(...loaded.commands.map((command): [readonly string[], Command] => [[entry.name, command.name], command]))
    else found.push([[entry.name], loaded])
  }
  return found
}

test('every command answers --help with usage, options, an example and its exit codes', async () => {
  for (const [path, command] of await allCommands()) {
    const { code, out, err } = await cara([...path, '--help'])
    assert.deepEqual([code, err], [0, ''], path.join(' '))
    for (const part of [`Usage: cara ${path.join(' ')}`, '--help', command.examples[0].command, 'Exit codes:'])
      assert.ok(out.includes(part), `${path.join(' ')}: ${part}`)
    for (const name of Object.keys(command.options)) assert.ok(out.includes(`--${name}`), `${path.join(' ')} --${name}`)
    assert.ok(
      command.examples.every((example) => example.command.includes(`cara ${path.join(' ')}`)),
      path.join(' '),
    )
    assert.ok(out.split('\n').every((line) => line.length <= 170))
  }
})

test('every example is a command line that its command accepts', async () => {
  const { parseCommandLine } = await import('../../src/cli/parse.ts')
  for (const [path, command] of await allCommands()) {
    for (const example of command.examples) {
      const line = example.command.slice(example.command.indexOf(`cara ${path.join(' ')}`)).split(/ &&| [<>]|\)/)[0] ?? ''
      const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '').slice(1 + path.length)
      assert.ok(parseCommandLine(command, 'cara', words), example.command)
    }
  }
})

test('help, version and mistakes', async () => {
  assert.match((await cara([])).out, /^cara: .*\n[^]*\n {2}config +Read and change/)
  assert.equal((await cara(['help', 'config', 'get'])).out, (await cara(['config', 'get', '--help'])).out)
  assert.deepEqual(await cara(['--version']), { code: 0, out: 'cara 1.2.3\n', err: '' })
  assert.partialDeepStrictEqual(JSON.parse((await cara(['version', '--json'])).out), { version: '1.2.3', node: process.versions.node })
  const unknown = await cara(['confg', 'get'])
  assert.deepEqual(unknown, {
    code: 2,
    out: '',
    err: 'error: The command line is not valid: unknown command "confg". Did you mean config?\nnext:  run `cara --help`\n',
  })
  assert.match((await cara(['config', 'gte', 'x'])).err, /Did you mean get\?\nnext: {2}run `cara config --help`/)
  assert.equal((await cara(['config'])).code, 2)
  assert.match((await cara(['status', '--jsn'])).err, /Did you mean --json\?/)
  assert.equal((await cara(['ask'])).code, 2)
})

test('every error has an exit code of the table', () => {
  const codes = new Set(exitCodeTable.map((row) => row.code))
  for (const code of errorCodes) assert.ok(codes.has(exitCodeOf(code)) && exitCodeOf(code) !== 0, code)
})

test('a defect shows no inner text, unless it is asked for', async () => {
  const services = { ...fakeServices(), settings: () => Promise.reject(new TypeError('secret inside')) }
  const quiet = await cara(['config', 'show'], { services })
  assert.deepEqual([quiet.code, quiet.err], [1, 'error: Something went wrong inside carapace\n'])
  assert.match((await cara(['config', 'show'], { services, env: { CARAPACE_DEBUG: '1' } })).err, /TypeError: secret inside/)
})

test('config reads and changes through the services', async () => {
  const services = fakeServices()
  const out = async (...argv: readonly string[]) => (await cara(['config', ...argv], { services })).out
  assert.equal(await out('get', 'gateway.port'), '18789\n')
  assert.equal(await out('get', 'agent.model'), 'openai:gpt-5.5\n')
  assert.equal(await out('get', 'agent.model', '--json'), '"openai:gpt-5.5"\n')
  assert.equal(await out('path'), '/home/o/carapace.json5\n')
  assert.match(await out('explain', 'gateway.port'), /^gateway.port = null\nfrom: {2}default\nabout: About gateway.port\n$/)
  assert.match(await out('show'), /"apiKey": "\[secret\]"/)
  assert.equal(await out('validate'), 'valid: /home/o/carapace.json5\n')
  await out('set', 'agent.model', 'ollama:qwen3')
  await out('unset', 'agent.temperature')
  assert.deepEqual(services.changes, [
    ['agent.model', 'ollama:qwen3'],
    ['agent.temperature', null],
  ])
  assert.equal((await cara(['config', 'get', 'nope'], { services })).code, 2)
})

test('token prints the token that opens the gateway, and nothing else', async () => {
  assert.deepEqual(await cara(['token']), { code: 0, out: `${TOKEN}\n`, err: '' })
  assert.deepEqual(await cara(['token', '--rotate']), { code: 0, out: `${TOKEN}-new\n`, err: '' })
})

test('auth password reads standard input, never an argument', async () => {
  const services = fakeServices()
  const io = fakeTerminal()
  io.input.end('correct horse battery\r\nsecond line')
  assert.deepEqual(await cara(['auth', 'password'], { services, io }), { code: 0, out: 'The password is set; sessions that were open have ended\n', err: '' })
  assert.equal((await cara(['auth', 'password', 'on the command line'], { services })).code, 2)
  assert.equal((await cara(['auth', 'password', '--remove'], { services })).code, 0)
  assert.deepEqual(services.changes, [
    ['(password)', 'correct horse battery'],
    ['(password)', null],
  ])
})

test('audit verify says what is wrong and ends with 1; audit show prints receipts', async () => {
  const hash = 'h'.repeat(43)
  assert.deepEqual(await cara(['audit', 'verify']), { code: 0, out: `sound: 3 receipts in 1 file, key key\nanchor: 3:${hash}\n`, err: '' })
  const fault = { kind: 'missing', file: 'receipts.jsonl', line: 7, detail: 'number 6 is gone\u001b[2J' } as const
  const verdict = { fault, warnings: ['a write was cut'], waiting: 0, files: 2, lines: 6, anchor: null, key: 'key' }
  const wrong = await cara(['audit', 'verify'], { audit: { verdict } })
  assert.deepEqual(wrong, { code: 1, out: 'warning: a write was cut\nmissing: receipts.jsonl:7: number 6 is gone[2J\n', err: '' })
  const json = await cara(['audit', 'verify', '--json'], { audit: { verdict } })
  assert.deepEqual([json.code, JSON.parse(json.out)], [1, verdict])
  const receipts = [
    { seq: 1, at: 0, kind: 'token-made', prev: '0', hash, sig: 's' },
    { seq: 2, at: 1000, kind: 'decision', rule: 'hostKnown', count: 2, prev: hash, hash },
  ]
  assert.equal(
    (await cara(['audit', 'show'], { audit: { receipts } })).out,
    '1 1970-01-01 00:00:00 token-made\n2 1970-01-01 00:00:01 decision rule=hostKnown count=2\n',
  )
  assert.deepEqual(JSON.parse((await cara(['audit', 'show', '--kind', 'decision', '--json'], { audit: { receipts } })).out), receipts[1])
  assert.equal((await cara(['audit', 'show', '--kind', 'nothing'])).code, 2)
  assert.equal((await cara(['audit', 'show'])).out, 'no receipt\n')
})

test('doctor prints findings and fails with them', async () => {
  const findings = [
    { name: 'node', status: 'warn', detail: 'old', next: 'update' },
    { name: 'store', status: 'fail', detail: 'damaged\u001b[2J' },
  ] as const
  const done = await cara(['doctor'], { findings })
  assert.deepEqual(done, { code: 1, out: '[WARN] node: old\n       next step: update\n[FAIL] store: damaged[2J\n', err: '' })
  assert.equal((await cara(['doctor'], { findings: [findings[0]] })).code, 0)
})

test('setup by flags: tries first, then writes; a key of the environment stays a reference', async () => {
  const services = fakeServices()
  const env = { MY_KEY: 'sk-secret-value' }
  const argv = ['setup', '--non-interactive', '--provider', 'anthropic', '--api-key-env', 'MY_KEY', '--model', 'big-model', '--port', '19000']
  const done = await cara(argv, { services, env })
  assert.equal(done.code, 0, done.err)
  assert.deepEqual(services.changes, [
    ['providers.anthropic.apiKey', '"${MY_KEY}"'],
    ['agent.model', 'anthropic:big-model'],
    ['gateway.port', '19000'],
  ])
  assert.doesNotMatch(done.out + done.err, /sk-secret/)

  const tried: unknown[] = []
  const refusing = fakeServices({
    tryProvider(id, section) {
      tried.push([id, section])
      return Promise.reject(new AppError('provider/auth', undefined, { hint: 'check the key' }))
    },
  })
  const refused = await cara(['setup', '--provider', 'anthropic', '--api-key', 'sk-wrong', '--base-url', 'https://a.b', '--model', 'x'], { services: refusing })
  assert.equal(refused.code, 5)
  assert.deepEqual(tried, [['anthropic', { apiKey: 'sk-wrong', baseUrl: 'https://a.b' }]])
  assert.deepEqual(refusing.changes, [])
})

test('setup without a terminal names what is missing', async () => {
  assert.match((await cara(['setup'])).err, /--provider is missing/)
  assert.match((await cara(['setup', '--provider', 'anthropc'])).err, /there is no provider "anthropc"[^]*Did you mean anthropic\?/)
  assert.match((await cara(['setup', '--provider', 'anthropic'])).err, /--api-key-env is missing/)
  assert.match((await cara(['setup', '--provider', 'ollama'])).err, /--model is missing/)
  const services = {
    ...fakeServices(),
    settings: async () => ({
      ...(await fakeServices().settings()),
      explain: () => ({ path: 'agent.model', value: 'a:b', source: 'file', from: null, description: '' }) as const,
    }),
  }
  assert.match((await cara(['setup', '--provider', 'ollama', '--model', 'x'], { services })).err, /--force is missing/)
  assert.equal((await cara(['setup', '--provider', 'ollama', '--model', 'x', '--force'], { services })).code, 0)
})

test('setup on a terminal asks for what is open', async () => {
  const services = fakeServices()
  const io = fakeTerminal({ isTerminal: true })
  const done = cara(['setup'], { services, io })
  await io.shows('Which provider?')
  io.input.write('\r')
  await io.shows('API key')
  io.input.write('sk-typed\r')
  await io.shows('Base URL')
  io.input.write('\r')
  await io.shows('Which model?')
  io.input.write('\u001b[B\r')
  assert.equal((await done).code, 0)
  assert.deepEqual(services.changes, [
    ['providers.anthropic.apiKey', '"sk-typed"'],
    ['agent.model', 'anthropic:small-model'],
  ])
  assert.doesNotMatch(io.out(), /sk-typed/)
})

test('Ctrl-C leaves setup without a change', async () => {
  const services = fakeServices()
  const io = fakeTerminal({ isTerminal: true })
  const done = cara(['setup'], { services, io })
  await io.shows('Which provider?')
  io.input.write('\u0003')
  assert.equal((await done).code, 130)
  assert.deepEqual(services.changes, [])
})

test('completion: bash offers commands, options, values', async () => {
  const { out, code } = await cara(['completion', 'bash'])
  assert.equal(code, 0)
  const complete = (...words: readonly string[]) => {
    const script = `${out}\nCOMP_WORDS=(cara "$@"); COMP_CWORD=$#; _cara; printf '%s\\n' "\${COMPREPLY[@]}"`
    const shell = spawnSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' })
    assert.equal(shell.stderr, '')
    return shell.stdout.trim().split('\n').sort()
  }
  assert.deepEqual(complete('ver'), ['verify', 'version'])
  assert.deepEqual(complete('config', 'un'), ['unset'])
  assert.deepEqual(complete('usage', '--by', ''), ['day', 'model', 'session'])
  assert.deepEqual(complete('logs', '--f'), ['--follow'])
  assert.deepEqual(complete('completion', ''), ['--help', 'bash', 'fish', 'zsh'])
  for (const shell of ['zsh', 'fish']) {
    const script = (await cara(['completion', shell])).out
    for (const [path] of await allCommands()) assert.ok(script.includes(path.join(' ')), `${shell}: ${path.join(' ')}`)
  }
  assert.match((await cara(['completion', 'powershell'])).err, /use one of bash, zsh, fish/)
})
