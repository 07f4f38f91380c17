import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { writeBody } from './write-body.ts'

test('means what JSON.stringify means, the second time too', () => {
  const tool = fc.dictionary(fc.string(), fc.jsonValue())
  const body = fc.record({ model: fc.string(), tools: fc.array(fc.oneof(tool, fc.jsonValue())), rest: fc.jsonValue() }, { requiredKeys: [] })
  fc.assert(
    fc.property(body, (value) => {
      const plain = JSON.parse(JSON.stringify(value))
      for (let time = 0; time < 2; time++) assert.deepEqual(JSON.parse(writeBody(plain)), plain)
    }),
  )
})
