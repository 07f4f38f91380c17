/**
 * Receipts: what was decided and done, as facts. Never message text, never a secret, never an address beyond its host: what must be recognisable is kept as a keyed hash
 * (`AuditTrail.mac`).
 */
import type { ApprovalStatus, Unlock } from './approval.ts'
import type { Effect } from './tool.ts'
import type { TurnStatus } from './turn.ts'

/** One call of a tool. */
interface CallFacts {
  readonly turn: string
  readonly session: string | null
  /** The door that the message came through, and who sent it: the credential where there is one. */
  readonly door: string
  readonly by: string
  /** Null where the model named none that exists. */
  readonly tool: string | null
  /** Content-derived: the same action of a turn has the same one. */
  readonly effectId: string
}

/** Why a message leaves: a tool sends it, or the gateway by itself. */
export const messagePurposes = ['tool', 'test', 'approval', 'job'] as const
export type MessagePurpose = (typeof messagePurposes)[number]

export type Receipt =
  /** The gateway holds the state folder. */
  | { readonly kind: 'state-locked'; readonly pid: number }
  /** `config`: keyed hash of the configuration file, null without one. */
  | { readonly kind: 'gateway-started'; readonly version: string; readonly host: string; readonly port: number; readonly config: string | null }
  | { readonly kind: 'gateway-stopped' }
  | { readonly kind: 'token-made' }
  /** The gateway's token was replaced; the old one opens nothing more. */
  | { readonly kind: 'token-rotated'; readonly by: string }
  /** Everything sealed was sealed again with a new key, kept there. */
  | { readonly kind: 'secrets-rotated'; readonly to: 'file' | 'os' | 'password' }
  | { readonly kind: 'password-changed'; readonly action: 'set' | 'removed' }
  /** A browser came in by the password. */
  | { readonly kind: 'session-opened'; readonly by: string }
  | { readonly kind: 'sessions-ended'; readonly reason: string; readonly count: number }
  | {
      readonly kind: 'device-changed'
      readonly device: string
      readonly action: 'approved' | 'rejected' | 'claimed' | 'rotated' | 'revoked'
      readonly by: string
      readonly scopes: readonly string[]
    }
  /** Everything was copied into a file: with the keys or without, sealed with a password or not. */
  | { readonly kind: 'backup-made'; readonly keys: boolean; readonly sealed: boolean }
  /** The state is the one of a backup made at that time. */
  | { readonly kind: 'restored'; readonly createdAt: number }
  /** Before everything about a conversation is erased; `session` is its id, which says nothing to anybody any more. */
  | { readonly kind: 'conversation-erased'; readonly session: string; readonly by: string }
  /** `by`: who changed it for all nodes of a shared store; else somebody who may write the file. */
  | { readonly kind: 'config-changed'; readonly path: string; readonly action: 'set' | 'unset'; readonly by?: string }
  /** `words`: whose words it holds; a job of the model's is made by a tool, too, and has the receipts of that call. */
  | {
      readonly kind: 'job-changed'
      readonly job: string
      readonly action: 'added' | 'updated' | 'removed' | 'paused' | 'resumed'
      readonly by: string
      readonly words: string
    }
  /** `words`: whose words it holds. What its runs do has the receipts of their turns. */
  | {
      readonly kind: 'task-changed'
      readonly task: string
      readonly action: 'created' | 'updated' | 'cancelled' | 'retried' | 'resumed'
      readonly by: string
      readonly words: string
    }
  /** A guard stage did not simply pass something: the first of a minute at once, the others of that minute counted. */
  | {
      readonly kind: 'decision'
      readonly checkpoint: string
      readonly rule: string
      readonly verdict: string
      readonly count: number
      /** Where it was about a tool call. */
      readonly turn: string | null
    }
  | { readonly kind: 'turn-accepted'; readonly turn: string; readonly session: string | null; readonly door: string; readonly by: string }
  | { readonly kind: 'turn-recovered'; readonly turn: string; readonly session: string | null; readonly door: string; readonly by: string }
  | {
      readonly kind: 'turn-finished'
      readonly turn: string
      readonly session: string | null
      readonly door: string
      readonly status: TurnStatus
      readonly model: string
      readonly ms: number
      readonly code: string | null
    }
  /** Before a tool runs. `destinations`: hosts, and keyed hashes of what has none. `input`: keyed hash. `rule`: the last stage that let it pass, under `policy`. */
  | (CallFacts & {
      readonly kind: 'effect-intended'
      readonly effect: Effect
      readonly destinations: readonly string[]
      readonly input: string
      readonly rule: string
      readonly policy: string
      /** The owner's word that let it pass: an approval, a grant, or `shadow`. */
      readonly approval: string | null
    })
  /** `unknown`: an earlier process began it and did not see its end. `output`: keyed hash. */
  | (CallFacts & {
      readonly kind: 'effect-completed'
      readonly outcome: 'ok' | 'failed' | 'timeout' | 'cancelled' | 'unknown'
      readonly ms: number
      readonly bytes: number
      readonly output: string | null
    })
  /** The call did not run. */
  | (CallFacts & { readonly kind: 'effect-refused'; readonly rule: string; readonly code: string; readonly input: string })
  /** Before a message leaves that no tool sends: a test of the owner's, word of what waits for him, or the answer of a job. On the disk before. */
  | {
      readonly kind: 'message-intended'
      readonly id: string
      readonly to: string
      readonly host: string
      readonly purpose: MessagePurpose
      readonly by: string
    }
  /** All parts of a message were taken, or it was given up. `id`: of `message-intended`, or the `effectId` of the tool's call; `entry`: in the outbox. `attempts` of all parts. */
  | {
      readonly kind: 'message-completed'
      readonly id: string
      readonly entry: string | null
      readonly to: string
      readonly host: string
      readonly turn: string | null
      readonly outcome: 'ok' | 'failed'
      readonly attempts: number
      /** One attempt ended in a way that nobody knows: the receiver may have got it twice. */
      readonly mayRepeat: boolean
      readonly ms: number
    }
  /** The owner's word about a message that did not leave, before it takes effect. */
  | {
      readonly kind: 'message-decided'
      readonly id: string
      readonly entry: string
      readonly to: string
      readonly action: 'retried' | 'dropped'
      readonly by: string
    }
  /** The owner took a write of a tool back. */
  | { readonly kind: 'undone'; readonly turn: string; readonly tool: string; readonly step: string; readonly force: boolean }
  /** The owner is asked. `call`: SHA-256 of the exact call. */
  | (CallFacts & { readonly kind: 'approval-asked'; readonly approval: string; readonly call: string; readonly rules: readonly string[] })
  /** Before the answer takes effect. `call`: what was allowed. */
  | {
      readonly kind: 'approval-decided'
      readonly approval: string
      readonly turn: string
      readonly status: ApprovalStatus
      readonly call: string
      readonly rules: readonly string[]
      readonly by: string
      readonly door: string
      readonly unlock: Unlock | null
      readonly edited: boolean
    }
  | {
      readonly kind: 'grant-made'
      readonly grant: string
      readonly approval: string
      readonly unlock: Unlock
      readonly tool: string
      readonly by: string
      readonly door: string
    }
  | { readonly kind: 'grant-revoked'; readonly grant: string; readonly by: string; readonly door: string }
  /** A file of the trail begins. */
  | { readonly kind: 'file-started'; readonly key: string }
  /** The oldest file was removed; the chain goes on behind its last line. */
  | { readonly kind: 'pruned'; readonly lastSeq: number; readonly lastHash: string }
  /** The last write of an earlier process was not complete; what there was of it was moved aside. */
  | { readonly kind: 'recovered'; readonly cutBytes: number; readonly cutHash: string }
  /** The trail could not be written for a while, and more came than could be held. */
  | { readonly kind: 'receipts-lost'; readonly count: number }

