/** What the outbound stages know besides the text. */
import type { DoorMarkup } from '../../../contracts/door.ts'
import type { SecretRegistry } from '../../../contracts/log.ts'
import type { KnownLinks } from '../../provenance/known-links.ts'
import type { Stage } from '../../stage.ts'
import type { CodeState } from '../../text/code.ts'
import type { PersonalKind } from '../../text/personal.ts'

export interface OutboundText {
  readonly text: string
  /** What left just before it: it cannot be changed any more, but something may begin in it. */
  readonly before: string
  /** The end of the same as it was shown: with marks instead of what was taken out. */
  readonly left: string
  /** The end of an earlier message of the turn, as long as nothing of this one has left: a secret may go on here. */
  readonly earlier: string
  /** What is open where the text begins. */
  readonly code: CodeState
}

export interface OutboundContext {
  readonly secrets: SecretRegistry
  /** What the door at the other end makes of text. */
  readonly markup: DoorMarkup
  /** Kinds of personal data that do not leave to this recipient. */
  readonly personal: readonly PersonalKind[]
  /** Where links may lead; null while nothing untrusted was read. */
  readonly links: KnownLinks | null
}

/** A stage over text that leaves in pieces. */
export interface OutboundStage extends Stage<OutboundText, OutboundContext> {
  /** How many characters at the end of the text may become something else with what follows: they are kept back. Never more than the text has. */
  unfinished(value: OutboundText, context: OutboundContext): number
}
