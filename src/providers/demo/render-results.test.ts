import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../contracts/json.ts'
import { OWNER } from '../../contracts/origin.ts'
import type { Message } from '../../contracts/message.ts'
import { renderResults } from './render-results.ts'

function turn(tool: string, input: JsonObject, output: string, isError = false): readonly Message[] {
  return [
    { role: 'user', parts: [{ type: 'text', text: 'please', origin: OWNER }] },
    { role: 'assistant', parts: [{ type: 'tool-call', callId: '1', tool, input }] },
    { role: 'tool', parts: [{ type: 'tool-result', callId: '1', tool, output, isError, origin: OWNER }] },
  ]
}

test('results are shown, not retold', () => {
  const cases: readonly (readonly [string, JsonObject, string, string])[] = [
    ['math_eval', { expression: '12 * 7' }, '84', '12 * 7 = 84'],
    ['math_eval', { expression: '2 * 61728394506172839450' }, '123456789012345678900', '2 * 61728394506172839450 = 123456789012345678900'],
    ['memory_write', { key: 'anna', value: 'my sister is called Anna' }, 'Saved', 'Noted: my sister is called Anna'],
    [
      'memory_search',
      { query: 'sister' },
      '{"key":"anna","value":"my sister is called Anna"}\n{"key":"b","value":"two"}',
      'From your notes:\n- my sister is called Anna\n- two',
    ],
    ['memory_search', { query: 'bank' }, 'Nothing was found', 'I have no note about “bank”.'],
    ['memory_search', { query: 'bank' }, 'something new', 'something new'],
    ['file_read', { path: 'a.json' }, '{"text":"hello"}', 'a.json:\n{"text":"hello"}'],
    [
      'current_time',
      {},
      '{"iso":"2026-11-22T20:05:09+09:00","weekday":"Sunday","timezone":"Asia/Tokyo","offset":"+09:00"}',
      'It is 20:05 on Sunday, 2026-11-22 (Asia/Tokyo).',
    ],
    ['current_time', {}, '{"unix":1}', '{"unix":1}'],
    ['somebody_elses', {}, '{"odd":[1]}', '{"odd":[1]}'],
    ['somebody_elses', {}, '', 'somebody_elses gave no output.'],
  ]
  for (const [tool, input, output, shown] of cases) assert.equal(renderResults(turn(tool, input, output)), shown)
})

test('a reminder says that no alarm will ring', () => {
  const shown = renderResults(turn('memory_write', { key: 'reminder-buy-milk', value: 'buy milk (tomorrow)' }, '{}'))
  assert.match(shown ?? '', /^Noted: buy milk \(tomorrow\)\nNo alarm will ring/)
})

test('a failure is told as one', () => {
  assert.equal(renderResults(turn('file_read', { path: 'a' }, 'There is no such file', true)), 'That did not work (file_read): There is no such file')
})

test('several results of one answer are all shown, and long ones are cut', () => {
  const [user, assistant, result] = turn('math_eval', { expression: '1 + 1' }, '2')
  assert.ok(user !== undefined && assistant !== undefined && result !== undefined)
  assert.equal(renderResults([user, assistant, result, result]), '1 + 1 = 2\n\n1 + 1 = 2')
  assert.ok((renderResults(turn('odd', {}, 'x'.repeat(100_000)))?.length ?? 0) < 4100)
})

test('without a result at the end there is nothing to show', () => {
  assert.equal(renderResults(turn('math_eval', {}, '2').slice(0, 2)), null)
  assert.equal(renderResults([]), null)
})
