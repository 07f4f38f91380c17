import { createHash, timingSafeEqual } from 'node:crypto'

/** Compares secrets of any length without telling where, or by how much in length, they differ. */
export function constantTimeEqual(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest())
}
