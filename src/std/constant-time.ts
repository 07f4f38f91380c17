import { hash, timingSafeEqual } from 'node:crypto'

/** Compares what is given with a secret of any length, without telling where, or by how much in length, they differ. */
export function secretMatcher(secret: string): (given: string) => boolean {
  const expected = digest(secret)
  return (given) => timingSafeEqual(digest(given), expected)
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
