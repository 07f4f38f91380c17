/** Refusals of checkpoints that answer at once: kept in the background, so that nothing waits for them; a pass writes nothing. */
import { newId } from '../std/ids.ts'
import type { RefusalStore } from '../contracts/approval-store.ts'
import type { Clock } from '../contracts/clock.ts'
import type { Log } from '../contracts/log.ts'
import type { Reporter } from '../guard/stage.ts'

export interface RefusalKeeping {
  readonly refusals: RefusalStore
  readonly clock: Clock
  readonly log: Log
}

/** The id by which the owner can ask for it. */
export function keepRefusal(
  refusal: { readonly checkpoint: string; readonly rule: string; readonly why: string; readonly hint?: string | undefined },
  at: { readonly turnId: string | null; readonly sessionId: string | null },
  { refusals, clock, log }: RefusalKeeping,
): string {
  const id = newId('ref', clock.now())
  const { checkpoint, rule, why, hint } = refusal
  refusals
    .keep({ id, ...at, checkpoint, rule, tool: null, effectId: null, why, evidence: null, hint: hint ?? null, at: clock.now() })
    .catch((error: unknown) => log.error('refusal.unkept', { error }))
  return id
}

/** A reporter that also keeps what is refused. */
export function keepingRefusals(report: Reporter, at: { readonly turnId: string; readonly sessionId: string | null }, keeping: RefusalKeeping): Reporter {
  return (decision) => {
    report(decision)
    const { checkpoint, stage, verdict, why } = decision
    if (verdict === 'block' || verdict === 'fault')
      keepRefusal({ checkpoint, rule: stage ?? '', why: verdict === 'fault' ? `the check ${stage} failed` : (why ?? '') }, at, keeping)
  }
}
