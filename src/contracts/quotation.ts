/**
 * How text of others stands in what a model is asked: between two marks that it cannot write itself (`guard/text/inert.ts` sees to that). Only requests hold marks; the journal
 * keeps texts as they were.
 */
const NAME = 'carapace-quote'

/** `from` and `warning` are words of ours, or made harmless before. */
export function quotation(text: string, from: string, warning: string | null): string {
  return `${openingMark(from, warning)}\n${text}\n${CLOSING_MARK}`
}

export function openingMark(from: string, warning: string | null): string {
  return `<${NAME} from="${from}"${warning === null ? '' : ` warning="${warning}"`}>`
}

export const CLOSING_MARK = `</${NAME}>`

const QUOTATION = new RegExp(`(?:^|\\n)<${NAME} [^<>\\n]*>\\n([^]*)\\n</${NAME}>$`)

/** The text inside, for whoever shows a request to people; a text without marks is itself. */
export function unquoted(text: string): string {
  return QUOTATION.exec(text)?.[1] ?? text
}
