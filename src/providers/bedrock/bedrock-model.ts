/**
 * What a model on Bedrock accepts, read from its id (`us.anthropic.claude-sonnet-4-6`, `amazon.nova-pro-v1:0`, or an ARN that holds one). An id that says nothing,
 * such as the ARN of an application inference profile, gets the plain form. https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html
 */
import { claudeTraits, type ClaudeTraits } from '../anthropic/claude-model.ts'

export interface BedrockTraits {
  readonly claude: ClaudeTraits
  /** Where cache points may stand. https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html */
  readonly cacheMessages: boolean
  readonly cacheTools: boolean
  /** Tool results say themselves whether they are errors. */
  readonly resultStatus: boolean
  /** How reasoning is asked for, beside Claude's own ways. */
  readonly reasoning: 'claude' | 'nova' | 'openai' | 'none'
}

export function bedrockTraits(model: string): BedrockTraits {
  const claude = claudeTraits(model)
  const isNova = /amazon\.nova/i.test(model)
  const cachesClaude = claude.isClaude && claude.caching
  return {
    claude,
    cacheMessages: cachesClaude || isNova,
    cacheTools: cachesClaude,
    resultStatus: claude.isClaude || isNova,
    reasoning: claude.isClaude ? 'claude' : /amazon\.nova-2/i.test(model) ? 'nova' : /openai\.gpt-oss/i.test(model) ? 'openai' : 'none',
  }
}
