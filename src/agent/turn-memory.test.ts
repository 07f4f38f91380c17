import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_TAINT } from '../contracts/store.ts'
import { TurnMemory } from './turn-memory.ts'

test('whoever is told a summary has seen what the summary stands for', () => {
  const summary = { coversUntil: 1, text: 'They read a page.', tokens: 5, taint: { untrusted: true, private: false } }
  assert.deepEqual(new TurnMemory({ summary, lines: [] }, { untrusted: false, private: true }).taint, { untrusted: true, private: true })
  assert.deepEqual(new TurnMemory({ summary: null, lines: [] }, NO_TAINT).taint, NO_TAINT)
})
