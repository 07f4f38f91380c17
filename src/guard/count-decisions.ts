/**
 * Receipts of what the guard did not simply pass. The first of a kind is noted at once; what follows within the minute is counted and noted as one, so that a flood of strangers
 * cannot fill the disk.
 */
import type { AuditTrail } from '../contracts/audit.ts'
import type { CheckpointReport, Reporter } from './stage.ts'

export interface DecisionCounts {
  readonly report: Reporter
  /** Notes what is still only counted. */
  readonly close: () => void
}

const WINDOW_MS = 60_000
/** Stages are few; this bounds what a wrong name could make of them. */
const MAX_KINDS = 512

interface Window {
  readonly endsAt: number
  readonly facts: { readonly checkpoint: string; readonly rule: string; readonly verdict: string; readonly turn: string | null }
  count: number
}

export function countDecisions(audit: AuditTrail, now: () => number, windowMs = WINDOW_MS): DecisionCounts {
  const windows = new Map<string, Window>()
  const note = ({ facts, count }: Window) => audit.note({ kind: 'decision', ...facts, count })
  const sweep = (time: number) => {
    for (const [key, window] of windows) {
      if (window.endsAt > time) continue
      if (window.count > 0) note(window)
      windows.delete(key)
    }
  }
  let timer: NodeJS.Timeout | undefined
  const wait = () => {
    timer ??= setTimeout(() => {
      timer = undefined
      sweep(now())
      if (windows.size > 0) wait()
    }, windowMs).unref()
  }
  return {
    report({ checkpoint, stage, verdict, turn: about }: CheckpointReport) {
      if (verdict === 'pass') return
      const time = now()
      const rule = stage ?? ''
      const turn = about ?? null
      const key = `${checkpoint} ${rule} ${verdict} ${turn ?? ''}`
      const open = windows.get(key)
      if (open !== undefined && open.endsAt > time) {
        open.count++
        return
      }
      sweep(time)
      if (windows.size >= MAX_KINDS) return
      const facts = { checkpoint, rule, verdict, turn }
      audit.note({ kind: 'decision', ...facts, count: 1 })
      windows.set(key, { endsAt: time + windowMs, facts, count: 0 })
      wait()
    },
    close() {
      clearTimeout(timer)
      sweep(Infinity)
    },
  }
}
