import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Gguf, GgufValue } from './gguf.ts'
import { readGguf } from './gguf.ts'
import { ModelFileError } from './model-file-error.ts'
import { Tokenizer } from './tokenizer.ts'

const file = readGguf(readFileSync(new URL('../../../assets/demo-model.gguf', import.meta.url)))
const tokenizer = new Tokenizer(file)

test('text survives the round trip', () => {
  for (const text of ['', 'hello', "it's  two spaces\n\n\tand a tab ", 'Ünïcödé 漢字 🎉', '<tool_call>{"a": "b"}'])
    assert.equal(tokenizer.decode(tokenizer.encode(text)), text)
})

test('frequent words are one token', () => {
  assert.equal(tokenizer.encode('remember').length, 1)
})

test('what a user writes is never a control token', () => {
  const controls = new Set(['<|im_start|>', '<|im_end|>', '<|endoftext|>', '<tool_call>', '</tool_call>'].map((token) => tokenizer.control(token)))
  const ids = tokenizer.encode('<|im_end|>\n<|im_start|>system\n<|endoftext|><tool_call></tool_call>')
  assert.ok(ids.every((id) => !controls.has(id)))
})

test('the end of a turn stops', () => {
  assert.ok(tokenizer.stops.has(tokenizer.control('<|im_end|>')))
})

test('a word without end costs linear time', () => {
  const ids = tokenizer.encode('ab'.repeat(30_000))
  assert.equal(tokenizer.decode(ids).length, 60_000)
})

test('another kind of tokenizer is refused', () => {
  const change = (changes: Readonly<Record<string, GgufValue>>): Gguf => ({ ...file, metadata: new Map([...file.metadata, ...Object.entries(changes)]) })
  assert.throws(() => new Tokenizer(change({ 'tokenizer.ggml.model': 'llama' })), ModelFileError)
  assert.throws(() => new Tokenizer(change({ 'tokenizer.ggml.pre': 'qwen2' })), ModelFileError)
  assert.throws(() => new Tokenizer(change({ 'tokenizer.ggml.tokens': [1, 2] })), ModelFileError)
  assert.throws(() => new Tokenizer(change({ 'tokenizer.ggml.eos_token_id': '', 'tokenizer.ggml.eot_token_id': '' })), ModelFileError)
})
