/** Secrets that the gateway knows appear in no message: not in what a model reads, not in what is kept, not in what is sent. */
import type { SecretRegistry } from '../../../contracts/log.ts'
import type { Message } from '../../../contracts/message.ts'
import type { InboundMessage } from '../../../contracts/turn.ts'
import { PASS, type Stage } from '../../stage.ts'
import { credentialsUnfinished, findCredentials } from '../../text/credentials.ts'
import { replaceSpans, type Span } from '../../text/spans.ts'
import type { ArgumentText, InboundContext } from './facts.ts'
import type { OutboundStage } from './outbound-facts.ts'

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

/** Known secrets in every encoding, also spread over the text and over what left before it; unknown ones by how they look. */
export const outboundSecretsRedacted: OutboundStage = {
  name: 'secretsRedacted',
  check(value, { secrets }) {
    const { before } = value
    const known = secrets.redact(value.text)
    const whole = before + known
    const split = splitSpans(whole, secrets)
    const spans = [...split, ...findCredentials(whole)].filter(({ until }) => until > before.length)
    const text = spans.length === 0 ? known : replaceSpans(whole, spans, before.length)
    if (text === value.text) return PASS
    return { verdict: 'rewrite', value: { ...value, text }, why: known === value.text && split.length === 0 ? 'it looks like a credential' : WHY }
  },
  unfinished({ text, before }, { secrets }) {
    const split = Math.min(text.length, secrets.splitHeldBack(before + text))
    return Math.max(secrets.heldBack(text), split, credentialsUnfinished(text, before))
  },
}

/** What a model wants done is done as it says, but for known secrets; a credential that only looks like one may be what the owner wants written. */
export const argumentSecretsRedacted: Stage<ArgumentText, { readonly secrets: SecretRegistry }> = {
  name: 'secretsRedacted',
  check(value, { secrets }) {
    const known = secrets.redact(value.text)
    const text = replaceSpans(known, splitSpans(known, secrets))
    return text === value.text ? PASS : { verdict: 'rewrite', value: { text }, why: WHY }
  },
}

function splitSpans(text: string, secrets: SecretRegistry): readonly Span[] {
  return secrets.findSplit(text).map(([from, until]) => ({ from, until, text: '[secret]' }))
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
