/**
 * Text of others that a model may read: it cannot end or forge our mark, nor imitate the tokens and role lines by which a chat template tells speakers apart, however these are
 * spelled. What it says stays readable. Equal text gives equal text, and what is inert stays as it is.
 */
import { dropHidden } from './hidden.ts'
import { asWritten, hasEscapes, plainSkeleton, skeleton, type Mapped } from './mapped.ts'

interface Change {
  readonly from: number
  readonly until: number
  readonly text: string
  /** Nothing that honest text is likely to hold. */
  readonly isLoud: boolean
}

/** The name of our mark, with anything but letters between its letters: no bracket is needed to read it as the mark. */
const MARK = new RegExp(Array.from('carapacequote').join('[^a-z0-9\\n]{0,3}'), 'g')
/** Control tokens of the known chat templates. */
const TOKEN =
  /<\|[^\s<>|‹›]{1,60}\|>|<\/?(?:s|bos|eos|start_of_turn|end_of_turn|start_of_image|tool_calls?|tool_response|tool_result|tool_use|tool_outputs?|function_calls?|function_results?|antml:[a-z_]{1,30}|think|thinking|system|assistant|invoke|parameter)(?:\s[^<>\n]{0,200})?>|<function=[^<>\s]{1,60}>|<<\/?sys>>|\[\/?(?:inst|system_prompt|available_tools|tool_calls|tool_results|tool_content|system|assistant|prefix|suffix|middle|gmask|img)\]/g
const ROLES = 'system|user|assistant|human|developer|tool|function|model|ai|chatgpt|gpt|claude|gemini|carapace|operator|administrator'
/** A line that says who speaks. In small letters and indented it is a field of some file. */
const ROLE_LINE = new RegExp(
  `^([ \\t>*#_"'\`~-]{0,8})(?:(?:${ROLES})(?: (?:message|prompt|instructions?|note|override))?[ \\t]{0,3}(?:\\([^)\\n]{0,20}\\))?[*_"'\`]{0,3}[ \\t]{0,2}:|#{2,6} ?(?:${ROLES}|instructions?|response|input)\\b)`,
  'gm',
)
const SPEAKERS = /^(?:system|user|assistant|human|developer)\b/

export interface InertText {
  readonly text: string
  /** Whether it tried to speak as somebody else. */
  readonly hadRoleMarker: boolean
}

/** Nested forms may leave another one when the inner is gone. */
const MAX_ROUNDS = 6

export function makeInert(original: string): InertText {
  let text = dropHidden(original)
  let hadRoleMarker = false
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const changes = firstChanges(text)
    if (changes.length === 0) return { text, hadRoleMarker }
    hadRoleMarker ||= changes.some(({ isLoud }) => isLoud)
    text = apply(text, changes)
  }
  throw new RangeError('a text of others cannot be made inert')
}

/** As a reader of escapes reads it, as one who reads none, and as it is written. */
function firstChanges(text: string): readonly Change[] {
  let changes = changesOf(skeleton(text), text)
  if (changes.length === 0 && hasEscapes(text)) changes = changesOf(plainSkeleton(text), text)
  const written = changes.length === 0 ? asWritten(text) : null
  return written === null ? changes : changesOf(written, text)
}

export function hasRoleMarker(mapped: Mapped, original: string): boolean {
  return changesOf(mapped, original).some(({ isLoud }) => isLoud)
}

function changesOf(mapped: Mapped, original: string): readonly Change[] {
  const { text } = mapped
  const changes: Change[] = []
  if (text.includes('<') || text.includes('[')) {
    for (const match of text.matchAll(TOKEN))
      changes.push(
        change(
          mapped,
          match,
          match[0].replaceAll(/[<>[\]|]/g, (bracket) => INERT_BRACKETS[bracket] ?? ''),
        ),
      )
  }
  for (const match of text.matchAll(MARK)) changes.push(change(mapped, match, 'quotation'))
  for (const match of text.matchAll(ROLE_LINE)) {
    const [line, before = ''] = match
    const at = mapped.start(match.index)
    const first = original.charAt(mapped.start(match.index + before.length))
    const isLoud = !/[a-z]/.test(first)
    if (isLoud || SPEAKERS.test(line)) changes.push({ from: at, until: at, text: '› ', isLoud })
  }
  return changes.length < 2 ? changes : changes.sort((a, b) => a.from - b.from)
}

const INERT_BRACKETS: Readonly<Record<string, string>> = { '<': '‹', '>': '›', '[': '(', ']': ')', '|': '¦' }

function change(mapped: Mapped, { 0: found, index }: RegExpExecArray, text: string): Change {
  return { from: mapped.start(index), until: mapped.end(index + found.length), text, isLoud: true }
}

function apply(text: string, changes: readonly Change[]): string {
  let result = ''
  let done = 0
  for (const { from, until, text: inert } of changes) {
    if (from < done) continue
    result += text.slice(done, from) + inert
    done = until
  }
  return result + text.slice(done)
}
