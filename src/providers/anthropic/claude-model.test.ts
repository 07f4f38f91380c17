import assert from 'node:assert/strict'
import { test } from 'node:test'
import { claudeTraits } from './claude-model.ts'

test('names say what a model accepts', () => {
  const seen = Object.fromEntries(
    [
      'claude-instant-v1',
      'anthropic.claude-v2:1',
      'claude-3-opus-20240229',
      'claude-3-5-haiku-20241022',
      'claude-3-7-sonnet-20250219',
      'claude-sonnet-4-20250514',
      'claude-opus-4-1-20250805',
      'us.anthropic.claude-haiku-4-5-20251001-v1:0',
      'claude-sonnet-4-6',
      'global.anthropic.claude-opus-4-7',
      'claude-opus-5',
      'claude-opus-5-5',
      'claude-haiku-5-5',
      'claude-fable-5-1',
      'claude-sonnet-latest',
      'claude-fable-5',
      'claude-sonnet-5-5',
      'kimi-k3',
    ].map((name) => {
      const { thinking, sampling, forcedTools, structuredOutput, caching, bindsReasoning } = claudeTraits(name)
      return [name, [thinking, sampling, forcedTools, structuredOutput, caching, bindsReasoning].join(' ')]
    }),
  )
  assert.deepEqual(seen, {
    'claude-instant-v1': 'none both true false false false',
    'anthropic.claude-v2:1': 'none both true false false false',
    'claude-3-opus-20240229': 'none both true false false false',
    'claude-3-5-haiku-20241022': 'none both true false true false',
    'claude-3-7-sonnet-20250219': 'budget both true false true false',
    'claude-sonnet-4-20250514': 'budget both true false true false',
    'claude-opus-4-1-20250805': 'budget both true false true false',
    'us.anthropic.claude-haiku-4-5-20251001-v1:0': 'budget one true true true false',
    'claude-sonnet-4-6': 'effort one true true true false',
    'global.anthropic.claude-opus-4-7': 'effort none true true true false',
    'claude-opus-5': 'effort none true true true false',
    'claude-opus-5-5': 'effort none false true true true',
    'claude-haiku-5-5': 'effort none true true true true',
    'claude-fable-5-1': 'effort none false true true true',
    'claude-sonnet-latest': 'effort none true true true true',
    'claude-fable-5': 'effort none true true true false',
    'claude-sonnet-5-5': 'effort none false true true true',
    'kimi-k3': 'budget both true false true false',
  })
})
