/**
 * Tells the owner's destinations that questions wait for him: tool, conversation, id and how to answer. Nothing that a model wrote: not the arguments, and not the destinations among
 * them, or a held call would carry its data out by being held. What comes close together goes together. What was told stands in the store: whatever a crash cut off is told by the next start,
 * or by another node, and once, since a notice keeps its key.
 */
import { newId } from '../std/ids.ts'
import type { Approval } from '../contracts/approval.ts'
import type { ApprovalStore } from '../contracts/approval-store.ts'
import type { Clock } from '../contracts/clock.ts'
import type { Log } from '../contracts/log.ts'
import type { Announcer } from './announce.ts'
import type { Approvals } from './approvals.ts'

export interface AnnounceOptions {
  readonly approvals: Pick<Approvals, 'subscribe'>
  readonly store: Pick<ApprovalStore, 'untold' | 'told'>
  readonly announcer: Announcer
  /** Names of destinations. */
  readonly notify: readonly string[]
  /** Another node may die with something untold. */
  readonly isShared: boolean
  readonly clock: Clock
  readonly log: Log
}

export interface ApprovalNotices {
  /** Tells what was not told. Happens by itself when something is asked. */
  look(): void
  stop(): void
}

/** Between two messages; longer and longer while one of them cannot be handed over. */
const PAUSE_MS = 5000
const MAX_PAUSE_MS = 300_000
const LOOK_MS = 30_000
/** Named in one message; the others are counted. */
const MAX_NAMED = 10

export function announceApprovals({ approvals, store, announcer, notify, isShared, clock, log }: AnnounceOptions): ApprovalNotices {
  const stopped = new AbortController()
  const pause = (ms: number) => clock.sleep(ms, stopped.signal).catch(() => undefined)
  let isTelling = false
  let looksAgain = false

  function look(): void {
    looksAgain = true
    if (!isTelling) void tellAll()
  }

  async function tellAll(): Promise<void> {
    isTelling = true
    for (let wait = PAUSE_MS; looksAgain && !stopped.signal.aborted;) {
      looksAgain = false
      const outcome = await tellUntold()
      if (outcome === 'failed') looksAgain = true
      wait = outcome === 'failed' ? Math.min(MAX_PAUSE_MS, wait * 2) : PAUSE_MS
      if (outcome !== 'nothing') await pause(wait)
    }
    isTelling = false
  }

  async function tellUntold(): Promise<'told' | 'nothing' | 'failed'> {
    try {
      const notices = await store.untold(newId('notice', clock.now()))
      let isAllTold = true
      for (const { id, approvals: asked } of notices) {
        const handedOver = await Promise.all(notify.map((to) => tell(to, id, asked)))
        if (handedOver.every(Boolean)) await store.told(id, clock.now())
        else isAllTold = false
      }
      return notices.length === 0 ? 'nothing' : isAllTold ? 'told' : 'failed'
    } catch (error) {
      if (!stopped.signal.aborted) log.warn('approval.untold', { error })
      return 'failed'
    }
  }

  async function tell(to: string, notice: string, asked: readonly Approval[]): Promise<boolean> {
    const until = Math.max(...asked.map(({ expiresAt }) => expiresAt))
    try {
      await announcer.announce({ to, text: describe(asked), purpose: 'approval', by: 'approvals', until, id: `${notice}:${to}` })
      return true
    } catch (error) {
      if (!stopped.signal.aborted) log.warn('approval.untold', { to, error })
      return false
    }
  }

  async function lookAround(): Promise<void> {
    for (await pause(LOOK_MS); !stopped.signal.aborted; await pause(LOOK_MS)) look()
  }

  const unsubscribe = approvals.subscribe((changed) => {
    if (changed.some(({ status }) => status === 'pending')) look()
  })
  if (isShared) void lookAround()
  return {
    look,
    stop() {
      unsubscribe()
      stopped.abort()
    },
  }
}

function describe(waiting: readonly Approval[]): string {
  const named = waiting.slice(0, MAX_NAMED).map(({ id, tool, sessionKey }) => `- ${tool}${sessionKey === null ? '' : ` in ${sessionKey}`}: ${id}`)
  const others = waiting.length > MAX_NAMED ? [`and ${waiting.length - MAX_NAMED} more`] : []
  const until = new Date(Math.min(...waiting.map(({ expiresAt }) => expiresAt))).toISOString().slice(0, 16).replace('T', ' ')
  const head = waiting.length === 1 ? 'A call waits for your word:' : `${waiting.length} calls wait for your word:`
  return [
    head,
    ...named,
    ...others,
    `Look at it with: cara approvals show ID. Then cara approvals allow ID, or deny ID. Without an answer until ${until} UTC it is refused.`,
  ].join('\n')
}
