import { randomBytes } from 'node:crypto'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** A sortable id: prefix, 9 characters of milliseconds, 11 of randomness (55 bits). Example: `turn_1k3xq0v2a_8f3k…`. */
export function newId(prefix: string, now: number): string {
  let time = ''
  for (let left = now, digit = 0; digit < 9; digit++, left = Math.floor(left / 32)) time = (ALPHABET[left % 32] ?? '0') + time
  let random = ''
  for (const byte of randomBytes(11)) random += ALPHABET[byte & 31] ?? '0'
  return `${prefix}_${time}${random}`
}
