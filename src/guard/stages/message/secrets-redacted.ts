/** Secrets that the gateway knows appear in no message: not in what a model reads, not in what is kept, not in what is sent. */
import type { SecretRegistry } from '../../../contracts/log.ts'
import type { Message } from '../../../contracts/message.ts'
import type { InboundMessage } from '../../../contracts/turn.ts'
import { PASS, type Stage } from '../../stage.ts'
import { credentialsUnfinished, findCredentials, SECRET_MARK } from '../../text/credentials.ts'
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
    const { earlier } = value
    const known = secrets.redact(value.text)
    const split = replaced(known, earlier, splitSpans(earlier + known, secrets))
    const before = value.before.slice(-CONTEXT)
    const text = replaced(split, before, findCredentials(before + split))
    if (text === value.text) return PASS
    return { verdict: 'rewrite', value: { ...value, text }, why: split === value.text ? 'it looks like a credential' : WHY }
  },
  unfinished({ text, before, earlier }, { secrets }) {
    const split = Math.min(text.length, secrets.splitHeldBack(earlier + text))
    return Math.max(secrets.heldBack(text), split, credentialsUnfinished(text, before))
  },
}

/** A name before a value (`password: `) may have left already. */
const CONTEXT = 64

function replaced(text: string, before: string, spans: readonly Span[]): string {
  return spans.length === 0 ? text : replaceSpans(before + text, spans, before.length)
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
  return secrets.findSplit(text).map(([from, until]) => ({ from, until, text: SECRET_MARK }))
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
