import type { Origin } from '../../../contracts/origin.ts'
import type { InboundMessage } from '../../../contracts/turn.ts'
import { PASS, type Stage } from '../../stage.ts'
import type { InboundContext } from './facts.ts'

/**
 * Every part says who wrote it, and only the owner's own words are trusted: a door that claims more for somebody else is not believed, and one that claims the
 * owner for a sender who is not gets nothing through.
 */
export const trustAssigned: Stage<InboundMessage, InboundContext> = {
  name: 'trustAssigned',
  check(message) {
    const isOwner = message.sender.kind === 'owner'
    for (const { origin } of message.parts) {
      if (origin.author.kind === 'owner' && !isOwner) {
        return { verdict: 'block', code: 'guard/blocked', why: 'the message claims to be the owner’s, but its sender is not' }
      }
    }
    const claims = [...message.parts.map(({ origin }) => origin), ...contextOrigins(message)]
    if (claims.every((origin) => origin.trust === 'untrusted' || origin.author.kind === 'owner' || origin.author.kind === 'model')) return PASS
    const parts = message.parts.map((part) => (part.origin.author.kind === 'owner' ? part : { ...part, origin: distrust(part.origin) }))
    return { verdict: 'rewrite', value: { ...message, parts }, why: 'content of somebody else was marked as trusted' }
  },
}

function contextOrigins(message: InboundMessage): readonly Origin[] {
  return (message.options.context ?? []).flatMap(({ parts }) => parts.flatMap((part) => ('origin' in part && part.type === 'tool-result' ? [part.origin] : [])))
}

function distrust(origin: Origin): Origin {
  return { ...origin, trust: 'untrusted' }
}
