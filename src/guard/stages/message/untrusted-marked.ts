import { canonicalJson } from '../../../std/canonical-json.ts'
import type { Message, TextPart, ToolResultPart, UserPart } from '../../../contracts/message.ts'
import type { ModelRequest } from '../../../contracts/provider.ts'
import { describeSuspicion } from '../../../contracts/suspicion.ts'
import { PASS, type Stage } from '../../stage.ts'
import { makeInert } from '../../text/inert.ts'
import { marked, marksAround, sourceOf } from '../../text/mark.ts'
import type { PromptContext } from './facts.ts'

/**
 * Text of others reaches a model between marks that it cannot write itself, with its source. Only the request is changed: the journal keeps texts as they were. With
 * `withhold` a suspicious result is replaced by a notice. What the owner said about a call stands before its result, outside of the mark.
 */
export const untrustedMarked: Stage<ModelRequest, PromptContext> = {
  name: 'untrustedMarked',
  check(request, { injection }) {
    if (!request.messages.some(isToChange)) return PASS
    const messages = request.messages.map((message) => (isToChange(message) ? markMessage(message, injection === 'withhold') : message))
    return { verdict: 'rewrite', value: { ...request, messages }, why: 'text of others was marked', isRoutine: true }
  },
}

function isToChange(message: Message): boolean {
  if (message.role === 'tool') return message.parts.some((part) => part.origin.trust === 'untrusted' || hasWords(part))
  return message.role === 'user' && message.parts.some(({ origin }) => origin.trust === 'untrusted')
}

function hasWords({ ranWith, note }: ToolResultPart): boolean {
  return ranWith !== undefined || note !== undefined
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
  const isForeign = part.origin.trust === 'untrusted'
  if (!isForeign && !hasWords(part)) return part
  const { suspicion = [] } = part
  if (isForeign && withholds && suspicion.length > 0) return { ...part, output: `${ownersWords(part)}${notice(part.tool, describeSuspicion(suspicion))}` }
  const known = results.get(part)
  if (known !== undefined) return known
  const output = isForeign ? marked(part.output, sourceOf(part.origin, part.tool), suspicion) : part.output
  const done = { ...part, output: `${ownersWords(part)}${output}` }
  results.set(part, done)
  return done
}

/** Characters of changed arguments that the model is shown. */
const MAX_SHOWN = 4096

/** That something else ran than the model asked for, and what the owner said. A part of the arguments may still be a text of others. */
function ownersWords({ ranWith, note }: ToolResultPart): string {
  const change = ranWith === undefined ? '' : `[The owner changed the arguments; this ran with ${makeInert(canonicalJson(ranWith).slice(0, MAX_SHOWN)).text}]\n`
  return note === undefined ? change : `${change}[The owner says: ${note}]\n`
}

function notice(tool: string, why: string): string {
  return `[Withheld: this result of ${tool} ${why}. The owner can read it with \`cara sessions export\`, and have such results shown to you with \`cara config set guard.injection mark\`.]`
}
