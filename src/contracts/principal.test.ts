import assert from 'node:assert/strict'
import { test } from 'node:test'
import { array, assert as check, constantFrom, property } from 'fast-check'
import { covers, grantScopes } from './principal.ts'

test('admin covers write, write covers read, and nothing else', () => {
  assert.ok(covers(['operator.admin'], 'operator.write'))
  assert.ok(covers(['operator.write'], 'operator.read'))
  assert.ok(!covers(['operator.read'], 'operator.write'))
  assert.ok(!covers(['operator.write'], 'operator.admin'))
  assert.ok(covers([], 'public'))
  assert.ok(!covers(['public'], 'operator.read'))
})

test('C1 C2 what is granted is never more than what is held', () => {
  const scope = constantFrom('public' as const, 'operator.read' as const, 'operator.write' as const, 'operator.admin' as const)
  check(
    property(array(scope), array(constantFrom('operator.read', 'operator.write', 'operator.admin', 'operator.*', '')), (held, wished) => {
      for (const granted of grantScopes(held, wished)) assert.ok(covers(held, granted))
      if (wished.length > 0) for (const granted of grantScopes(held, wished)) assert.ok(new Set<string>(wished).has(granted))
    }),
  )
})
