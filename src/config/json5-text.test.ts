import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import json5 from 'json5'
import type { JsonValue } from '../contracts/json.ts'
import { changeText } from './json5-text.ts'

test('members go without their neighbours and comments', () => {
  const text = '{\n  a: 1, // one\n  b: { c: 2 }, // two\n  d: 3 /* three */, e: 4\n}\n'
  assert.equal(changeText(text, ['a'], undefined), '{\n   // one\n  b: { c: 2 }, // two\n  d: 3 /* three */, e: 4\n}\n')
  assert.equal(changeText(text, ['b', 'c'], undefined), text.replace('c: 2', ''))
  assert.equal(changeText(text, ['d'], undefined), '{\n  a: 1, // one\n  b: { c: 2 }, // two\n   /* three */ e: 4\n}\n')
  assert.equal(changeText(text, ['e'], undefined), '{\n  a: 1, // one\n  b: { c: 2 }, // two\n  d: 3 /* three */, \n}\n')
  assert.equal(changeText('{\n  a: 1,\n  b: 2,\n}\n', ['a'], undefined), '{\n  b: 2,\n}\n')
})

const name = fc.constantFrom('a', 'b', 'c-d', 'e.f', 'with space')
const leaf = fc.oneof(
  fc.integer({ min: -99, max: 99 }),
  fc.boolean(),
  fc.constantFrom('text', "it's", 'a"b', 'x // y', 'ü\n'),
  fc.array(fc.integer(), { maxLength: 2 }),
)
const tree: fc.Arbitrary<JsonValue> = fc.letrec<{ node: JsonValue }>((tie) => ({
  node: fc.oneof(leaf, fc.dictionary(name, tie('node'), { maxKeys: 3, noNullPrototype: true })),
})).node
const style = fc.record({ quote: fc.constantFrom('"', "'"), space: fc.constantFrom(0, 2, 4), comment: fc.boolean() })

test('whatever the layout, a change gives the changed data and keeps the comments', () => {
  fc.assert(
    fc.property(
      fc.dictionary(name, tree, { maxKeys: 4, noNullPrototype: true }),
      style,
      fc.array(name, { minLength: 1, maxLength: 3 }),
      fc.option(leaf),
      (data, layout, path, value) => {
        const plain = json5.stringify(data, { space: layout.space, quote: layout.quote })
        const text = layout.comment ? `// head\n${plain.replace('{', '{ /* inside */')}\n// end\n` : plain
        // A path through something that is no object is refused; the caller's schema never names one.
        const changed = attempt(text, path, value ?? undefined)
        if (changed === null) return assert.ok(!isReachable(data, path))
        assert.deepEqual(json5.parse(changed), applied(data, path, value ?? undefined))
        if (layout.comment) for (const comment of ['// head', '/* inside */', '// end']) assert.ok(changed.includes(comment), changed)
      },
    ),
    { numRuns: 500 },
  )
})

function attempt(...change: Parameters<typeof changeText>): string | null {
  try {
    return changeText(...change)
  } catch {
    return null
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

function isReachable(data: unknown, path: readonly string[]): boolean {
  const [key, ...rest] = path
  if (key === undefined) return true
  return isObject(data) && (!(key in data) || isReachable(data[key], rest) || rest.length === 0)
}

function applied(data: unknown, [key = '', ...rest]: readonly string[], value: JsonValue | undefined): unknown {
  const copy = isObject(data) ? { ...data } : {}
  if (rest.length > 0 && value === undefined && !(key in copy)) return copy
  if (rest.length > 0) copy[key] = applied(copy[key], rest, value)
  else if (value === undefined) delete copy[key]
  else copy[key] = value
  return copy
}
