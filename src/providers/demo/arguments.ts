/**
 * Which arguments the demo model may write, decided from the user's own words: copied text is a whole-word span of them, numbers and operators are theirs and in
 * their order, a time zone is of a city they name. The rules understand unfinished values too, so that decoding can keep to them token by token.
 */

/** `value` is JSON-escaped text, as it stands between the quotes. */
type Rule = (value: string, isComplete: boolean) => boolean

/** A skill's call is written in exactly one way: literals around the values of these arguments, in this order. */
const SKILL_ARGUMENTS = {
  get_time: ['timezone'],
  calculate: ['expression'],
  remember: ['text'],
  search_memory: ['query'],
  read_file: ['path'],
  set_reminder: ['text', 'when'],
} as const
export const SKILLS: readonly string[] = Object.keys(SKILL_ARGUMENTS)

const CALL = '<tool_call>'
const VALUE = /(?:[^"\\\p{Cc}]|\\[^\p{Cc}])*/uy
const NUMBER_WORDS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve']
const OPERATOR_WORDS: Readonly<Record<string, RegExp>> = {
  '+': /\+|\bplus\b|\badd|\bsum\b|\btotal\b/i,
  '-': /[-−–]|\bminus\b|\bsubtract|\bless\b|\btake\b/i,
  '*': /[*×]|\bx\b|\dx\d|\btimes\b|\bmultipl|\bproduct\b/i,
  '/': /[/÷]|\bdivide|\bover\b|\bsplit\b/i,
}

/** How far an answer keeps to the rules. `text` is no call at all, `call` a whole one. */
export type Verdict = 'text' | 'partial-call' | 'call' | 'refused'

export class ArgumentRules {
  readonly #rules: Readonly<Record<string, Rule>>

  constructor(userText: string) {
    // A quotation mark, a backslash or a line break ends a span: what is copied never needs escaping.
    const words = userText.replaceAll(/["\\\p{Cc}]/gu, '\n')
    const copied = wholeWords(words)
    this.#rules = {
      timezone: oneOf(zonesIn(userText)),
      expression: expression(userText),
      // A fact goes on to the end of its clause: half of one would be remembered wrongly.
      fact: (value, isComplete) => copied(value, isComplete) && (!isComplete || endsClause(words, value)),
      text: copied,
      query: copied,
      when: copied,
      path: oneOf(pathsIn(userText)),
    }
  }

  judge(answer: string): Verdict {
    if (!answer.startsWith(CALL)) return 'text'
    const verdicts = Object.entries(SKILL_ARGUMENTS).map(([skill, keys]) => this.#judgeCall(answer, skill, keys))
    return verdicts.find((verdict) => verdict !== 'refused') ?? 'refused'
  }

  /** Walks the answer along the one way in which the skill is written. */
  #judgeCall(answer: string, skill: string, keys: readonly string[]): Verdict {
    let rest = answer
    let literal = `${CALL}\n{"name": "${skill}", "arguments": {`
    for (const key of keys) {
      literal += `"${key}": "`
      if (!rest.startsWith(literal)) return literal.startsWith(rest) ? 'partial-call' : 'refused'
      rest = rest.slice(literal.length)
      VALUE.lastIndex = 0
      const value = VALUE.exec(rest)?.[0] ?? ''
      const isComplete = rest.length > value.length
      const rule = this.#rules[skill === 'remember' ? 'fact' : key]
      if (rule?.(value, isComplete) !== true) return 'refused'
      if (!isComplete) return 'partial-call'
      rest = rest.slice(value.length)
      literal = '", '
    }
    const end = '"}}\n</tool_call>'
    if (rest === end) return 'call'
    return end.startsWith(rest) ? 'partial-call' : 'refused'
  }
}

function oneOf(choices: readonly string[]): Rule {
  const escaped = choices.map(escape)
  return (value, isComplete) => escaped.some((choice) => (isComplete ? choice === value : choice.startsWith(value)))
}

/** A span of whole words; only its first letter may differ in case ("In 20 minutes" → "in 20 minutes"). */
function wholeWords(words: string): Rule {
  const starts = Array.from(words.matchAll(/(?<![\p{L}\p{N}_])\S/gu), (match) => match.index)
  return (value, isComplete) => {
    if (value === '') return !isComplete
    if (isComplete && value.endsWith(' ')) return false
    const rest = value.slice(1)
    const fits = (at: number) => words[at]?.toLowerCase() === value[0]?.toLowerCase() && words.startsWith(rest, at + 1)
    return starts.some((at) => fits(at) && (!isComplete || !/[\p{L}\p{N}_]/u.test(words[at + value.length] ?? '')))
  }
}

function endsClause(words: string, value: string): boolean {
  return /^\s*(?:[.,;:!?)]|$)/.test(words.slice(words.indexOf(value.slice(1)) + value.length - 1))
}

function escape(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

/** Words that look like a path, without the punctuation of the sentence. */
function pathsIn(text: string): readonly string[] {
  const words = text.split(/[\s"'`()<>]+/).map((word) => word.replace(/[?!.,;:]+$/, ''))
  return words.filter((word) => /[./~]/.test(word))
}

function expression(text: string): Rule {
  const numbers = numbersIn(text)
  const operators = Object.keys(OPERATOR_WORDS).filter((operator) => OPERATOR_WORDS[operator]?.test(text) === true)
  const percent = /\d[\d.]*\s?% of \d[\d.]*/.exec(text)?.[0]
  if (percent !== undefined && numbers.length === 2) return oneOf([percent])
  // "subtract 9 from 17" turns the order around.
  const [first, second] = /\bfrom\b/i.test(text) ? numbers.toReversed() : numbers
  const choices = numbers.length === 2 ? operators.map((operator) => `${first ?? ''} ${operator} ${second ?? ''}`) : [typedExpression(text)]
  return oneOf(choices.filter((choice) => choice !== ''))
}

/** More than two numbers must stand there as an expression already. */
function typedExpression(text: string): string {
  return /[\d(][\d.()+\-*/ ]*[\d)]/.exec(text)?.[0] ?? ''
}

function numbersIn(text: string): readonly string[] {
  const found = text.toLowerCase().match(/\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\p{L}+/gu) ?? []
  return found.flatMap((word) => {
    if (/^\d/.test(word)) return [word.replaceAll(',', '')]
    const value = NUMBER_WORDS.indexOf(word)
    return value < 0 ? [] : [String(value)]
  })
}

function zonesIn(text: string): readonly string[] {
  const lower = ` ${text.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, ' ')} `
  const named = Intl.supportedValuesOf('timeZone').filter((name) =>
    lower.includes(
      ` ${name
        .slice(name.lastIndexOf('/') + 1)
        .replaceAll('_', ' ')
        .toLowerCase()} `,
    ),
  )
  if (named.length > 0) return named
  // A place whose zone we don't know must not be answered with the local time.
  return /\b(?:in|for) (?!the\b|this\b|my\b)\p{L}/u.test(text) ? [] : ['local']
}
