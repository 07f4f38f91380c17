/**
 * The built-in demo model as a provider. It never pretends: a call is made only from the user's own words, results are shown as they are, and anything beyond its six
 * skills is answered with what it is and how to connect a real model. Sampling settings have no effect: it always takes the likeliest token.
 */
import type { Cleared } from '../../contracts/cleared.ts'
import { textOf } from '../../contracts/message.ts'
import type { Message } from '../../contracts/message.ts'
import type { FaultKind, FinishReason, ModelEvent, ModelRequest, Provider } from '../../contracts/provider.ts'
import { NO_USAGE } from '../../contracts/usage.ts'
import type { Usage } from '../../contracts/usage.ts'
import { newId } from '../../std/ids.ts'
import { ArgumentRules } from './arguments.ts'
import type { DemoEngine, Outcome } from './engine.ts'
import { renderResults } from './render-results.ts'
import { BEYOND, NOT_UNDERSTOOD, reply, TOO_LONG, unavailable } from './replies.ts'
import { skillCall } from './skills.ts'

const CONTEXT_TOKENS = 1024
const MAX_ANSWER_TOKENS = 160

export function createDemo(engine: Pick<DemoEngine, 'ask'>, now: () => number): Provider {
  return {
    id: 'demo',
    // No `contextTokens`: they bound the request, and of the request the model reads the newest message alone.
    traits: { images: false, tools: true, demo: true },
    async *stream(request, signal) {
      yield* await answer(request, signal, engine, now)
    },
    listModels: async () => [{ id: 'tiny', contextTokens: CONTEXT_TOKENS }],
  }
}

async function answer(request: Cleared<ModelRequest>, signal: AbortSignal, engine: Pick<DemoEngine, 'ask'>, now: () => number): Promise<readonly ModelEvent[]> {
  if (signal.aborted) return fault('cancelled', 'The request was cancelled')
  if (request.model !== 'tiny') return fault('bad-request', 'The built-in demo has one model, `demo:tiny`')
  const format = request.responseFormat?.type ?? 'text'
  if (format !== 'text') return fault('bad-request', 'The built-in demo model cannot write JSON; connect a real model with `cara setup`')
  const results = renderResults(request.messages)
  if (results !== null) return text(results, NO_USAGE, request)
  const asked = newestQuestion(request.messages)
  if (asked === '') return text(BEYOND, NO_USAGE, request)
  const outcome = await engine.ask(asked, Math.min(request.maxOutputTokens ?? MAX_ANSWER_TOKENS, MAX_ANSWER_TOKENS), signal)
  // Nothing before the newest message was in the prompt, so shortening the conversation would not help: this is no fault to recover from.
  if (outcome.kind === 'too-long') return text(TOO_LONG, NO_USAGE, request)
  return outcome.kind === 'answer' ? understood(outcome, asked, request, now) : faultOf(outcome)
}

function newestQuestion(messages: readonly Message[]): string {
  const newest = messages.findLast((message) => message.role === 'user')
  return newest === undefined ? '' : textOf(newest).trim()
}

function understood(outcome: Extract<Outcome, { kind: 'answer' }>, asked: string, request: ModelRequest, now: () => number): readonly ModelEvent[] {
  const usage: Usage = { ...NO_USAGE, inputTokens: outcome.inputTokens, cacheReadTokens: outcome.cachedTokens, outputTokens: outcome.outputTokens }
  if (outcome.isCut && outcome.outputTokens < MAX_ANSWER_TOKENS) return [{ type: 'finish', reason: 'length', usage }]
  const verdict = new ArgumentRules(asked).judge(outcome.text)
  if (verdict === 'text') return text(reply(asked, outcome.text), usage, request)
  const call = verdict === 'call' ? skillCall(outcome.text, asked) : null
  if (call === null) return text(NOT_UNDERSTOOD, usage, request)
  if (request.toolChoice === 'none' || !request.tools.some(({ name }) => name === call.tool)) return text(unavailable(call.tool), usage, request)
  const callId = newId('call', now())
  return [
    { type: 'tool-call-start', callId, tool: call.tool },
    { type: 'tool-call-delta', callId, text: JSON.stringify(call.input) },
    { type: 'tool-call-end', callId, tool: call.tool, input: call.input },
    finish('tool-calls', usage),
  ]
}

/** Text up to the first of the request's stop strings. */
function text(whole: string, usage: Usage, { stop = [] }: ModelRequest): readonly ModelEvent[] {
  const ends = stop.map((end) => whole.indexOf(end)).filter((at) => at >= 0)
  const shown = whole.slice(0, Math.min(whole.length, ...ends))
  return shown === '' ? [finish('stop', usage)] : [{ type: 'text-delta', text: shown }, finish('stop', usage)]
}

function finish(reason: FinishReason, usage: Usage): ModelEvent {
  return { type: 'finish', reason, usage }
}

function faultOf(outcome: Exclude<Outcome, { kind: 'answer' | 'too-long' }>): readonly ModelEvent[] {
  switch (outcome.kind) {
    case 'cancelled':
      return fault('cancelled', 'The request was cancelled')
    case 'busy':
      return fault('overloaded', 'Too many requests wait for the built-in demo model')
    case 'stopped':
      return fault('network', 'The thread of the built-in demo model stopped')
    case 'unusable':
      return fault(
        'bad-request',
        `The file of the built-in demo model cannot be used: ${outcome.why}. Install carapace again, or connect a real model with \`cara setup\``,
      )
  }
}

function fault(kind: FaultKind, message: string): readonly ModelEvent[] {
  return [{ type: 'error', fault: { kind, message } }]
}
