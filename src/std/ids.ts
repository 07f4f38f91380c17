import { randomUUID } from 'node:crypto'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** A sortable id: prefix, 9 characters of milliseconds, 12 of randomness (48 bits). Example: `turn_1k3xq0v2a3f09c2b81d77`. */
export function newId(prefix: string, now: number): string {
  let time = ''
  for (let left = now, digit = 0; digit < 9; digit++, left = Math.floor(left / 32)) time = (ALPHABET[left % 32] ?? '0') + time
  // Node keeps random bytes ready for these; the first twelve digits of a version 4 UUID are random throughout.
  const random = randomUUID()
  return `${prefix}_${time}${random.slice(0, 8)}${random.slice(9, 13)}`
}
