import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Gguf, GgufValue, Tensor } from './gguf.ts'
import { Llama } from './llama.ts'
import { ModelFileError } from './model-file-error.ts'

const WIDTH = 8
const HEAD = 4
const HIDDEN = 12
const VOCABULARY = 10

/** A random model with two heads; with one key head, both heads read the same keys and values. */
function model(keyHeads: 1 | 2, changes: Readonly<Record<string, GgufValue>> = {}): Gguf {
  const metadata = new Map<string, GgufValue>([
    ['general.architecture', 'llama'],
    ['llama.context_length', 16],
    ['llama.embedding_length', WIDTH],
    ['llama.block_count', 2],
    ['llama.feed_forward_length', HIDDEN],
    ['llama.attention.head_count', 2],
    ['llama.attention.head_count_kv', keyHeads],
    ['llama.attention.layer_norm_rms_epsilon', 1e-5],
    ...Object.entries(changes),
  ])
  const tensors = new Map<string, Tensor>()
  const add = (name: string, rows: number, columns: number, repeat = 1) => {
    const once = Float32Array.from({ length: rows * columns }, (_, index) => Math.sin(index * 1.7 + name.length + name.charCodeAt(4)))
    const values = Float32Array.from({ length: once.length * repeat }, (_, index) => once[index % once.length] ?? 0)
    tensors.set(name, { type: 'f32', rows: rows * repeat, columns, values })
  }
  add('token_embd.weight', VOCABULARY, WIDTH)
  add('output_norm.weight', 1, WIDTH)
  for (const layer of ['blk.0', 'blk.1']) {
    for (const name of ['attn_norm', 'ffn_norm']) add(`${layer}.${name}.weight`, 1, WIDTH)
    for (const name of ['attn_q', 'attn_output']) add(`${layer}.${name}.weight`, WIDTH, WIDTH)
    for (const name of ['attn_k', 'attn_v']) add(`${layer}.${name}.weight`, HEAD, WIDTH, keyHeads)
    for (const name of ['ffn_gate', 'ffn_up']) add(`${layer}.${name}.weight`, HIDDEN, WIDTH)
    add(`${layer}.ffn_down.weight`, WIDTH, HIDDEN)
  }
  return { metadata, tensors }
}

function logitsAfter(llama: Llama, tokens: readonly number[]): readonly number[] {
  let logits = new Float32Array()
  for (const [position, token] of tokens.entries()) logits = Float32Array.from(llama.forward(token, position, true))
  return [...logits]
}

test('shared key heads equal repeated ones', () => {
  assert.deepEqual(logitsAfter(new Llama(model(1)), [1, 5, 2, 9]), logitsAfter(new Llama(model(2)), [1, 5, 2, 9]))
})

test('the order of tokens counts, and going back forgets what came after', () => {
  const llama = new Llama(model(2))
  const first = logitsAfter(llama, [1, 5, 2])
  assert.notDeepEqual(logitsAfter(llama, [5, 1, 2]), first)
  assert.deepEqual(logitsAfter(llama, [1, 5, 2]), first)
})

test('a file that does not fit together is refused', () => {
  const wrong: readonly Readonly<Record<string, GgufValue>>[] = [
    { 'general.architecture': 'qwen2' },
    { 'llama.attention.head_count': 3 },
    { 'llama.embedding_length': 16 },
    { 'llama.context_length': 0 },
    { 'llama.block_count': 3 },
    { 'llama.block_count': 1e9 },
    { 'llama.rope.dimension_count': 64 },
    { 'llama.rope.scaling.type': 'yarn' },
    { 'llama.attention.layer_norm_rms_epsilon': 'small' },
  ]
  for (const changes of wrong) assert.throws(() => new Llama(model(2, changes)), ModelFileError, JSON.stringify(changes))
})
