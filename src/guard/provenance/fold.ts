/** One form for equal text: compatibility characters, case and white space are folded; what cannot be seen is dropped. */
const INVISIBLE = /\p{Cf}|\p{Cc}|[\u115F\u1160\u17B4\u17B5\u3164\uFFA0]|\u034F|[\u180B-\u180E]|[\uFE00-\uFE0F]/gu
/** Most text is; nothing in it needs folding but case. */
const PLAIN = /^[\n\x20-\x7E]*$/

export function fold(text: string): string {
  if (PLAIN.test(text)) return text.toLowerCase().replaceAll('\n', ' ')
  return text
    .normalize('NFKC')
    .replaceAll(/[\t\n\r]+/g, ' ')
    .replaceAll(INVISIBLE, '')
    .toLowerCase()
}

/** Letters and digits alone: what is left of a value however it is spaced, cut or punctuated. */
export function squeeze(text: string): string {
  return PLAIN.test(text) ? text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '') : fold(text).replaceAll(/[^\p{L}\p{N}]+/gu, '')
}

/**
 * Whether a value is written as it reads. A sink uses the very characters: a full-width letter, a hidden mark or letters of two scripts in one word make it another value than the
 * one that the owner reads.
 */
export function isPlain(text: string): boolean {
  if (PLAIN.test(text)) return true
  const line = text.replaceAll(/[\t\n\r]/g, ' ')
  if (line.normalize('NFKC') !== line || line.search(INVISIBLE) !== -1) return false
  return text.split(/[\s.@/:_-]+/).every((word) => SCRIPTS.filter((script) => script.test(word)).length < 2)
}

/** Scripts whose letters look alike. */
const SCRIPTS = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u, /\p{Script=Armenian}/u, /\p{Script=Cherokee}/u]

/** The words of a text as the owner would name things: cut at white space, without the quotes and punctuation around them. `raw` keeps the case and the quotes. */
export interface Word {
  readonly text: string
  readonly raw: string
}

export function words(text: string): readonly Word[] {
  return text
    .split(/[\s,;]+/)
    .map((raw) => ({ raw, text: bare(raw) }))
    .filter((word) => word.text !== '')
}

const MAX_WORD_CHARACTERS = 256

/** A word without what stands around it: quotes, brackets, sentence marks, the sigil of a handle, a possessive. */
export function bare(word: string): string {
  if (/^[A-Za-z0-9]+$/.test(word)) return word.toLowerCase()
  if (word.length > MAX_WORD_CHARACTERS) return fold(word)
  return fold(word)
    .replace(/^[^\p{L}\p{N}+/~$]+/u, '')
    .replace(/[^\p{L}\p{N}/$%]+$/u, '')
    .replace(/['’]s$/u, '')
}
