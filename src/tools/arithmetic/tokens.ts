/** Cuts an expression into numbers, names and signs. */
import { ArithmeticError, fraction, type Amount } from './numbers.ts'

export type Token =
  | { readonly kind: 'number'; readonly value: Amount; readonly at: number }
  | { readonly kind: 'name'; readonly text: string; readonly at: number }
  | { readonly kind: 'sign'; readonly text: string; readonly at: number }
  | { readonly kind: 'end'; readonly text: ''; readonly at: number }

/** Ways to write the same sign. */
const SYNONYMS: Readonly<Record<string, string>> = { '**': '^', '×': '*', '·': '*', '÷': '/', '−': '-', '–': '-' }
// A comma separates thousands only between groups of three digits; inside a function's parentheses it separates arguments.
const GROUPED = /\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?/y
const PLAIN = /(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?/y
const NAME = /[A-Za-z][A-Za-z0-9]*/y
const SIGN = /\*\*|[-+*/%^(),×·÷−–]/y
const SPACE = /\s+/y

export function tokenize(expression: string): readonly Token[] {
  const tokens: Token[] = []
  /** For each open parenthesis, whether it holds arguments. */
  const open: boolean[] = []
  let at = 0
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at
    return pattern.exec(expression)?.[0] ?? null
  }
  while (at < expression.length) {
    const text = take(SPACE) ?? (open.at(-1) === true ? null : take(GROUPED)) ?? take(PLAIN) ?? take(NAME) ?? take(SIGN)
    if (text === null) throw new ArithmeticError(`unexpected ${JSON.stringify(String.fromCodePoint(expression.codePointAt(at) ?? 0))} at ${at + 1}`)
    const sign = SYNONYMS[text] ?? text
    if (sign === '(') open.push(tokens.at(-1)?.kind === 'name')
    if (sign === ')') open.pop()
    if (/^[\d.]/.test(text)) tokens.push({ kind: 'number', value: readNumber(text.replaceAll(/[,_]/g, '')), at })
    else if (/^[A-Za-z]/.test(text)) tokens.push({ kind: 'name', text: text.toLowerCase(), at })
    else if (text.trim() !== '') tokens.push({ kind: 'sign', text: sign, at })
    at += text.length
  }
  return [...tokens, { kind: 'end', text: '', at }]
}

function readNumber(text: string): Amount {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e')
  const [whole = '', decimals = ''] = mantissa.split('.')
  const shift = Number(exponent) - decimals.length
  if (Math.abs(shift) > 1024) throw new ArithmeticError('this number is too large or too small')
  const digits = BigInt(`${whole}${decimals}` || '0')
  return shift < 0 ? fraction(digits, 10n ** BigInt(-shift)) : fraction(digits * 10n ** BigInt(shift))
}
