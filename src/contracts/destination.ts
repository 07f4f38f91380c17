/** Places outside to which messages may go. Each is named by the owner in the configuration: a model chooses among names and never sees an address. */
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

/** `deliver` is the sink: it takes text that passed the outbound checkpoint. The same key is the same message. Throws `message/undelivered`, also when the signal aborts. */
export interface Destination extends DestinationInfo {
  /** Characters of one message. */
  readonly maxText: number
  deliver(message: Cleared<{ readonly text: string }>, key: string, signal: AbortSignal): Promise<void>
}

export interface OutgoingMessage {
  /** A name of the configuration. */
  readonly to: string
  readonly text: string
  /** The same for the same message, also after a crash: the receiver is told, and takes it once. */
  readonly key: string
}

export interface Messages {
  readonly destinations: readonly DestinationInfo[]
  /** Through the outbound checkpoint. Throws `message/unknown-destination`, `message/too-long`, `message/undelivered`, `guard/blocked`. */
  send(message: OutgoingMessage, signal: AbortSignal): Promise<void>
}
