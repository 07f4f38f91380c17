import type { InboundMessage } from '../../../contracts/turn.ts'
import { PASS, type Stage } from '../../stage.ts'
import type { InboundContext } from './facts.ts'

const MAX_PARTS = 64
const MAX_CONTEXT = 4000
const MAX_TEXT = 1024 * 1024
const MAX_IMAGE_BASE64 = 8 * 1024 * 1024

/** No door may bring more than the agent can carry, whatever that door's own limits are. */
export const inboundSizeWithinLimit: Stage<InboundMessage, InboundContext> = {
  name: 'sizeWithinLimit',
  check({ parts, options }) {
    if (parts.length > MAX_PARTS) return tooLarge(`a message has at most ${MAX_PARTS} parts`)
    if ((options.context?.length ?? 0) > MAX_CONTEXT) return tooLarge(`a request carries at most ${MAX_CONTEXT} earlier messages`)
    let text = 0
    for (const part of parts) {
      if (part.type === 'image' && part.data.length > MAX_IMAGE_BASE64) return tooLarge('an image holds at most 6 MiB')
      if (part.type === 'text') text += part.text.length
    }
    return text > MAX_TEXT ? tooLarge('a message holds at most 1,048,576 characters') : PASS
  },
}

function tooLarge(why: string) {
  return { verdict: 'block', code: 'request/too-large', why } as const
}
