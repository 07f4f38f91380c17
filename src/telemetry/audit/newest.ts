/** The newest receipts, oldest of them first, for reading. It checks nothing. */
import { allFiles, rawLines } from './files.ts'
import { lineShape, parseJson, type Line } from './line.ts'

/** Only those of one kind, or of one turn, where these are given. */
export function newestReceipts(folder: string, limit: number, kind: string | null, turn: string | null = null): readonly Line[] {
  let found: Line[] = []
  for (const file of allFiles(folder).toReversed()) {
    const here: Line[] = []
    for (const { text } of rawLines(folder, file)) {
      const line = lineShape(parseJson(text))
      if (line === null || (kind !== null && line.kind !== kind) || (turn !== null && line['turn'] !== turn)) continue
      here.push(line)
      if (here.length > 2 * limit) here.splice(0, here.length - limit)
    }
    found = [...here, ...found].slice(-limit)
    if (found.length >= limit) break
  }
  return found
}
