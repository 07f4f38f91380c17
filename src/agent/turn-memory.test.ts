import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_TAINT } from '../contracts/store.ts'
import { OWNER } from '../contracts/origin.ts'
import { TurnMemory } from './turn-memory.ts'

const tools = new Map()

test('whoever is told a summary has seen what the summary stands for', () => {
  const summary = { coversUntil: 1, text: 'They read a page.', tokens: 5, taint: { untrusted: true, private: false } }
  assert.deepEqual(new TurnMemory({ summary, lines: [] }, { untrusted: false, private: true }, tools).taint, { untrusted: true, private: true })
  assert.deepEqual(new TurnMemory({ summary: null, lines: [] }, NO_TAINT, tools).taint, NO_TAINT)
})

test('what the guard knows values from is what the conversation holds, word for word', () => {
  const said = { role: 'user', parts: [{ type: 'text', text: 'Write to ann@example.org', origin: OWNER }] } as const
  const summary = { coversUntil: 1, text: 'They spoke of bob@example.org.', tokens: 5, taint: { untrusted: false, private: false } }
  const memory = new TurnMemory({ summary, lines: [{ message: said, tokens: 5, entryId: 2 }] }, NO_TAINT, tools)
  memory.add({ role: 'user', parts: [{ type: 'text', text: 'and to eve@example.org', origin: OWNER }] })
  const owners = memory.evidence.pieces.filter(({ standing }) => standing === 'owner')
  assert.deepEqual(
    owners.flatMap(({ found }) => found.email.values().toArray()),
    ['ann@example.org', 'eve@example.org'],
  )
  assert.deepEqual(
    memory.evidence.pieces.map(({ standing }) => standing),
    ['untrusted', 'owner', 'owner'],
  )
})
