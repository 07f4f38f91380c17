// Imports no classic zod: that would load the texts for the whole process.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod/mini'
import { parseTelling } from './fields.ts'

test('what is wrong is said in words', async () => {
  const result = await parseTelling(z.strictObject({ port: z.int().check(z.lte(9)), key: z.record(z.string().check(z.maxLength(1)), z.string()) }), {
    port: 10,
    key: { long: 'x' },
  })
  assert.deepEqual(
    result.error?.issues.map((issue) => (issue.code === 'invalid_key' ? issue.issues[0]?.message : issue.message)),
    ['Too big: expected number to be <=9', 'Too big: expected string to have <=1 characters'],
  )
})

test('what fits is given back', async () => {
  assert.deepEqual((await parseTelling(z.strictObject({ port: z._default(z.int(), 7) }), {})).data, { port: 7 })
})
