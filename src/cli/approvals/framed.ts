/**
 * Text of others inside our own output. Every line of it begins with a mark that nothing of theirs can begin a line without: it is wrapped here, before the terminal does it, and what
 * cannot be seen is written out. So no argument of a call can look like a line of ours.
 */
import { visibleText } from '../../std/visible-text.ts'
import { clean } from '../output.ts'

const MARK = '│ '
const LEAST_COLUMNS = 20

/** As it is: what cannot be seen is written out. */
export function framed(text: string, columns: number, indent = '    '): readonly string[] {
  return wrapped(visibleText(text, Infinity, { lines: true }), columns, indent)
}

/** For lines in which that was done already. */
export function framedClean(text: string, columns: number, indent = '    '): readonly string[] {
  return wrapped(clean(text).replaceAll('\t', ' '), columns, indent)
}

function wrapped(text: string, columns: number, indent: string): readonly string[] {
  const room = Math.max(LEAST_COLUMNS, columns - indent.length - MARK.length - 1)
  return text.split('\n').flatMap((line) => pieces(line, room).map((piece) => `${indent}${MARK}${piece}`))
}

function pieces(line: string, room: number): readonly string[] {
  const found: string[] = []
  let piece = ''
  let used = 0
  for (const { segment } of new Intl.Segmenter().segment(line)) {
    const width = widthOf(segment)
    if (used + width > room && piece !== '') {
      found.push(piece)
      piece = ''
      used = 0
    }
    piece += segment
    used += width
  }
  return [...found, piece]
}

/** Never too small: what is taken for wide costs a shorter line only. */
function widthOf(segment: string): number {
  return Math.max(...Array.from(segment, (character) => ((character.codePointAt(0) ?? 0) >= 0x1100 ? 2 : 1)))
}
