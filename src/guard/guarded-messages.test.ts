import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Destination } from '../contracts/destination.ts'
import { createSecretRegistry } from '../telemetry/secret-registry.ts'
import { guardDestinations } from './guarded-messages.ts'
import { isCleared } from './run-checkpoint.ts'

function setUp(names: readonly string[] = ['chat', 'pager'], redact?: () => never) {
  const all = names.map((name): Destination => ({
    name,
    kind: 'webhook',
    format: 'text',
    host: 'a.example',
    signed: false,
    keyed: false,
    traits: { maxText: 256, unit: 'utf-16', markup: 'plain' },
    deliver: async () => ({ kind: 'taken' }),
  }))
  const secrets = createSecretRegistry()
  secrets.add('hunter22')
  return { all, guarded: guardDestinations(all, redact === undefined ? secrets : { ...secrets, redact, list: redact, findSplit: redact }, [], () => undefined) }
}

test('a destination is found by its name, and a text is cleared without secrets', () => {
  const { guarded, all } = setUp()
  assert.equal(guarded.find('pager'), all[1])
  assert.deepEqual(guarded.all, all)
  const message = guarded.clear('hunter22')
  assert.equal(message.text, '[secret]')
  assert.ok(isCleared(message))
})

test('a name that is not known is told which are, or where they are configured', () => {
  assert.throws(() => setUp().guarded.find('other'), { code: 'message/unknown-destination', hint: 'Known: chat, pager' })
  assert.throws(() => setUp([]).guarded.find('other'), { code: 'message/unknown-destination', hint: 'None is configured (messages.destinations)' })
})

test('a check that fails clears nothing, and says so', () => {
  const { guarded } = setUp(undefined, () => {
    throw new Error('broken')
  })
  assert.throws(() => guarded.clear('x'), { name: 'AppError', code: 'guard/blocked' })
})
