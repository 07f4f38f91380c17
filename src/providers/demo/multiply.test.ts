import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Tensor } from './gguf.ts'
import { copyRow, multiply } from './multiply.ts'

const rows = 3
const columns = 64
const numbers = Int8Array.from({ length: rows * columns }, (_, index) => ((index * 37) % 255) - 127)
const factors = Float32Array.from({ length: (rows * columns) / 32 }, (_, index) => 0.5 ** (index + 1))
const vector = Float32Array.from({ length: columns }, (_, index) => Math.sin(index))
const quantised: Tensor = { type: 'q8_0', rows, columns, numbers, factors }
const values = Float32Array.from(numbers, (number, index) => number * (factors[index >> 5] ?? 0))
const plain: Tensor = { type: 'f32', rows, columns, values }

test('a quantised product equals the product of what it stands for', () => {
  const [a, b] = [new Float32Array(rows), new Float32Array(rows)]
  multiply(a, quantised, vector)
  multiply(b, plain, vector)
  for (let row = 0; row < rows; row++) {
    let expected = 0
    for (let column = 0; column < columns; column++) expected += (values[row * columns + column] ?? 0) * (vector[column] ?? 0)
    assert.ok(Math.abs((a[row] ?? 0) - expected) < 1e-3)
    assert.ok(Math.abs((b[row] ?? 0) - expected) < 1e-3)
  }
})

test('a row is copied with its factors', () => {
  const [a, b] = [new Float32Array(columns), new Float32Array(columns)]
  copyRow(a, quantised, 2)
  copyRow(b, plain, 2)
  assert.deepEqual(a, b)
  assert.deepEqual(a, values.subarray(2 * columns))
})
