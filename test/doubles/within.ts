import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

/** Fails when it takes longer than this; says how long it took. */
export async function within(ms: number, happens: Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  const patience = new AbortController()
  await Promise.race([happens, sleep(ms + 2000, undefined, { signal: patience.signal }).then(() => assert.fail('it never happened'))])
  patience.abort()
  const took = performance.now() - startedAt
  assert.ok(took <= ms, `${Math.round(took)} ms`)
  return took
}
