/** Secrets that the gateway knows appear in no message: not in what a model reads, not in what is kept, not in what is sent. */
import type { SecretRegistry } from '../../../contracts/log.ts'
import type { Message } from '../../../contracts/message.ts'
import type { InboundMessage } from '../../../contracts/turn.ts'
import { PASS, type Stage } from '../../stage.ts'
import type { InboundContext, OutboundContext, OutboundText } from './facts.ts'

const WHY = 'a known secret stood in it'

export const inboundSecretsRedacted: Stage<InboundMessage, InboundContext> = {
  name: 'secretsRedacted',
  check(message, { secrets }) {
    const parts = redactParts(message.parts, secrets)
    const context = message.options.context?.map((earlier) => redactMessage(earlier, secrets))
    const isClean = parts === message.parts && (context === undefined || context.every((earlier, index) => earlier === message.options.context?.[index]))
    if (isClean) return PASS
    return { verdict: 'rewrite', value: { ...message, parts, options: { ...message.options, ...(context === undefined ? {} : { context }) } }, why: WHY }
  },
}

export const outboundSecretsRedacted: Stage<OutboundText, OutboundContext> = {
  name: 'secretsRedacted',
  check({ text }, { secrets }) {
    const clean = secrets.redact(text)
    return clean === text ? PASS : { verdict: 'rewrite', value: { text: clean }, why: WHY }
  },
}

function redactMessage(message: Message, secrets: SecretRegistry): Message {
  switch (message.role) {
    case 'system': {
      const parts = redactParts(message.parts, secrets)
      return parts === message.parts ? message : { ...message, parts }
    }
    case 'user': {
      const parts = redactParts(message.parts, secrets)
      return parts === message.parts ? message : { ...message, parts }
    }
    case 'assistant': {
      const parts = redactParts(message.parts, secrets)
      return parts === message.parts ? message : { ...message, parts }
    }
    case 'tool': {
      const parts = redactParts(message.parts, secrets)
      return parts === message.parts ? message : { ...message, parts }
    }
  }
}

/** The same array when nothing was found, so that the common case costs no copy. */
function redactParts<Part extends { readonly type: string }>(parts: readonly Part[], secrets: SecretRegistry): readonly Part[] {
  let changed = false
  const clean = parts.map((part) => {
    const next = redactPart(part, secrets)
    if (next !== part) changed = true
    return next
  })
  return changed ? clean : parts
}

function redactPart<Part extends object>(part: Part, secrets: SecretRegistry): Part {
  if ('text' in part && typeof part.text === 'string') {
    const text = secrets.redact(part.text)
    return text === part.text ? part : { ...part, text }
  }
  if ('output' in part && typeof part.output === 'string') {
    const output = secrets.redact(part.output)
    return output === part.output ? part : { ...part, output }
  }
  return part
}
