import type { Message, TextPart, ToolResultPart, UserPart } from '../../../contracts/message.ts'
import type { ModelRequest } from '../../../contracts/provider.ts'
import { describeSuspicion } from '../../../contracts/suspicion.ts'
import { PASS, type Stage } from '../../stage.ts'
import { marked, marksAround, sourceOf } from '../../text/mark.ts'
import type { PromptContext } from './facts.ts'

/**
 * Text of others reaches a model between marks that it cannot write itself, with its source. Only the request is changed: the journal keeps texts as they were. With
 * `withhold` a suspicious result is replaced by a notice.
 */
export const untrustedMarked: Stage<ModelRequest, PromptContext> = {
  name: 'untrustedMarked',
  check(request, { injection }) {
    if (!request.messages.some(hasForeign)) return PASS
    const messages = request.messages.map((message) => (hasForeign(message) ? markMessage(message, injection === 'withhold') : message))
    return { verdict: 'rewrite', value: { ...request, messages }, why: 'text of others was marked', isRoutine: true }
  },
}

function hasForeign(message: Message): boolean {
  return (message.role === 'user' || message.role === 'tool') && message.parts.some(({ origin }) => origin.trust === 'untrusted')
}

function markMessage(message: Message, withholds: boolean): Message {
  if (message.role === 'user') return { role: 'user', parts: message.parts.flatMap(markPart) }
  return message.role === 'tool' ? { role: 'tool', parts: message.parts.map((part) => markResult(part, withholds)) } : message
}

function markPart(part: UserPart): readonly UserPart[] {
  if (part.origin.trust === 'trusted') return [part]
  if (part.type === 'text') return [markText(part)]
  const { origin } = part
  const [opening, closing] = marksAround(`image, ${sourceOf(origin)}`)
  return [{ type: 'text', text: opening, origin }, part, { type: 'text', text: closing, origin }]
}

/** Parts live as long as their conversation: each is marked once. */
const texts = new WeakMap<TextPart, TextPart>()
const results = new WeakMap<ToolResultPart, ToolResultPart>()

function markText(part: TextPart): TextPart {
  const known = texts.get(part)
  if (known !== undefined) return known
  const done = { ...part, text: marked(part.text, sourceOf(part.origin), part.suspicion) }
  texts.set(part, done)
  return done
}

function markResult(part: ToolResultPart, withholds: boolean): ToolResultPart {
  if (part.origin.trust === 'trusted') return part
  const { suspicion = [] } = part
  if (withholds && suspicion.length > 0) return { ...part, output: notice(part.tool, describeSuspicion(suspicion)) }
  const known = results.get(part)
  if (known !== undefined) return known
  const done = { ...part, output: marked(part.output, sourceOf(part.origin, part.tool), suspicion) }
  results.set(part, done)
  return done
}

function notice(tool: string, why: string): string {
  return `[Withheld: this result of ${tool} ${why}. The owner can read it with \`cara sessions export\`, and have such results shown to you with \`cara config set guard.injection mark\`.]`
}
