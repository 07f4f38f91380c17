/** What the guard of replies knows of one turn: who reads, what his door makes of text, and where links may lead. */
import { doorTraits } from '../contracts/door.ts'
import type { SecretRegistry } from '../contracts/log.ts'
import type { InboundMessage } from '../contracts/turn.ts'
import type { CoreConfig } from '../config/schema.ts'
import { KnownLinks } from '../guard/provenance/known-links.ts'
import type { OutboundContext } from '../guard/stages/message/outbound-facts.ts'
import type { PersonalKind } from '../guard/text/personal.ts'
import type { TurnMemory } from './turn-memory.ts'

export class ReplyContext {
  readonly #request: InboundMessage
  readonly #guard: CoreConfig['guard']
  readonly #secrets: SecretRegistry
  #links: KnownLinks | null = null

  constructor(request: InboundMessage, guard: CoreConfig['guard'], secrets: SecretRegistry) {
    this.#request = request
    this.#guard = guard
    this.#secrets = secrets
  }

  /** For text that is told now, after all that the conversation has seen; `isForeign`: others wrote the text itself. */
  of({ taint, evidence }: Pick<TurnMemory, 'taint' | 'evidence'>, isForeign = false): OutboundContext {
    const { door, sender } = this.#request
    const links = taint.untrusted || isForeign ? (this.#links ??= new KnownLinks(evidence, this.#guard.linkHosts)) : null
    return { secrets: this.#secrets, markup: doorTraits(door).markup, personal: personalFor(this.#guard.pii, sender.kind === 'owner'), links }
  }
}

export function personalFor({ mode, kinds }: CoreConfig['guard']['pii'], isOwner: boolean): readonly PersonalKind[] {
  return mode === 'all' || (mode === 'peers' && !isOwner) ? kinds : []
}
