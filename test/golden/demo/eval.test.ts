/** How well the demo model chooses, on prompts that it has never seen; and how fast it is. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import * as z from 'zod'
import { DemoModel } from '../../../src/providers/demo/demo-model.ts'

const model = new DemoModel(readFileSync(new URL('../../../assets/demo-model.gguf', import.meta.url)))
const row = z.tuple([z.string(), z.string().nullable(), z.record(z.string(), z.string()).nullable(), z.string().nullable(), z.string().nullable()])
const call = z.object({ name: z.string(), arguments: z.record(z.string(), z.string()) })

function measure(
  name: string,
  context: TestContext,
): { readonly skills: number; readonly whole: number; readonly of: number; readonly tokensPerSecond: number } {
  const rows = z.array(row).parse(JSON.parse(readFileSync(new URL(`eval-${name}.json`, import.meta.url), 'utf8')))
  let [skills, whole, tokens] = [0, 0, 0]
  const startedAt = performance.now()
  for (const [user, skill, values, exactly, pattern] of rows) {
    const answer = model.generate(user, 160, () => false)
    assert.ok(answer.kind === 'answer')
    tokens += answer.inputTokens - answer.cachedTokens + answer.outputTokens
    const written = callIn(answer.text)
    if ((written?.name ?? null) !== skill) continue
    skills++
    const fits = values === null || JSON.stringify(written?.arguments) === JSON.stringify(values)
    if (fits && (exactly ?? answer.text) === answer.text && new RegExp(pattern ?? '').test(answer.text)) whole++
  }
  const result = { skills, whole, of: rows.length, tokensPerSecond: Math.round((tokens / (performance.now() - startedAt)) * 1000) }
  context.diagnostic(JSON.stringify(result))
  return result
}

function callIn(text: string): z.infer<typeof call> | null {
  const body = /^<tool_call>\n(.*)\n<\/tool_call>$/.exec(text)?.[1]
  return body === undefined ? null : call.parse(JSON.parse(body))
}

test('held-out prompts', (context) => {
  const { skills, whole, of, tokensPerSecond } = measure('heldout', context)
  assert.equal(of, 36)
  assert.ok(skills >= 31, `right skill, or rightly none, in ${skills}`)
  assert.ok(whole >= 24, `all right in ${whole}`)
  assert.ok(tokensPerSecond >= 60, `${tokensPerSecond} tokens a second`)
})

test('development prompts', (context) => {
  const { skills, whole, of } = measure('development', context)
  assert.equal(of, 30)
  assert.ok(skills >= 29, `right skill, or rightly none, in ${skills}`)
  assert.ok(whole >= 28, `all right in ${whole}`)
})
