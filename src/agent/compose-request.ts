/** The request as one model gets it, through the prompt checkpoint. */
import { estimateTokens } from '../std/token-estimate.ts'
import type { Cleared } from '../contracts/cleared.ts'
import { messageTokens } from '../contracts/message-tokens.ts'
import type { Message } from '../contracts/message.ts'
import type { ModelFault, ModelRequest, ToolDefinition } from '../contracts/provider.ts'
import type { TurnOptions } from '../contracts/turn.ts'
import type { CoreConfig } from '../config/schema.ts'
import { prompt } from '../guard/pipeline.ts'
import { clearNow } from '../guard/run-checkpoint.ts'
import type { Reporter } from '../guard/stage.ts'
import type { ResolvedModel } from './models.ts'

/** What stays the same over a turn. */
export interface Composition {
  readonly system: string
  readonly tools: readonly ToolDefinition[]
  readonly options: TurnOptions
  readonly config: CoreConfig['agent']
  readonly injection: CoreConfig['guard']['injection']
  readonly cacheKey: string | undefined
  readonly report: Reporter
}

/** Tokens of a request beside its messages: system prompt, tools, and room for the answer (at most a quarter of the window). */
export function promptOverhead({ system, tools, options, config }: Composition, model: ResolvedModel): number {
  const answer = Math.min(options.maxOutputTokens ?? config.maxOutputTokens, model.windowTokens / 4)
  return estimateTokens(system) + toolTokens(tools) + toolTokens(options.clientTools ?? []) + answer
}

/** Definitions live as long as the program: each is measured once. */
const measured = new WeakMap<ToolDefinition, number>()

function toolTokens(tools: readonly ToolDefinition[]): number {
  let sum = 0
  for (const tool of tools) {
    const tokens = measured.get(tool) ?? estimateTokens(JSON.stringify(tool))
    measured.set(tool, tokens)
    sum += tokens
  }
  return sum
}

export function composeRequest(
  composition: Composition,
  model: ResolvedModel,
  messages: readonly Message[],
  remainingOutputTokens: number,
): Cleared<ModelRequest> | ModelFault {
  const { system, tools, options, config, injection, cacheKey, report } = composition
  const offered = model.provider.traits.tools ? [...tools, ...(options.clientTools ?? [])] : []
  const temperature = options.temperature ?? config.temperature
  const request: ModelRequest = {
    model: model.model,
    system,
    messages,
    tools: offered,
    maxOutputTokens: Math.max(1, Math.min(options.maxOutputTokens ?? config.maxOutputTokens, remainingOutputTokens)),
    ...(temperature === undefined ? {} : { temperature }),
    ...(options.topP === undefined ? {} : { topP: options.topP }),
    ...(options.stop === undefined ? {} : { stop: options.stop }),
    ...(options.toolChoice === undefined ? {} : { toolChoice: options.toolChoice }),
    ...(options.responseFormat === undefined ? {} : { responseFormat: options.responseFormat }),
    ...(options.reasoningEffort === undefined ? {} : { reasoningEffort: options.reasoningEffort }),
    ...(cacheKey === undefined ? {} : { cacheKey }),
  }
  if (!model.provider.traits.images && messages.some(({ parts }) => parts.some(({ type }) => type === 'image'))) {
    return { kind: 'bad-request', message: `${model.name} cannot see images` }
  }
  const estimatedTokens = promptOverhead(composition, model) + messages.reduce((sum, message) => sum + messageTokens(message), 0)
  const decision = clearNow(prompt, request, { systemPrompt: system, windowTokens: model.windowTokens, estimatedTokens, injection }, report)
  if (decision.ok) return decision.value
  const { code, why } = decision.refusal
  return { kind: code === 'provider/context-too-long' ? 'context-too-long' : 'bad-request', message: why }
}
