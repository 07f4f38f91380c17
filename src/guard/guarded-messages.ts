/** The way to destinations: a known name, a text that passed the outbound checkpoint, then the destination, which takes nothing else. */
import type { Destination, Messages } from '../contracts/destination.ts'
import { AppError } from '../contracts/errors.ts'
import type { SecretRegistry } from '../contracts/log.ts'
import { outbound } from './pipeline.ts'
import type { PersonalKind } from './text/personal.ts'
import { NO_CODE } from './text/code.ts'
import { clearNow, refusalError } from './run-checkpoint.ts'
import type { Reporter } from './stage.ts'

export function guardMessages(destinations: readonly Destination[], secrets: SecretRegistry, personal: readonly PersonalKind[], report: Reporter): Messages {
  const byName = new Map(destinations.map((destination) => [destination.name, destination]))
  return {
    destinations: destinations.map(({ name, kind, format, host, signed, keyed }) => ({ name, kind, format, host, signed, keyed })),
    async send({ to, text, key }, signal) {
      const destination = byName.get(to)
      if (destination === undefined) {
        const hint = byName.size === 0 ? 'None is configured (messages.destinations)' : `Known: ${[...byName.keys()].join(', ')}`
        throw new AppError('message/unknown-destination', undefined, { hint })
      }
      const decision = clearNow(outbound, { text, before: '', earlier: '', code: NO_CODE }, { secrets, markup: 'plain', personal, links: null }, report)
      if (!decision.ok) throw refusalError(decision.refusal)
      if (decision.value.text.length > destination.maxText) {
        throw new AppError('message/too-long', `${decision.value.text.length} characters`, { hint: `${to} takes ${destination.maxText}` })
      }
      signal.throwIfAborted()
      await destination.deliver(decision.value, key, signal)
    },
  }
}
