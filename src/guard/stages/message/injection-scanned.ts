import { describeSuspicion } from '../../../contracts/suspicion.ts'
import type { Message, TextPart, ToolResultPart } from '../../../contracts/message.ts'
import type { InboundMessage } from '../../../contracts/turn.ts'
import { PASS, type Stage } from '../../stage.ts'
import { findSuspicion } from '../../text/find-suspicion.ts'
import type { ToolResultContext, TracedResult } from '../tool/facts.ts'
import type { InboundContext } from './facts.ts'

/** Text of others carries what is odd about it. What the owner says is not looked at. */
export const inboundInjectionScanned: Stage<InboundMessage, InboundContext> = {
  name: 'injectionScanned',
  check(message, { injection }) {
    if (injection === 'off') return PASS
    const signs = new Set<string>()
    const parts = message.parts.map((part) => (part.type === 'text' ? scanned(part, part.text, signs) : part))
    const context = message.options.context?.map((earlier) => scanResults(earlier, signs))
    if (signs.size === 0) return PASS
    const options = context === undefined ? message.options : { ...message.options, context }
    return { verdict: 'rewrite', value: { ...message, parts, options }, why: [...signs].join('; ') }
  },
}

export const resultInjectionScanned: Stage<TracedResult, ToolResultContext> = {
  name: 'injectionScanned',
  check(result, { injection }) {
    if (injection === 'off' || result.origin === null || result.origin.trust === 'trusted') return PASS
    const suspicion = findSuspicion(result.output)
    if (suspicion.length === 0) return PASS
    return { verdict: 'rewrite', value: { ...result, suspicion }, why: describeSuspicion(suspicion) }
  },
}

function scanResults(message: Message, signs: Set<string>): Message {
  if (message.role !== 'tool') return message
  return { role: 'tool', parts: message.parts.map((part) => scanned(part, part.output, signs)) }
}

function scanned<Part extends TextPart | ToolResultPart>(part: Part, text: string, signs: Set<string>): Part {
  if (part.origin.trust === 'trusted') return part
  const suspicion = findSuspicion(text)
  if (suspicion.length === 0) return part
  signs.add(describeSuspicion(suspicion))
  return { ...part, suspicion }
}
