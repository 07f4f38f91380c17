/** Messages that no tool sends. Each has its receipts, the first on the disk before it leaves. */
import { newId } from '../std/ids.ts'
import type { AuditTrail, MessagePurpose } from '../contracts/audit.ts'
import type { Clock } from '../contracts/clock.ts'
import type { DestinationInfo, Messages } from '../contracts/destination.ts'

export interface Announcement {
  readonly to: string
  readonly text: string
  readonly purpose: MessagePurpose
  /** Who wants it: the id of a principal, or a part of the gateway. */
  readonly by: string
}

export interface Announcer {
  readonly destinations: readonly DestinationInfo[]
  /** Resolves when it was delivered. Throws as `Messages.send` does, and `audit/unwritable`. */
  announce(announcement: Announcement, signal: AbortSignal): Promise<{ readonly host: string; readonly ms: number }>
}

export function createAnnouncer(messages: Messages, audit: AuditTrail, clock: Clock): Announcer {
  const { destinations } = messages
  return {
    destinations,
    async announce({ to, text, purpose, by }, signal) {
      const host = destinations.find(({ name }) => name === to)?.host ?? ''
      const startedAt = clock.now()
      const id = newId('message', startedAt)
      if (host !== '') await audit.keep({ kind: 'message-intended', id, to, host, purpose, by })
      let outcome: 'ok' | 'failed' = 'failed'
      try {
        await messages.send({ to, text, key: id }, signal)
        outcome = 'ok'
      } finally {
        if (host !== '') audit.note({ kind: 'message-completed', id, outcome, ms: clock.now() - startedAt })
      }
      return { host, ms: clock.now() - startedAt }
    },
  }
}
