/**
 * What a model of the Gemini API accepts, read from its name. An alias without a number (`gemini-flash-latest`) counts as current.
 * https://ai.google.dev/gemini-api/docs/generate-content/thinking
 */
import type { JsonObject } from '../../contracts/json.ts'
import type { ModelRequest } from '../../contracts/provider.ts'

export interface GeminiTraits {
  readonly thinking: 'level' | 'budget' | 'none'
  /** Calls of the turn under way must carry the model's signature. */
  readonly needsSignatures: boolean
  /** JSON answers and tools in one request. */
  readonly jsonWithTools: boolean
}

export function geminiTraits(model: string): GeminiTraits {
  const name = /gemini-(?:(\d+)(?:\.(\d+))?)?/i.exec(model)
  const version = name === null ? 0 : name[1] === undefined ? 99 : Number(name[1]) + Number(name[2] ?? 0) / 10
  return { thinking: version >= 3 ? 'level' : version >= 2.5 ? 'budget' : 'none', needsSignatures: version >= 3, jsonWithTools: version >= 3 }
}

const BUDGETS = { low: 1024, medium: 8192, high: 24_576 } as const

export function thinkingConfigOf(request: ModelRequest, traits: GeminiTraits): JsonObject | null {
  const effort = request.reasoningEffort
  if (effort === undefined || traits.thinking === 'none') return null
  if (traits.thinking === 'budget') return { includeThoughts: true, thinkingBudget: BUDGETS[effort] }
  // The first of the third generation knows two levels only.
  return { includeThoughts: true, thinkingLevel: effort === 'medium' && /gemini-3-pro/i.test(request.model) ? 'high' : effort }
}
