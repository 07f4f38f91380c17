/** Token for token what llama.cpp reads and writes with the same file. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as z from 'zod'
import { DemoModel } from '../../../src/providers/demo/demo-model.ts'
import { readGguf } from '../../../src/providers/demo/gguf.ts'
import { Llama } from '../../../src/providers/demo/llama.ts'
import { Tokenizer } from '../../../src/providers/demo/tokenizer.ts'

const bytes = readFileSync(new URL('../../../assets/demo-model.gguf', import.meta.url))
const tokens = z.array(z.int())
const recorded = z
  .array(z.object({ user: z.string(), prompt: tokens, answer: tokens.nullable() }))
  .min(1)
  .parse(JSON.parse(readFileSync(new URL('llama-cpp.json', import.meta.url), 'utf8')))

test('prompts', () => {
  const model = new DemoModel(bytes)
  for (const { user, prompt } of recorded) assert.deepEqual(model.prompt(user), prompt, user)
})

test('greedy answers', () => {
  const file = readGguf(bytes)
  const llama = new Llama(file)
  const { stops } = new Tokenizer(file)
  for (const { user, prompt, answer } of recorded) {
    if (answer === null) continue
    const written = [...prompt]
    for (let position = 0; position < written.length && written.length < prompt.length + 100; position++) {
      const logits = llama.forward(written[position] ?? 0, position, true)
      const next = logits.indexOf(Math.max(...logits))
      if (position >= prompt.length - 1 && !stops.has(next)) written.push(next)
    }
    assert.deepEqual(written.slice(prompt.length), answer, user)
  }
})

test('the template of the file is the one that the prompt follows', () => {
  const template = readGguf(bytes).metadata.get('tokenizer.chat_template')
  assert.equal(template, readFileSync(new URL('chat-template.jinja', import.meta.url), 'utf8'))
})