export interface AuditTrail {
  /** Written within 100 ms; when it cannot be, it is held and `faults` says so. */
  note(receipt: Receipt): void
  /** Resolves when the receipt is on the disk. Throws `audit/unwritable`: what it stands for must not happen. */
  keep(receipt: Receipt): Promise<void>
  /** Keyed hash of a text: equal texts give equal ones, and nobody without the key can guess. */
  readonly mac: (text: string) => string
  /** Empty while all is well. */
  faults(): readonly string[]
}

/** Signs and hashes for the trail; whoever makes it holds the keys. */
export interface AuditKeys {
  /** Fingerprint of the public key. */
  readonly id: string
  readonly sign: (text: string) => string
  readonly mac: (text: string) => string
}

export const receiptKinds = [
  'state-locked',
  'gateway-started',
  'gateway-stopped',
  'token-made',
  'token-rotated',
  'password-changed',
  'session-opened',
  'sessions-ended',
  'device-changed',
  'backup-made',
  'restored',
  'conversation-erased',
  'config-changed',
  'job-changed',
  'task-changed',
  'secrets-rotated',
  'decision',
  'turn-accepted',
  'turn-recovered',
  'turn-finished',
  'effect-intended',
  'effect-completed',
  'effect-refused',
  'message-intended',
  'message-completed',
  'message-decided',
  'undone',
  'approval-asked',
  'approval-decided',
  'grant-made',
  'grant-revoked',
  'file-started',
  'pruned',
  'recovered',
  'receipts-lost',
] as const satisfies readonly Receipt['kind'][]
