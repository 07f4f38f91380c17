/** How a platform counts the text of one message. */
import type { TextUnit } from '../../contracts/destination.ts'

export function measure(text: string, unit: TextUnit): number {
  if (unit === 'utf-16') return text.length
  if (unit === 'bytes') return Buffer.byteLength(text)
  let count = 0
  for (const _ of text) count++
  return count
}

/** The largest index up to which the text from `start` takes at most `most` units; never inside a code point. */
export function reach(text: string, start: number, most: number, unit: TextUnit): number {
  let index = start
  for (let left = most; index < text.length;) {
    const code = text.codePointAt(index) ?? 0
    const length = code > 0xffff ? 2 : 1
    left -= unit === 'utf-16' ? length : unit === 'code-points' ? 1 : bytesOf(code)
    if (left < 0) break
    index += length
  }
  return index
}

/** A lone surrogate is written as the replacement character: three bytes. */
function bytesOf(code: number): number {
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
}
