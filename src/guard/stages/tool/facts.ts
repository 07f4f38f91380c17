/** What the tool stages know besides the call or its result. */
import type { SecretRegistry } from '../../../contracts/log.ts'
import type { Suspicion } from '../../../contracts/suspicion.ts'
import type { Origin } from '../../../contracts/origin.ts'
import type { AnyTool } from '../../../contracts/tool.ts'
import type { OwnersWord } from '../../approvals/owners-word.ts'
import type { Evidence } from '../../provenance/evidence.ts'
import type { InjectionMode } from '../message/facts.ts'

export interface ToolCallContext {
  readonly tools: ReadonlyMap<string, AnyTool>
  readonly policy: { readonly policy: 'allow-all' | 'allow-list' | 'deny-list'; readonly list: readonly string[] }
  /** Absolute folders that path arguments must lie in. */
  readonly roots: readonly string[]
  /** What the conversation has shown before this call. */
  readonly evidence: Evidence
  readonly word: OwnersWord
}

/** A tool's answer with the origin that the guard gives it. */
export interface TracedResult {
  readonly output: string
  readonly isError: boolean
  /** Null until `originMarked` has decided. */
  readonly origin: Origin | null
  /** What `injectionScanned` found. */
  readonly suspicion?: readonly Suspicion[]
}

export interface ToolResultContext {
  readonly tool: AnyTool
  readonly secrets: SecretRegistry
  readonly injection: InjectionMode
}
