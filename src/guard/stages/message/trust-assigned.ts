import type { Message, ToolResultPart } from '../../../contracts/message.ts'
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
    const isClaim = (origin: Origin) => origin.trust === 'trusted' && origin.author.kind !== 'owner' && origin.author.kind !== 'model'
    const context = message.options.context ?? []
    if (!message.parts.some(({ origin }) => isClaim(origin)) && !context.some((earlier) => resultsOf(earlier).some(({ origin }) => isClaim(origin))))
      return PASS
    const parts = message.parts.map((part) => (isClaim(part.origin) ? { ...part, origin: distrust(part.origin) } : part))
    const doubted = context.map(doubt)
    const options = message.options.context === undefined ? message.options : { ...message.options, context: doubted }
    return { verdict: 'rewrite', value: { ...message, parts, options }, why: 'content of somebody else was marked as trusted' }
  },
}

function doubt(message: Message): Message {
  return message.role === 'tool' ? { role: 'tool', parts: message.parts.map((part) => ({ ...part, origin: distrust(part.origin) })) } : message
}

function resultsOf(message: Message): readonly ToolResultPart[] {
  return message.role === 'tool' ? message.parts : []
}

function distrust(origin: Origin): Origin {
  return { ...origin, trust: 'untrusted' }
}
