import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArgumentRules } from './arguments.ts'

function call(skill: string, values: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(values).map(([key, value]) => `"${key}": "${value}"`)
  return `<tool_call>\n{"name": "${skill}", "arguments": {${pairs.join(', ')}}}\n</tool_call>`
}

const accepted: readonly (readonly [userText: string, answer: string])[] = [
  ['What time is it in Oslo?', call('get_time', { timezone: 'Europe/Oslo' })],
  ['time in New York please', call('get_time', { timezone: 'America/New_York' })],
  ['what day is it?', call('get_time', { timezone: 'local' })],
  ['what is 12 times 7', call('calculate', { expression: '12 * 7' })],
  ['subtract 9 from 17', call('calculate', { expression: '17 - 9' })],
  ['1,024 divided by 8', call('calculate', { expression: '1024 / 8' })],
  ['five plus six', call('calculate', { expression: '5 + 6' })],
  ['what is 10% of 50?', call('calculate', { expression: '10% of 50' })],
  ['how much is (3 + 4) * 2?', call('calculate', { expression: '(3 + 4) * 2' })],
  ['Remember that our cat is Luna.', call('remember', { text: 'our cat is Luna' })],
  ['What is my door code?', call('search_memory', { query: 'door code' })],
  ['read ./src/server.ts, please', call('read_file', { path: './src/server.ts' })],
  ['In 20 minutes, remind me to take the bread out', call('set_reminder', { text: 'take the bread out', when: 'in 20 minutes' })],
]

const refused: readonly (readonly [userText: string, answer: string])[] = [
  ['What time is it in Japan?', call('get_time', { timezone: 'local' })],
  ['What time is it in Oslo?', call('get_time', { timezone: 'Europe/Paris' })],
  ['what is 12 times 7', call('calculate', { expression: '12 + 7' })],
  ['what is 12 times 7', call('calculate', { expression: '12 * 77' })],
  ['what is 12 times 7', call('calculate', { expression: '12 * 12' })],
  ['17 minus 9', call('calculate', { expression: '9 - 17' })],
  ['what is 10% of 50', call('calculate', { expression: '10 / 50' })],
  ['add 1 and 2 and 3', call('calculate', { expression: '1 + 2' })],
  ['Remember that our cat is Luna.', call('remember', { text: 'our cat is Lun' })],
  ['Remember that our cat is Luna.', call('remember', { text: 'our cat' })],
  ['Remember that our cat is Luna.', call('remember', { text: 'our dog is Luna' })],
  ['Remember "x" for me', call('remember', { text: String.raw`\"x\" for me` })],
  ['What is my door code?', call('search_memory', { query: 'oor code' })],
  ['What is my door code?', call('search_memory', { query: '' })],
  ['read notes.txt', call('read_file', { path: '../../etc/passwd' })],
  ['read my notes', call('read_file', { path: 'notes' })],
  ['hello', call('run_shell', { command: 'hello' })],
  ['What is my door code?', call('search_memory', { query: 'door code', limit: 'code' })],
  ['What is my door code?', `${call('search_memory', { query: 'door code' })} more`],
]

for (const [userText, answer] of accepted) {
  test(`accepts, at every length: ${userText}`, () => {
    const rules = new ArgumentRules(userText)
    for (let length = '<tool_call>'.length; length < answer.length; length++)
      assert.equal(rules.judge(answer.slice(0, length)), 'partial-call', answer.slice(0, length))
    assert.equal(rules.judge(answer), 'call')
  })
}

for (const [userText, answer] of refused) {
  test(`refuses ${JSON.stringify(answer.slice(21, -14))} for: ${userText}`, () => assert.equal(new ArgumentRules(userText).judge(answer), 'refused'))
}

test('prose is text', () => {
  assert.equal(new ArgumentRules('hello').judge('Hello! How can I help?'), 'text')
})
