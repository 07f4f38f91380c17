/**
 * What a Claude model accepts, read from its name; Bedrock carries the same names inside its own. A Claude without a version counts as current, because
 * vendors drop parameters, they do not bring them back. Names of other makers (servers that speak the same protocol) get the protocol's plain form.
 * https://platform.claude.com/docs/en/about-claude/models/migration-guide
 */
import type { JsonObject } from '../../contracts/json.ts'
import type { ModelRequest } from '../../contracts/provider.ts'

export interface ClaudeTraits {
  readonly isClaude: boolean
  /** How reasoning is asked for: by tokens, by effort, or not at all. */
  readonly thinking: 'budget' | 'effort' | 'none'
  /** Which of temperature and top-p may be sent: `one` means not together. */
  readonly sampling: 'both' | 'one' | 'none'
  readonly forcedTools: boolean
  readonly structuredOutput: boolean
  readonly caching: boolean
  /**
   * Reasoning is bound to all that stood before it, and refused when any of that has changed since: a summary, another hour in the system prompt.
   * https://platform.claude.com/docs/en/build-with-claude/preserved-thinking/prefix-checks
   */
  readonly bindsReasoning: boolean
}

const OTHER: ClaudeTraits = {
  isClaude: false,
  thinking: 'budget',
  sampling: 'both',
  forcedTools: true,
  structuredOutput: false,
  caching: true,
  bindsReasoning: false,
}

/** `claude-sonnet-4-5-20250929`, `claude-3-7-sonnet-…`, `us.anthropic.claude-opus-4-7`, `claude-v2:1`. A date is not a version. */
const NAME = /claude-(?:(?<family>[a-z]+)-)?v?(?<major>\d{1,2})(?:[.-](?<minor>\d{1,2}))?(?!\d)(?:-(?<after>[a-z]+))?/i

export function claudeTraits(model: string): ClaudeTraits {
  if (!/claude/i.test(model)) return OTHER
  const named = /claude-instant/i.test(model) ? null : NAME.exec(model)?.groups
  const family = (named?.['family'] ?? named?.['after'] ?? '').toLowerCase()
  // 4.7 reads as 407; a name without a number is the newest, Claude Instant the oldest.
  const version = named === null ? 100 : named === undefined ? 9900 : Number(named['major']) * 100 + Number(named['minor'] ?? 0)
  return {
    isClaude: true,
    thinking: version >= 406 ? 'effort' : version >= 307 ? 'budget' : 'none',
    sampling: version >= 407 ? 'none' : version >= 405 ? 'one' : 'both',
    forcedTools: version <= 500 || family === 'haiku' || version === 9900,
    structuredOutput: version >= 405,
    caching: version >= 307 || (version === 305 && family === 'haiku'),
    bindsReasoning: version >= (family === 'fable' || family === 'mythos' ? 501 : 505),
  }
}

const BUDGETS = { low: 2048, medium: 8192, high: 16_384 } as const
const MIN_BUDGET = 1024
const ADAPTIVE: JsonObject = { type: 'adaptive', display: 'summarized' }
/** These models reason in any case. Reasoning that no longer fits what stands before it is to be left out, not to fail the request. */
const BOUND: JsonObject = { ...ADAPTIVE, block_binding: { prefix_mismatch_behavior: 'drop_block' } }

export interface Thinking {
  /** The `thinking` field, where the model shall reason. */
  readonly thinking?: JsonObject
  /** The `effort` of the output configuration. */
  readonly effort?: string
}

/**
 * `maxTokens` bounds reasoning and answer together, so a budget leaves room for the answer; where it cannot, there is no reasoning. `mayStart` is false when a turn
 * is under way that did not begin with reasoning of this model, which the budget form refuses to continue.
 */
export function thinkingOf(
  request: ModelRequest,
  traits: ClaudeTraits,
  context: { readonly maxTokens: number; readonly isForced: boolean; readonly mayStart: boolean },
): Thinking {
  const effort = request.reasoningEffort
  if (traits.bindsReasoning) return { thinking: BOUND, ...(effort === undefined ? {} : { effort }) }
  if (effort === undefined || traits.thinking === 'none') return {}
  if (traits.thinking === 'effort') return { thinking: ADAPTIVE, effort }
  const budget = Math.min(BUDGETS[effort], context.maxTokens - MIN_BUDGET)
  if (budget < MIN_BUDGET || context.isForced || !context.mayStart) return {}
  return { thinking: { type: 'enabled', budget_tokens: budget } }
}

/** The sampling values that may be sent, of those asked for. Reasoning models choose their own. */
export function samplingOf(request: ModelRequest, traits: ClaudeTraits, isThinking: boolean): { readonly temperature?: number; readonly topP?: number } {
  if (traits.sampling === 'none' || isThinking) return {}
  const temperature = request.temperature === undefined ? {} : { temperature: Math.min(1, request.temperature) }
  const isEnough = traits.sampling === 'one' && request.temperature !== undefined
  return { ...temperature, ...(request.topP === undefined || isEnough ? {} : { topP: request.topP }) }
}
