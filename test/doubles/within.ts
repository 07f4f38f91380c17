import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

const BEAT_MS = 25

/** Fails when it takes longer than this; says how long it took. What the machine stood still meanwhile does not count: it is seen by a beat that comes late. */
export async function within(ms: number, happens: Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  const patience = new AbortController()
  let late = 0
  let last = startedAt
  const beat = setInterval(() => {
    const now = performance.now()
    late += Math.max(0, now - last - BEAT_MS)
    last = now
  }, BEAT_MS)
  try {
    await Promise.race([happens, sleep(ms + 20_000, undefined, { signal: patience.signal }).then(() => assert.fail('it never happened'))])
  } finally {
    clearInterval(beat)
    patience.abort()
  }
  const took = performance.now() - startedAt - late
  assert.ok(took <= ms, `${Math.round(took)} ms`)
  return took
}
