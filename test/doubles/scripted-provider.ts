/** A provider that plays a script: one list of events for each request, in order. Records what it was asked. A function in the script waits for whatever it awaits. */
import type { Cleared } from '../../src/contracts/cleared.ts'
import type { FaultKind, ModelEvent, ModelRequest, Provider, ProviderTraits } from '../../src/contracts/provider.ts'
import type { JsonValue } from '../../src/contracts/json.ts'
import { NO_USAGE } from '../../src/contracts/usage.ts'

export type Beat = ModelEvent | ((request: ModelRequest, signal: AbortSignal) => Promise<readonly ModelEvent[]>)
export type Scene = readonly Beat[]

export interface ScriptedProvider extends Provider {
  readonly requests: ModelRequest[]
}

export function scriptedProvider(
  id: string,
  scenes: readonly Scene[] | ((request: ModelRequest, index: number) => Scene),
  traits: Partial<ProviderTraits> = {},
): ScriptedProvider {
  const requests: ModelRequest[] = []
  return {
    id,
    traits: { images: true, tools: true, demo: false, ...traits },
    requests,
    async *stream(request: Cleared<ModelRequest>, signal: AbortSignal): AsyncGenerator<ModelEvent> {
      const index = requests.push(request) - 1
      const scene = typeof scenes === 'function' ? scenes(request, index) : (scenes[index] ?? fault('bad-request', 'the script has ended'))
      for (const beat of scene) {
        if (signal.aborted) return yield cancelled
        if (typeof beat !== 'function') yield beat
        else yield* await Promise.race([beat(request, signal), aborted(signal)])
      }
    },
    listModels: async () => [{ id: 'model' }],
  }
}

const cancelled: ModelEvent = { type: 'error', fault: { kind: 'cancelled', message: 'cancelled' } }

async function aborted(signal: AbortSignal): Promise<readonly ModelEvent[]> {
  const { promise, resolve } = Promise.withResolvers<readonly ModelEvent[]>()
  signal.addEventListener('abort', () => resolve([cancelled]), { once: true })
  return promise
}

export const usage = { ...NO_USAGE, inputTokens: 100, outputTokens: 10 }

/** Says a text and ends. */
export function says(text: string): Scene {
  return [
    { type: 'text-delta', text },
    { type: 'finish', reason: 'stop', usage },
  ]
}

/** Asks for tools: `['current_time', {}]`. */
export function calls(...wanted: readonly (readonly [tool: string, input: JsonValue])[]): Scene {
  return [
    ...wanted.map(([tool, input], index): ModelEvent => ({ type: 'tool-call-end', callId: `call-${index}`, tool, input })),
    { type: 'finish', reason: 'tool-calls', usage },
  ]
}

export function fault(kind: FaultKind, message: string = kind, retryAfterMs?: number): Scene {
  return [{ type: 'error', fault: { kind, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } }]
}

/** Never answers until it is cancelled. */
export const hangs: Scene = [() => new Promise(() => {})]
