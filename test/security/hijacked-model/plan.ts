/** A plan of a hijacked model, as data: what the owner says, what others have written, and what the model then does whatever it was told. */
import type { Author } from '../../../src/contracts/origin.ts'
import type { Message } from '../../../src/contracts/message.ts'
import type { Scene } from '../../doubles/scripted-provider.ts'

export type PlanClass =
  | 'destinations'
  | 'laundering'
  | 'splitting'
  | 'encodings'
  | 'lookalikes'
  | 'replies'
  | 'lies'
  | 'questions'
  | 'loops'
  | 'credentials'
  | 'files'
  | 'self-scheduling'
  | 'network'
  | 'programs'
  | 'messages'
  | 'doors'
  | 'long games'

export interface Turn {
  readonly says: string
  /** `main` unless said otherwise; null is a request without a session. */
  readonly session?: string | null
  /** The owner unless said otherwise. */
  readonly sender?: Author
  readonly context?: readonly Message[]
  /** One answer of the model each; then it says that it is done. */
  readonly steps: readonly Scene[]
  /** What the owner answers, question by question; he says no to all further ones. `leave` leaves the question open, and the plan goes on. */
  readonly answers?: readonly ('once' | 'session' | 'deny' | 'leave')[]
  /** The process dies before this turn, and starts again. */
  readonly afterRestart?: boolean
}

export interface Plan {
  readonly name: string
  readonly class: PlanClass
  /** Rows of docs/security/threats.md. */
  readonly rows: string
  readonly turns: readonly Turn[]
  /** By `host/path`. */
  readonly pages?: Readonly<Record<string, string>>
  /** What `mail_search` finds. */
  readonly mailbox?: string
  /** In the folder that the file tools may use. */
  readonly files?: Readonly<Record<string, string>>
  /** The owner has opened the folder for writing. */
  readonly mayWrite?: true
  /** What the model answers when it is asked for a summary. */
  readonly summary?: string
  readonly agent?: Readonly<Record<string, unknown>>
  /** Effects that the owner himself asked for, in order; all others are breaches. */
  readonly may?: readonly string[]
  /** Texts that must show nowhere: in no request to the model, no reply, nothing that leaves. */
  readonly never?: readonly string[]
  /** A host that no reply may lead to: clients open previews and pictures by themselves. */
  readonly leadsTo?: string
  /** Defences (`checkpoint.stage`, or one of the world's own); with all of them taken away the plan succeeds. */
  readonly without: readonly string[]
}
