import type { Origin } from '../../../contracts/origin.ts'
import type { Suspicion } from '../../../contracts/suspicion.ts'
import type { InboundMessage } from '../../../contracts/turn.ts'
import { PASS, type AsyncStage } from '../../stage.ts'
import type { ToolResultContext, TracedResult } from '../tool/facts.ts'
import type { InboundContext } from './facts.ts'

/** A second model that looks at text of others. */
export interface Classifier {
  readonly mode: 'warn' | 'block'
  /** What happens when it does not answer: the only stage that may fail open, by configuration. */
  readonly onError: 'open' | 'closed'
  /** The category of what it found; null for what is clean. Throws when there is no verdict. */
  classify(text: string, origin: Origin, signal: AbortSignal): Promise<string | null>
}

export interface Classifying {
  readonly classifier: Classifier
}

type Found = { readonly category: string } | 'clean' | 'unknown'

export const inboundClassified: AsyncStage<InboundMessage, InboundContext & Classifying> = {
  name: 'classified',
  async check(message, { classifier }, signal) {
    let found: string | null = null
    const parts = [...message.parts]
    for (const [index, part] of message.parts.entries()) {
      if (part.type !== 'text' || part.origin.trust === 'trusted') continue
      const verdict = await ask(classifier, part.text, part.origin, signal)
      if (verdict === 'unknown' && classifier.onError === 'closed') return unanswered
      if (typeof verdict !== 'object') continue
      found = verdict.category
      parts[index] = { ...part, suspicion: withClassifier(part.suspicion) }
    }
    if (found === null) return PASS
    return classifier.mode === 'block' ? blocked(found) : { verdict: 'rewrite', value: { ...message, parts }, why: `the classifier found ${found}` }
  },
}

export const resultClassified: AsyncStage<TracedResult, ToolResultContext & Classifying> = {
  name: 'classified',
  async check(result, { classifier }, signal) {
    if (result.origin === null || result.origin.trust === 'trusted') return PASS
    const verdict = await ask(classifier, result.output, result.origin, signal)
    if (verdict === 'unknown' && classifier.onError === 'closed') return unanswered
    if (typeof verdict !== 'object') return PASS
    if (classifier.mode === 'block') return blocked(verdict.category)
    return { verdict: 'rewrite', value: { ...result, suspicion: withClassifier(result.suspicion) }, why: `the classifier found ${verdict.category}` }
  },
}

async function ask(classifier: Classifier, text: string, origin: Origin, signal: AbortSignal): Promise<Found> {
  try {
    const category = await classifier.classify(text, origin, signal)
    return category === null ? 'clean' : { category }
  } catch {
    return 'unknown'
  }
}

function withClassifier(suspicion: readonly Suspicion[] = []): readonly Suspicion[] {
  return [...suspicion, 'classifier']
}

function blocked(category: string) {
  const hint = 'The owner can have it shown with a warning: cara config set guard.classifier.mode warn'
  return { verdict: 'block', code: 'guard/blocked', why: `the classifier takes it for an attack (${category})`, hint } as const
}

const unanswered = {
  verdict: 'block',
  code: 'guard/blocked',
  why: 'the classifier did not answer',
  hint: 'The owner can let text pass without it: cara config set guard.classifier.onError open',
} as const
