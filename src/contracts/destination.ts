/** Places outside to which messages may go. Each is named by the owner in the configuration: a model chooses among names and never sees an address. */
import type { MessagePurpose } from './audit.ts'
import type { Cleared } from './cleared.ts'

/** How a platform counts the text of one message. */
export type TextUnit = 'utf-16' | 'bytes' | 'code-points'

export interface TextTraits {
  /** Of one message, in `unit`; at least 256. */
  readonly maxText: number
  readonly unit: TextUnit
  /** Whether receivers see fenced blocks of code as such. */
  readonly markup: 'plain' | 'markdown'
}

export interface DestinationInfo {
  readonly name: string
  readonly kind: 'webhook'
  readonly format: 'json' | 'text' | 'slack' | 'discord'
  /** For receipts and people; the rest of the address may be a credential. */
  readonly host: string
  /** Whether the receiver can tell that a message is ours. */
  readonly signed: boolean
  /** Whether the receiver is told the key of a message, and can take it once. */
  readonly keyed: boolean
}

/** What is said about a text beside it. */
export interface Label {
  /** The same for every attempt to deliver the same text. */
  readonly key: string
  /** Which part of how many; 1 of 1 where a message is whole. */
  readonly part: number
  readonly parts: number
  /** An earlier attempt may have arrived. */
  readonly mayRepeat: boolean
}

/** How one attempt ended. `why` is ours: it says nothing of what the receiver wrote. */
export type Attempt =
  | { readonly kind: 'taken' }
  /** And never will be. */
  | { readonly kind: 'refused'; readonly why: string }
  /** It did not arrive, and may later: not before `waitMs`, where the receiver said so. */
  | { readonly kind: 'later'; readonly why: string; readonly waitMs?: number | undefined }
  /** It may have arrived. */
  | { readonly kind: 'unknown'; readonly why: string; readonly waitMs?: number | undefined }

/** `deliver` is the sink: it takes text that passed the outbound checkpoint, tries once, and throws only when the signal aborts. */
export interface Destination extends DestinationInfo {
  readonly traits: TextTraits
  deliver(message: Cleared<{ readonly text: string }>, label: Label, signal: AbortSignal): Promise<Attempt>
}

export interface OutgoingMessage {
  /** A name of the configuration. */
  readonly to: string
  readonly text: string
  /** What makes it the same message, also after a crash: it is taken once. */
  readonly key: string
  readonly purpose: MessagePurpose
  /** Where a turn sends it. */
  readonly turnId: string | null
  readonly sessionId: string | null
  /** When nobody wants it any more. */
  readonly until?: number
}

export interface Messages {
  readonly destinations: readonly DestinationInfo[]
  /**
   * Through the outbound checkpoint into the queue of the destination; on the disk when it resolves. A key that was taken before is the same message again, whatever it says now. Throws
   * `message/unknown-destination`, `message/too-long`, `message/queue-full`, `guard/blocked`.
   */
  accept(message: OutgoingMessage): Promise<AcceptedMessage>
}

export interface AcceptedMessage {
  readonly id: string
  /**
   * Waits at most `patienceMs`: `sent`, or `queued` as soon as an attempt has failed that is made again. Throws `message/undelivered` for what will not be tried again, and the reason of
   * the signal.
   */
  readonly outcome: (patienceMs: number, signal: AbortSignal) => Promise<SendOutcome>
}

export type SendOutcome = { readonly status: 'sent' } | { readonly status: 'queued'; readonly why: string | null }
