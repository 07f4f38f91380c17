/** Asks a model for a summary, through the same checkpoint as every other request. */
import type { Log } from '../contracts/log.ts'
import type { ModelRequest } from '../contracts/provider.ts'
import type { Usage } from '../contracts/usage.ts'
import { prompt as promptCheckpoint } from '../guard/pipeline.ts'
import { clearNow } from '../guard/run-checkpoint.ts'
import type { Reporter } from '../guard/stage.ts'
import { SUMMARY_SYSTEM_PROMPT } from './compact.ts'
import type { ResolvedModel } from './models.ts'

export interface SummarizerOptions {
  readonly model: ResolvedModel
  readonly report: Reporter
  readonly signal: AbortSignal
  readonly log: Log
  readonly spend: (usage: Usage) => void
}

const MAX_SUMMARY_TOKENS = 1024

/** Answers null when the model cannot: a demo has no such skill, a vendor may be down. */
export function createSummarizer({ model, report, signal, log, spend }: SummarizerOptions): (prompt: string) => Promise<string | null> {
  return async (prompt) => {
    if (model.provider.traits.demo) return null
    // The transcript has its marks already, part by part.
    const origin = { author: { kind: 'model', name: 'carapace' }, trust: 'trusted', private: true } as const
    const request: ModelRequest = {
      model: model.model,
      system: SUMMARY_SYSTEM_PROMPT,
      messages: [{ role: 'user', parts: [{ type: 'text', text: prompt, origin }] }],
      tools: [],
      maxOutputTokens: MAX_SUMMARY_TOKENS,
    }
    const context = { systemPrompt: SUMMARY_SYSTEM_PROMPT, windowTokens: model.windowTokens, estimatedTokens: 0, injection: 'mark' } as const
    const decision = clearNow(promptCheckpoint, request, context, report)
    if (!decision.ok) return null
    let text = ''
    for await (const event of model.provider.stream(decision.value, signal)) {
      if (event.type === 'text-delta') text += event.text
      else if (event.type === 'finish') spend(event.usage)
      else if (event.type === 'error') {
        log.warn('summary.failed', { model: model.name, fault: event.fault.kind })
        return null
      }
    }
    return text.trim() === '' ? null : text.trim()
  }
}
