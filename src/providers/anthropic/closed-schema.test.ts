import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closedSchema } from './closed-schema.ts'

test('every object is closed, keywords that cannot be held are left out', () => {
  const schema = {
    type: 'object',
    description: 'd',
    $defs: { node: { type: 'object', properties: { name: { type: 'string', pattern: '^a', format: 'email' } } } },
    properties: {
      list: {
        type: 'array',
        minItems: 1,
        items: { type: 'object', properties: { pattern: { type: 'string', format: 'phone' } }, additionalProperties: { type: 'string' } },
      },
      either: { oneOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
      kind: { enum: ['a', 'b'], default: 'a' },
    },
    required: ['list'],
  }
  assert.deepEqual(closedSchema(schema), {
    type: 'object',
    description: 'd',
    $defs: { node: { type: 'object', properties: { name: { type: 'string', format: 'email' } }, additionalProperties: false } },
    properties: {
      list: { type: 'array', items: { type: 'object', properties: { pattern: { type: 'string' } }, additionalProperties: false } },
      either: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
      kind: { enum: ['a', 'b'], default: 'a' },
    },
    required: ['list'],
    additionalProperties: false,
  })
})
