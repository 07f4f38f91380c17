/**
 * Secrets that are spread: their letters and digits in order, with spaces, dashes, line ends or invisible characters between them. Compared without case, and whatever letters they are
 * written in (full-width, mathematical, circled). What stands between two of them is at most a few characters, so that words which begin like the letters of a secret are no secret.
 */
import { TextSearch } from './text-search.ts'

const MIN_LENGTH = 12
const MAX_GAP = 8

interface Squeezed {
  /** Letters and digits, as small ones of ASCII. */
  readonly text: string
  /** Where each of them stands. */
  readonly at: Uint32Array
}

export class SplitSecrets {
  readonly #search: TextSearch | null
  readonly #longest: number

  constructor(secrets: readonly string[]) {
    const forms = [...new Set(secrets.map((secret) => squeeze(secret).text))].filter((form) => form.length >= MIN_LENGTH)
    this.#search = forms.length === 0 ? null : new TextSearch(forms)
    this.#longest = Math.max(0, ...forms.map((form) => form.length))
  }

  find(text: string): readonly (readonly [from: number, until: number])[] {
    if (this.#search === null || text.length < MIN_LENGTH) return []
    const squeezed = squeeze(text)
    return this.#search
      .matches(squeezed.text)
      .filter(([start, length]) => isTight(squeezed.at, start, start + length))
      .map(([start, length]) => [squeezed.at[start] ?? 0, after(text, squeezed.at[start + length - 1] ?? 0)])
  }

  /** Goes back from the end over letters that stand close enough together, and forward again to where a secret may begin. */
  unfinished(text: string): number {
    if (this.#search === null) return 0
    let letters = 0
    let from = text.length
    for (let at = text.length - 1; at >= 0 && from - at <= MAX_GAP + 1 && letters < this.#longest; at--) {
      if (smallAt(text, at) === 0) continue
      from = at
      letters++
    }
    if (letters === 0) return 0
    const { text: tail, at } = squeeze(text.slice(from))
    const open = this.#search.unfinished(tail)
    return open === 0 ? 0 : text.length - from - (at[tail.length - open] ?? 0)
  }
}

function isTight(at: Uint32Array, from: number, until: number): boolean {
  for (let index = from + 1; index < until; index++) if ((at[index] ?? 0) - (at[index - 1] ?? 0) > MAX_GAP + 1) return false
  return true
}

/** Letters and digits by their code, in small letters; 0 for all else. */
const SMALL = Uint8Array.from({ length: 128 }, (_, code) =>
  /[a-z0-9]/i.test(String.fromCharCode(code)) ? String.fromCharCode(code).toLowerCase().charCodeAt(0) : 0,
)
/** The same of what Unicode takes for another form of a letter, as far as it was met: 0 where it was not, NONE for all else. Beyond the first two planes there is none. */
const met = new Uint8Array(0x20000)
const NONE = 1

function smallAt(text: string, index: number): number {
  const code = text.charCodeAt(index)
  if (code < SMALL.length) return SMALL[code] ?? 0
  const point = text.codePointAt(index) ?? 0
  if (point >= met.length) return 0
  if (met[point] === 0) {
    const plain = String.fromCodePoint(point).normalize('NFKC')
    met[point] = plain.length === 1 ? SMALL[plain.charCodeAt(0)] || NONE : NONE
  }
  const small = met[point] ?? NONE
  return small === NONE ? 0 : small
}

/** Behind the character that begins there. */
function after(text: string, index: number): number {
  return index + ((text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1)
}

function squeeze(text: string): Squeezed {
  const letters = Buffer.allocUnsafe(text.length)
  const at = new Uint32Array(text.length)
  let length = 0
  for (let index = 0; index < text.length; index++) {
    const small = smallAt(text, index)
    if (small === 0) continue
    letters[length] = small
    at[length++] = index
  }
  return { text: letters.toString('latin1', 0, length), at: at.subarray(0, length) }
}
