/** Destinations that take everything at once, without a queue and without a network: for tests of what sends. */
import type { DestinationInfo, Messages, OutgoingMessage, SendOutcome } from '../../src/contracts/destination.ts'

export function takenMessages(
  destinations: readonly DestinationInfo[],
  take: (message: OutgoingMessage) => void,
  outcome: SendOutcome = { status: 'sent' },
): Messages {
  return {
    destinations,
    async accept(message) {
      take(message)
      return {
        id: 'out_1',
        async outcome(_, signal) {
          signal.throwIfAborted()
          return outcome
        },
      }
    },
  }
}
