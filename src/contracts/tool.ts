/** A tool: what it is called, what it may touch, how it recovers, and its code. */
import type * as z from 'zod'
import type { Cleared } from './cleared.ts'
import type { JsonValue } from './json.ts'
import type { Origin } from './origin.ts'

/** `read` changes nothing; `write` changes the owner's own data, undoable; `egress` sends data outside; `irreversible` cannot be taken back. */
export type Effect = 'read' | 'write' | 'egress' | 'irreversible'

/**
 * What to do with an intent whose outcome is unknown after a crash.
 * `pure`: no effect, run again. `idempotent`: same effect twice is the same as once. `keyed`: run again with the same effect id. `probe`: ask the outside (`Tool.probe`), and the owner where
 * it does not know. `unsafe`: ask the owner.
 */
export type Recovery = 'pure' | 'idempotent' | 'keyed' | 'probe' | 'unsafe'

/** Dotted path into the tool's input, for example `to` or `files.path`; arrays are walked. */
export type ArgumentPath = string

/** Facts the guard decides by. All of them are obligatory: a tool cannot forget to say. */
export interface ToolManifest {
  readonly effect: Effect
  /** Its effect when all its `destinations` are absent or empty: an event without participants stays the owner's own. */
  readonly effectWithoutDestination: Effect
  readonly recovery: Recovery
  /** Arguments that say where data or money goes, or who gets access (url, address, account, channel). */
  readonly destinations: readonly ArgumentPath[]
  /** Arguments that say which object or credential it acts on (id, code, password, name); not how much or when. */
  readonly targets: readonly ArgumentPath[]
  /** Arguments that carry content to those destinations. */
  readonly content: readonly ArgumentPath[]
  /** Arguments that name files; they must lie inside the configured roots. */
  readonly paths: readonly ArgumentPath[]
  /** `judged`: the owner is asked about what the guard cannot account for. `every-call`: never without his word for this very call, or for calls of its shape. */
  readonly consent: 'judged' | 'every-call'
  /** Who writes what the tool returns, where no part says otherwise. */
  readonly returns: ReturnsRule
}

export interface ReturnsRule {
  readonly trust: Origin['trust']
  readonly private: boolean
  /** Trusted only because a provider keeps the fields (catalogue, directory, address book): what stands there is real, but not what the owner meant. */
  readonly curated: boolean
  /** A serialised structure in which others fill in leaves only. Never true where others write the whole text (a page, a file): they could write a record. */
  readonly records: boolean
}

export interface ToolCall {
  readonly callId: string
  readonly tool: string
  readonly input: JsonValue
  readonly turnId: string
  readonly sessionId: string | null
  /** Content-derived: the same action has the same id, wherever it stands in the turn. */
  readonly effectId: string
  /** What `Tool.bind` found: the owner's word for the call is his word for these facts too. Null where the tool binds nothing. */
  readonly binding: JsonValue
  /** Trust and privacy of all that the conversation had seen when the model made this call; what the call writes inherits it. */
  readonly origin: Origin
}

/** What a tool answers. `output` is text or JSON text for the model, at most 64 KiB after the guard. `origin` overrides the manifest's `returns`, only ever to trust less. */
export interface ToolResult {
  readonly output: string
  readonly isError?: boolean
  readonly origin?: Origin
}

/**
 * `run` is called once per cleared call with input that passed `input`. Throwing an `AppError` becomes a failed result that the model sees; anything else is a defect.
 * Must settle soon after the signal aborts. Never writes outside its manifest.
 */
export interface Tool<Input = unknown> {
  readonly name: string
  readonly description: string
  readonly input: z.ZodType<Input>
  readonly manifest: ToolManifest
  /** Whether models are told of it just now; without it they always are. A call is a call all the same. */
  isOffered?(): boolean
  /**
   * Facts of the world that the call depends on beside its arguments: the bytes of a program, the identity of a folder. Read before the owner is asked and again before the call
   * runs; another answer is another call. Changes nothing; throws `AppError`.
   */
  bind?(input: Input, signal: AbortSignal): Promise<JsonValue>
  /** Where a call goes, as receipts may name it: configured names and hosts. Without it they keep hosts of addresses, and keyed hashes of everything else. */
  where?(input: Input): readonly string[]
  /** What a later call must share with this one to pass by the unlock `always`; without it: tool, destinations and targets. `binding` is what `bind` answered for this call. */
  shape?(input: Input, binding: JsonValue): JsonValue
  /**
   * What the owner is shown of a call, beside its arguments: one fact on each line, in the owner's words, every byte of what would run or be sent visible. Lines are the tool's
   * own; what a model wrote stands in them by `visible` only.
   */
  describe?(input: Input, binding: JsonValue): readonly string[]
  /** Whether this very call, which was begun, happened. Changes nothing. What throws knows nothing. For `recovery: 'probe'`, and only there. */
  probe?(input: Input, call: ToolCall, signal: AbortSignal): Promise<'happened' | 'not' | 'unknown'>
  run(input: Input, call: Cleared<ToolCall>, signal: AbortSignal): Promise<ToolResult>
}

/** A tool whose input type is forgotten, for registries. `input` parses before `run`, so the pair always fits. */
export type AnyTool = Tool
