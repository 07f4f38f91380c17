/** Puts text of others between our marks, with where it came from and what is odd about it. */
import type { Origin } from '../../contracts/origin.ts'
import { CLOSING_MARK, openingMark, quotation } from '../../contracts/quotation.ts'
import { describeSuspicion, type Suspicion } from '../../contracts/suspicion.ts'
import { makeInert } from './inert.ts'

export function marked(text: string, source: string, suspicion: readonly Suspicion[] = []): string {
  const { text: inert, hadRoleMarker } = makeInert(text)
  const found = hadRoleMarker && !suspicion.includes('role-marker') ? [...suspicion, 'role-marker' as const] : suspicion
  return quotation(inert, source, warningOf(found))
}

/** Marks to stand before and after what is no text. */
export function marksAround(source: string): readonly [opening: string, closing: string] {
  return [openingMark(source, null), CLOSING_MARK]
}

function warningOf(found: readonly Suspicion[]): string | null {
  return found.length === 0 ? null : describeSuspicion(found)
}

/** Who wrote it. Names that others chose keep letters, digits and what addresses are made of. */
export function sourceOf({ author }: Origin, tool?: string): string {
  switch (author.kind) {
    case 'owner':
      return 'owner'
    case 'web':
      return `web page, ${plain(author.host)}`
    case 'file':
      return `file ${plain(author.path)}`
    case 'peer':
      return `${plain(author.channel)} user ${plain(author.id)}`
    case 'plugin':
      return `plugin ${plain(author.id)}`
    case 'tool':
      return `result of ${plain(tool ?? author.name)}`
    case 'model':
      return `written by a model, ${plain(author.name)}`
  }
}

const MAX_NAME = 80

function plain(name: string): string {
  return makeInert(name.slice(-MAX_NAME)).text.replaceAll(/[^\w.:/@+-]+/g, '_')
}
