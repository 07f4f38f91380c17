/** Personal data by its form: kinds with a checksum are checked, so that other numbers stay. */
import type { Span } from './spans.ts'

export type PersonalKind = 'email' | 'phone' | 'iban' | 'card' | 'national-id'
/** The kinds with a checksum before those without: what they find is no telephone number. */
const ORDER = ['email', 'iban', 'card', 'national-id', 'phone'] as const satisfies readonly PersonalKind[]

interface Rule {
  readonly pattern: RegExp
  readonly instead: string
  readonly isMeant: (found: string) => boolean
}

const RULES: Readonly<Record<PersonalKind, readonly Rule[]>> = {
  email: [
    {
      pattern: /(?<![\p{L}\p{N}._%+-])[\p{L}\p{N}._%+-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}[\p{L}]{2,24}/gu,
      instead: '[e-mail address]',
      isMeant: () => true,
    },
  ],
  iban: [{ pattern: /(?<![A-Z0-9])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}(?![A-Z0-9])/g, instead: '[account number]', isMeant: isIban }],
  card: [{ pattern: /(?<![\d.,-])(?:\d{4}([ -]?)\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -]?)\d{6}\2\d{4,5})(?!\d|[.,]\d)/g, instead: '[card number]', isMeant: isCard }],
  'national-id': [
    { pattern: /(?<![A-Z0-9])(?:\d{8}|[XYZ]\d{7})-?[A-Z](?![A-Z0-9])/g, instead: '[personal number]', isMeant: isSpanish },
    { pattern: /(?<![A-Z0-9])[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?![A-Z0-9])/g, instead: '[personal number]', isMeant: isItalian },
    { pattern: /(?<!\d)[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?!\d)/g, instead: '[personal number]', isMeant: isFrench },
    { pattern: /(?<![\d.,])\d{2} ?\d{3} ?\d{3} ?\d{3}(?!\d|[.,]\d)/g, instead: '[personal number]', isMeant: (found) => isGerman(found) || isPolish(found) },
    { pattern: /(?<!\d)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)/g, instead: '[personal number]', isMeant: isBrazilian },
    { pattern: /(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])/g, instead: '[personal number]', isMeant: () => true },
  ],
  phone: [
    { pattern: /(?<![\p{L}\p{N}+])\+\d(?:[ ()./-]{0,3}\d){7,14}(?![\p{L}\p{N}])/gu, instead: '[phone number]', isMeant: () => true },
    {
      pattern: /(?<![\p{L}\p{N}+.,/-])(?:\(0?\d{2,5}\)|0\d{1,5}[ /-])(?:[ ./-]{0,3}\d){5,10}(?![\p{L}\p{N}]|[.,]\d)/gu,
      instead: '[phone number]',
      isMeant: () => true,
    },
    { pattern: /(?<![\p{L}\p{N}+.,-])\d{3}[ .-]\d{3}[ .-]\d{4}(?![\p{L}\p{N}-])/gu, instead: '[phone number]', isMeant: () => true },
  ],
}

/** What stands instead of them. */
export const PERSONAL_MARKS: readonly string[] = [...new Set(Object.values(RULES).flatMap((rules) => rules.map(({ instead }) => instead)))]

export function findPersonal(text: string, kinds: readonly PersonalKind[]): readonly Span[] {
  const spans: Span[] = []
  for (const kind of ORDER) {
    if (!kinds.includes(kind) || (kind === 'email' ? !text.includes('@') : !/\d{2}/.test(text))) continue
    for (const { pattern, instead, isMeant } of RULES[kind]) {
      for (const { 0: found, index } of text.matchAll(pattern)) {
        if (isMeant(found) && !spans.some(({ from, until }) => index < until && from < index + found.length))
          spans.push({ from: index, until: index + found.length, text: instead })
      }
    }
  }
  return spans
}

/** How many characters at the end may belong to something that goes on. */
export function personalUnfinished(text: string): number {
  const word = /[\p{L}\p{N}._%+@-]{1,200}$/u.exec(text)
  const number = /(?:[A-Z]{2})?[+(]?[\dA-Z](?:[ ()./-]{0,3}[\dA-Z]){0,40}[ ()./-]{0,3}$/.exec(text)
  return Math.max(text.length - (word?.index ?? text.length), text.length - (number?.index ?? text.length))
}

/** Digits of a text, letters as 10 to 35. */
function remainder(text: string, modulus: number): number {
  let rest = 0
  for (const one of text) {
    const value = Number.parseInt(one, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % modulus
  }
  return rest
}

function isIban(text: string): boolean {
  const bare = text.replaceAll(/[ -]/g, '')
  return bare.length >= 15 && bare.length <= 34 && remainder(bare.slice(4) + bare.slice(0, 4), 97) === 1
}

function isCard(text: string): boolean {
  const digits = text.replaceAll(/\D/g, '')
  if (!/^(?:4|5[1-5]|2[2-7]|3[4-7]|30|36|38|39|6(?:011|5|4[4-9]|2)|35)/.test(digits) || /^(\d)\1+$/.test(digits)) return false
  let sum = 0
  for (let index = 0; index < digits.length; index++) {
    const digit = Number(digits[digits.length - 1 - index])
    const doubled = index % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

function isSpanish(text: string): boolean {
  const bare = text.replaceAll('-', '')
  const number = Number(bare.slice(0, -1).replace('X', '0').replace('Y', '1').replace('Z', '2'))
  return 'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23] === bare.at(-1)
}

const ITALIAN_ODD = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]
function isItalian(text: string): boolean {
  let sum = 0
  for (let index = 0; index < 15; index++) {
    const code = text.charCodeAt(index)
    const value = code < 58 ? code - 48 : code - 65
    sum += index % 2 === 0 ? (ITALIAN_ODD[value] ?? 0) : value
  }
  return String.fromCharCode(65 + (sum % 26)) === text.at(-1)
}

function isFrench(text: string): boolean {
  const bare = text.replaceAll(' ', '').replace('2A', '19').replace('2B', '18')
  return 97 - (remainder(bare.slice(0, 13), 97) % 97) === Number(bare.slice(13))
}

function isGerman(text: string): boolean {
  const digits = text.replaceAll(' ', '')
  if (digits.startsWith('0') || !/(\d)\d*\1/.test(digits.slice(0, 10))) return false
  let product = 10
  for (const digit of digits.slice(0, 10)) {
    const sum = (Number(digit) + product) % 10
    product = ((sum === 0 ? 10 : sum) * 2) % 11
  }
  return (11 - product) % 10 === Number(digits[10])
}

function isPolish(text: string): boolean {
  if (!/^\d{11}$/.test(text)) return false
  const month = Number(text.slice(2, 4)) % 20
  const day = Number(text.slice(4, 6))
  if (month < 1 || month > 12 || day < 1 || day > 31) return false
  const weights = [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]
  const sum = weights.reduce((total, weight, index) => total + weight * Number(text[index]), 0)
  return (10 - (sum % 10)) % 10 === Number(text[10])
}

function isBrazilian(text: string): boolean {
  const digits = text.replaceAll(/\D/g, '')
  if (/^(\d)\1+$/.test(digits)) return false
  const check = (length: number) => {
    let sum = 0
    for (let index = 0; index < length; index++) sum += Number(digits[index]) * (length + 1 - index)
    return ((sum * 10) % 11) % 10
  }
  return check(9) === Number(digits[9]) && check(10) === Number(digits[10])
}
