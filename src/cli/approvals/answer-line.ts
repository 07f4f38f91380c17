/** What a line means as an answer to one or more questions. Only what is exactly an answer is one: a message that is being typed must not allow anything. */
import type { Unlock } from './question.ts'

export type AnswerLine =
  | { readonly kind: 'allow'; readonly numbers: readonly number[]; readonly unlock: Unlock }
  | { readonly kind: 'deny'; readonly numbers: readonly number[]; readonly note: string | null }
  | { readonly kind: 'edit'; readonly number: number }
  | { readonly kind: 'help' }
  | { readonly kind: 'leave' }
  | { readonly kind: 'unclear'; readonly why: string }

const UNLOCKS: Readonly<Record<string, Unlock>> = { y: 'once', s: 'session', d: 'destination', a: 'always' }

export const ANSWER_HELP: readonly string[] = [
  'y  this call, once                  s  its like, in this conversation',
  'd  this destination, for every tool  a  calls of this shape, always',
  'n  no; `n WORDS` tells the model why',
  'e  change the arguments first       Enter  leave it waiting',
  'of several: `y` is all of them, `y 1 3` some; the others wait',
]

/** `count` questions were shown, numbered from 1. */
export function readAnswer(line: string, count: number): AnswerLine {
  const text = line.trim()
  if (text === '') return { kind: 'leave' }
  if (text === '?') return { kind: 'help' }
  const [, letter = '', rest = ''] = /^([a-z])(?:\s+([^]*))?$/.exec(text) ?? []
  const [, digits = '', words = ''] = /^((?:\d{1,3}(?:\s+|$))*)([^]*)$/.exec(rest) ?? []
  const given = digits.split(/\s+/).filter(Boolean).map(Number)
  const numbers = given.length === 0 ? Array.from({ length: count }, (_, index) => index + 1) : [...new Set(given)]
  // A note may begin with a number.
  if (letter === 'n' && given.some((number) => number < 1 || number > count)) return { kind: 'deny', numbers: all(count), note: rest }
  if (numbers.some((number) => number < 1 || number > count)) return { kind: 'unclear', why: `the questions are 1 to ${count}` }
  if (letter === 'n') return { kind: 'deny', numbers, note: words === '' ? null : words }
  if (words !== '') return { kind: 'unclear', why: 'that is not an answer' }
  const unlock = UNLOCKS[letter]
  if (unlock !== undefined) return { kind: 'allow', numbers, unlock }
  if (letter !== 'e') return { kind: 'unclear', why: 'that is not an answer' }
  const [number] = numbers
  return number !== undefined && numbers.length === 1 ? { kind: 'edit', number } : { kind: 'unclear', why: 'say which one: `e 1`' }
}

function all(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}
