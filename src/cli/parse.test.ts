import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineCommand } from './command.ts'
import { parseCommandLine } from './parse.ts'

const options = {
  port: { type: 'number', short: 'p', description: '' },
  days: { type: 'number', default: 30, description: '' },
  format: { type: 'string', choices: ['jsonl', 'markdown'], default: 'jsonl', description: '' },
  field: { type: 'list', description: '' },
  json: { type: 'boolean', description: '' },
} as const

const command = defineCommand({
  name: 'demo',
  summary: 'For tests',
  options,
  positionals: [
    { name: 'KEY', description: '', required: true },
    { name: 'VALUE', description: '', required: false },
  ],
  examples: [{ command: 'demo', does: '' }],
  run: () => Promise.resolve(0),
})

const parse = (...args: readonly string[]) => parseCommandLine(command, 'cara demo', args)

test('options arrive as their types, with defaults', () => {
  const parsed = parse('key', '--port=1', '-p', '2', '--json', '--field', 'a=1', '--field=b=--x', '--', '--dashed')
  assert.ok(parsed)
  const typed = parsed.as<typeof options>()
  assert.deepEqual([typed.number('port'), typed.number('days'), typed.text('format'), typed.flag('json')], [2, 30, 'jsonl', true])
  assert.deepEqual(typed.list('field'), ['a=1', 'b=--x'])
  assert.deepEqual(typed.positionals, ['key', '--dashed'])
  assert.equal(parse('--help'), null)
  assert.equal(parse('-h', 'key', '--json'), null)
})

test('what is wrong is named, with the nearest right word', () => {
  const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [['key', '--prot', '1'], /unknown option --prot\. Did you mean --port\?/],
    [['key', '-x'], /unknown option -x/],
    [['key', '--port', 'many'], /--port "many": expected a whole number/],
    [['key', '--port', '-1'], /--port/],
    [['key', '--port'], /--port needs a value/],
    [['key', '--port', '--json'], /--port needs a value/],
    [['key', '--json=yes'], /--json takes no value/],
    [['key', '--format', 'xml'], /expected one of jsonl, markdown/],
    [[], /KEY is missing/],
    [['a', 'b', 'c'], /unexpected argument "c"/],
    [['key', '--__proto__'], /unknown option --__proto__/],
  ]
  for (const [args, message] of cases) assert.throws(() => parse(...args), { code: 'cli/usage', message, hint: 'run `cara demo --help`' }, args.join(' '))
})
