import assert from 'node:assert/strict'
import { test } from 'node:test'
import { skillCall } from './skills.ts'

function call(name: string, values: Readonly<Record<string, string>>): string {
  return `<tool_call>\n${JSON.stringify({ name, arguments: values })}\n</tool_call>`
}

test('each skill becomes a call of our own tools', () => {
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, string, Readonly<Record<string, string>>])[] = [
    ['get_time', { timezone: 'Asia/Tokyo' }, 'current_time', { timezone: 'Asia/Tokyo' }],
    ['get_time', { timezone: 'local' }, 'current_time', {}],
    ['calculate', { expression: '12 * 7' }, 'math_eval', { expression: '12 * 7' }],
    ['remember', { text: 'my sister is called Anna' }, 'memory_write', { key: 'my-sister-is-called-anna', value: 'my sister is called Anna' }],
    ['search_memory', { query: 'sister' }, 'memory_search', { query: 'sister' }],
    ['read_file', { path: 'README.md' }, 'file_read', { path: 'README.md' }],
    ['set_reminder', { text: 'buy milk', when: 'tomorrow' }, 'memory_write', { key: 'reminder-buy-milk', value: 'buy milk (tomorrow)' }],
  ]
  for (const [skill, values, tool, input] of cases) assert.deepEqual(skillCall(call(skill, values), 'please'), { tool, input })
})

test('a question is never noted down', () => {
  assert.equal(skillCall(call('remember', { text: 'my wife’s birthday' }), "When is my wife's birthday?"), null)
})

test('what is no call is none', () => {
  for (const answer of ['Hello!', '<tool_call>\n{\n</tool_call>', call('run_shell', { command: 'ls' }), call('remember', {}), call('get_time', { zone: 'x' })])
    assert.equal(skillCall(answer, ''), null)
})

test('keys of different facts differ, and stay short and plain', () => {
  const keys = ['你好', '再见', 'é', 'a '.repeat(200), `${'a '.repeat(200)}b`, 'x'.repeat(500)].map(
    (text) => skillCall(call('remember', { text }), '')?.input['key'],
  )
  assert.equal(new Set(keys).size, keys.length)
  assert.ok(keys.every((key) => typeof key === 'string' && /^[a-z0-9-]{1,64}$/.test(key)))
})
