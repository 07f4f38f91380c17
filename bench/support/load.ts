/** Load from a process of its own, so that its work does not delay the clock that measures. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import * as z from 'zod'
import type { Gateway } from './servers.ts'
import type { Program } from './process.ts'

export type Model = 'short' | 'paced' | 'long' | 'long-cut'

export interface Load {
  readonly target: Program | Gateway
  readonly atOnce: number
  readonly model?: Model
  readonly stream?: boolean
  readonly session?: string
  /** Ends after so many requests or so much time, whatever comes first. */
  readonly count?: number
  readonly forMs?: number
}

const loadResult = z.union([
  z.object({ ms: z.number(), latencies: z.array(z.number()).min(1), firstTokens: z.array(z.number()) }),
  z.object({ failure: z.string() }),
])

export interface LoadResult {
  readonly perSecond: number
  /** Milliseconds of each request. */
  readonly latencies: readonly number[]
  /** Milliseconds to the first text of each stream. */
  readonly firstTokens: readonly number[]
}

export const USER_TEXT = 'Say hello to the people who read this.'

export interface LoadGenerator {
  readonly run: (load: Load) => Promise<LoadResult>
  readonly stop: () => void
}

export function startLoadGenerator(): LoadGenerator {
  const child = fork(join(import.meta.dirname, '..', 'programs', 'load-generator.mjs'))
  return {
    async run(load) {
      const { target, atOnce, model = 'short', stream = false, session, count = 1_000_000, forMs = 60_000 } = load
      child.send({
        port: target.port,
        headers: {
          'content-type': 'application/json',
          ...('token' in target ? { authorization: `Bearer ${target.token}` } : {}),
          ...(session === undefined ? {} : { 'x-carapace-session': session }),
        },
        body: JSON.stringify({
          model: 'token' in target ? `openai:${model}` : model,
          ...(stream ? { stream } : {}),
          messages: [{ role: 'user', content: USER_TEXT }],
        }),
        atOnce,
        count,
        forMs,
      })
      const [message]: unknown[] = await once(child, 'message')
      const result = loadResult.parse(message)
      if ('failure' in result) throw new Error(`load failed: ${result.failure}`)
      const { ms, latencies, firstTokens } = result
      return { perSecond: (latencies.length * 1000) / ms, latencies, firstTokens }
    },
    stop: () => void child.kill(),
  }
}
