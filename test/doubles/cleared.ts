import assert from 'node:assert/strict'
import type { Cleared } from '../../src/contracts/cleared.ts'
import type { EgressFetch, Transport } from '../../src/contracts/egress.ts'
import { clearNow } from '../../src/guard/run-checkpoint.ts'
import { PASS } from '../../src/guard/stage.ts'

/** A value as a checkpoint that lets everything pass clears it: for tests of sinks, where the checks are not the subject. */
export function cleared<T extends object>(value: T): Cleared<T> {
  const decision = clearNow({ name: 'test', stages: [{ name: 'any', check: () => PASS }] }, value, null, () => undefined)
  assert.ok(decision.ok)
  return decision.value
}

/** The transport as leaves see it, without the egress checkpoint. */
export function uncheckedFetch(transport: Transport): EgressFetch {
  return (request, signal) => transport(cleared(request), signal)
}
