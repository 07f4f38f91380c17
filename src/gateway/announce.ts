/** Messages that no tool sends, through the outbox. Each has its receipts, the first on the disk before it is accepted. */
import { newId } from '../std/ids.ts'
import type { AuditTrail, MessagePurpose } from '../contracts/audit.ts'
import type { Clock } from '../contracts/clock.ts'
import type { AcceptedMessage, DestinationInfo, Messages } from '../contracts/destination.ts'

export interface Announcement {
  readonly to: string
  readonly text: string
  readonly purpose: MessagePurpose
  /** Who wants it: the id of a principal, or a part of the gateway. */
  readonly by: string
  /** When nobody wants it any more. */
  readonly until?: number
  /** What makes it the same message when it is sent again after a crash; without one it is another each time. */
  readonly id?: string
}

export interface Announcer {
  readonly destinations: readonly DestinationInfo[]
  /** Resolves when it is in the outbox. Throws as `Messages.accept` does, and `audit/unwritable`. */
  announce(announcement: Announcement): Promise<AcceptedMessage & { readonly host: string }>
}

export function createAnnouncer(messages: Messages, audit: AuditTrail, clock: Clock): Announcer {
  const { destinations } = messages
  return {
    destinations,
    async announce({ to, text, purpose, by, until, id: given }) {
      const host = destinations.find(({ name }) => name === to)?.host ?? ''
      const startedAt = clock.now()
      const id = given ?? newId('message', startedAt)
      if (host !== '') await audit.keep({ kind: 'message-intended', id, to, host, purpose, by })
      try {
        const accepted = await messages.accept({ to, text, key: id, purpose, turnId: null, sessionId: null, ...(until === undefined ? {} : { until }) })
        return { ...accepted, host }
      } catch (error) {
        const nothing = { entry: null, turn: null, attempts: 0, mayRepeat: false }
        if (host !== '') audit.note({ kind: 'message-completed', id, to, host, outcome: 'failed', ...nothing, ms: clock.now() - startedAt })
        throw error
      }
    },
  }
}
