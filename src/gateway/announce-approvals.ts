/**
 * Tells the owner's destinations that questions wait for him: tool, conversation, id and how to answer. Nothing that a model wrote: not the arguments, and not the destinations among
 * them, or a held call would carry its data out by being held. What comes close together goes together.
 */
import type { Approval } from '../contracts/approval.ts'
import type { Clock } from '../contracts/clock.ts'
import type { Log } from '../contracts/log.ts'
import type { Announcer } from './announce.ts'
import type { Approvals } from './approvals.ts'

export interface AnnounceOptions {
  readonly approvals: Pick<Approvals, 'subscribe'>
  readonly announcer: Announcer
  /** Names of destinations. */
  readonly notify: readonly string[]
  readonly clock: Clock
  readonly log: Log
}

/** Between two messages. */
const PAUSE_MS = 5000
/** Named in one message; the others are counted. */
const MAX_NAMED = 10

/** Returns the way to stop. */
export function announceApprovals({ approvals, announcer, notify, clock, log }: AnnounceOptions): () => void {
  const stopped = new AbortController()
  /** Asked, not told yet, and not decided meanwhile; as many as may wait at all. */
  const untold = new Map<string, Approval>()
  let isTelling = false

  async function tellAll(): Promise<void> {
    isTelling = true
    while (untold.size > 0 && !stopped.signal.aborted) {
      const waiting = [...untold.values()]
      const text = describe(waiting)
      const until = Math.max(...waiting.map(({ expiresAt }) => expiresAt))
      untold.clear()
      await Promise.all(notify.map((to) => tell(to, text, until)))
      await clock.sleep(PAUSE_MS, stopped.signal).catch(() => undefined)
    }
    isTelling = false
  }

  async function tell(to: string, text: string, until: number): Promise<void> {
    try {
      await announcer.announce({ to, text, purpose: 'approval', by: 'approvals', until })
    } catch (error) {
      if (!stopped.signal.aborted) log.warn('approval.untold', { to, error })
    }
  }

  const unsubscribe = approvals.subscribe((changed) => {
    for (const approval of changed) {
      if (approval.status === 'pending') untold.set(approval.id, approval)
      else untold.delete(approval.id)
    }
    if (!isTelling && untold.size > 0) void tellAll()
  })
  return () => {
    unsubscribe()
    stopped.abort()
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
