/**
 * Windows and list prices of well-known models, as of 2026-11-01, from the vendors' public price pages. Config (`usage.prices`, `agent.context.windowTokens`) wins; a model
 * that is not here has no price, and its cost is shown as unknown, never as zero.
 */
import type { Price } from '../config/schema.ts'

interface KnownModel {
  /** Dated variants share the prefix: `claude-sonnet-4-5-20250929`. */
  readonly prefix: string
  readonly contextTokens: number
  readonly price: Price
}

function model(prefix: string, contextTokens: number, input: number, output: number, cacheRead?: number, cacheWrite?: number): KnownModel {
  return {
    prefix,
    contextTokens,
    price: {
      inputPerMTok: input,
      outputPerMTok: output,
      ...(cacheRead === undefined ? {} : { cacheReadPerMTok: cacheRead }),
      ...(cacheWrite === undefined ? {} : { cacheWritePerMTok: cacheWrite }),
    },
  }
}

/** US dollars per million tokens: input, output, cache read, cache write. */
const KNOWN: readonly KnownModel[] = [
  model('anthropic:claude-sonnet-5-5', 1_000_000, 2, 10, 0.2, 2.5),
  model('anthropic:claude-sonnet-5', 1_000_000, 2, 10, 0.2, 2.5),
  model('anthropic:claude-opus-5-5', 1_000_000, 4, 20),
  model('anthropic:claude-opus-5', 1_000_000, 5, 25),
  model('anthropic:claude-fable-5-1', 1_000_000, 10, 50),
  model('anthropic:claude-opus-4-5', 200_000, 5, 25, 0.5, 6.25),
  model('anthropic:claude-opus-4-1', 200_000, 15, 75, 1.5, 18.75),
  model('anthropic:claude-sonnet-4-5', 200_000, 3, 15, 0.3, 3.75),
  model('anthropic:claude-sonnet-4', 200_000, 3, 15, 0.3, 3.75),
  model('anthropic:claude-haiku-4-5', 200_000, 1, 5, 0.1, 1.25),
  model('openai:gpt-5-mini', 400_000, 0.25, 2, 0.025),
  model('openai:gpt-5-nano', 400_000, 0.05, 0.4, 0.005),
  model('openai:gpt-5.1', 400_000, 1.25, 10, 0.125),
  model('openai:gpt-5', 400_000, 1.25, 10, 0.125),
  model('openai:gpt-4.1-mini', 1_047_576, 0.4, 1.6, 0.1),
  model('openai:gpt-4.1', 1_047_576, 2, 8, 0.5),
  model('openai:gpt-4o-mini', 128_000, 0.15, 0.6, 0.075),
  model('openai:gpt-4o', 128_000, 2.5, 10, 1.25),
  model('gemini:gemini-3.5-flash', 1_048_576, 1.5, 9, 0.15),
  model('gemini:gemini-2.5-flash-lite', 1_048_576, 0.1, 0.4, 0.01),
  model('gemini:gemini-2.5-flash', 1_048_576, 0.3, 2.5, 0.03),
  model('gemini:gemini-2.5-pro', 1_048_576, 1.25, 10, 0.125),
]

/** The entry with the longest prefix that ends at a word boundary of the name. */
export function knownModel(name: string): KnownModel | null {
  let best: KnownModel | null = null
  for (const entry of KNOWN) {
    const follows = name.slice(entry.prefix.length)
    if (name.startsWith(entry.prefix) && /^(?:$|[-@])/.test(follows) && entry.prefix.length > (best?.prefix.length ?? 0)) best = entry
  }
  return best
}
