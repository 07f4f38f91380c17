/** What may go to destinations: to a known name, a text that passed the outbound checkpoint. Destinations take nothing else. */
import type { Cleared } from '../contracts/cleared.ts'
import type { Destination } from '../contracts/destination.ts'
import { AppError } from '../contracts/errors.ts'
import type { SecretRegistry } from '../contracts/log.ts'
import { outbound } from './pipeline.ts'
import type { PersonalKind } from './text/personal.ts'
import { NO_CODE } from './text/code.ts'
import { clearNow, refusalError } from './run-checkpoint.ts'
import type { Reporter } from './stage.ts'

export interface GuardedDestinations {
  readonly all: readonly Destination[]
  /** Throws `message/unknown-destination`. */
  readonly find: (name: string) => Destination
  /** Throws `guard/blocked`. */
  readonly clear: (text: string) => Cleared<{ readonly text: string }>
}

export function guardDestinations(
  destinations: readonly Destination[],
  secrets: SecretRegistry,
  personal: readonly PersonalKind[],
  report: Reporter,
): GuardedDestinations {
  const byName = new Map(destinations.map((destination) => [destination.name, destination]))
  return {
    all: destinations,
    find(name) {
      const destination = byName.get(name)
      if (destination !== undefined) return destination
      const hint = byName.size === 0 ? 'None is configured (messages.destinations)' : `Known: ${[...byName.keys()].join(', ')}`
      throw new AppError('message/unknown-destination', undefined, { hint })
    },
    clear(text) {
      const decision = clearNow(
        outbound,
        { text, before: '', left: '', earlier: '', code: NO_CODE },
        { secrets, markup: 'plain', personal, links: null },
        report,
      )
      if (decision.ok) return decision.value
      throw refusalError(decision.refusal)
    },
  }
}
