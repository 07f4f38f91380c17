import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { halfToNumber, readGguf } from './gguf.ts'
import { ModelFileError } from './model-file-error.ts'

const bytes = readFileSync(new URL('../../../assets/demo-model.gguf', import.meta.url))
/** Where the tensors' data begins in that file. */
const HEADER_BYTES = 30_033

test('reads metadata and tensors of the shipped file', () => {
  const file = readGguf(bytes)
  assert.equal(file.metadata.get('general.architecture'), 'llama')
  assert.equal(file.metadata.get('llama.context_length'), 1024)
  assert.equal(file.tensors.size, 47)
  const embedding = file.tensors.get('token_embd.weight')
  assert.equal(embedding?.type, 'q8_0')
  assert.deepEqual([embedding?.rows, embedding?.columns], [1024, 128])
  const norm = file.tensors.get('output_norm.weight')
  assert.equal(norm?.type, 'f32')
})

test('reads half-precision numbers', () => {
  const cases: readonly (readonly [number, number])[] = [
    [0x3c_00, 1],
    [0xc0_00, -2],
    [0x35_55, 0.333251953125],
    [0x00_01, 2 ** -24],
    [0x7b_ff, 65_504],
    [0x7c_00, Infinity],
  ]
  for (const [bits, value] of cases) assert.equal(halfToNumber(bits), value)
  assert.ok(Number.isNaN(halfToNumber(0x7e_00)))
})

test('refuses every cut of the file', () => {
  const cuts = [0, 3, 4, 8, 16, 23, 24, 31, ...Array.from({ length: 200 }, (_, index) => 40 + index * 149), HEADER_BYTES, 100_000, bytes.length - 1]
  for (const cut of cuts) assert.throws(() => readGguf(bytes.subarray(0, cut)), ModelFileError, `cut at ${cut}`)
})

test('a damaged header is an error or a file, never anything else', () => {
  let seed = 7
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return (seed >>> 8) % below
  }
  for (let round = 0; round < 150; round++) {
    const damaged = Uint8Array.from(bytes)
    for (let hits = 0; hits <= round % 4; hits++) damaged[random(HEADER_BYTES)] = random(256)
    try {
      readGguf(damaged)
    } catch (error) {
      assert.ok(error instanceof ModelFileError, String(error))
    }
  }
})

test('claims of a header cost no memory', () => {
  const header = (tensors: bigint, keys: bigint, rest: readonly bigint[] = []) => {
    const view = new DataView(new ArrayBuffer(24 + rest.length * 8))
    view.setUint32(0, 0x46_55_47_47, true)
    view.setUint32(4, 3, true)
    for (const [index, value] of [tensors, keys, ...rest].entries()) view.setBigUint64(8 + index * 8, value, true)
    return new Uint8Array(view.buffer)
  }
  const huge = 2n ** 62n
  for (const claim of [header(huge, 0n), header(0n, huge), header(0n, 1000n), header(0n, 1n, [huge]), header(1n, 0n, [0n, 2n + (huge << 32n), huge, huge])]) {
    assert.throws(() => readGguf(claim), ModelFileError)
  }
})

test('tensors that share their bytes are refused', () => {
  const text = new TextEncoder()
  const view = new DataView(new ArrayBuffer(4096))
  view.setUint32(0, 0x46_55_47_47, true)
  view.setUint32(4, 3, true)
  view.setBigUint64(8, 4n, true)
  let at = 24
  for (const name of ['a', 'b', 'c', 'd']) {
    view.setBigUint64(at, 1n, true)
    new Uint8Array(view.buffer).set(text.encode(name), at + 8)
    view.setUint32(at + 9, 1, true)
    view.setBigUint64(at + 13, 500n, true)
    at += 9 + 4 + 8 + 4 + 8
  }
  assert.throws(() => readGguf(new Uint8Array(view.buffer)), /larger than the file/)
})
