/**
 * Secrets that are spread: their letters and digits in order, with spaces, dashes, line ends or invisible characters between them. Compared without case; what stands between two of them
 * is at most a few characters, so that words which begin like the letters of a secret are no secret.
 */
import { TextSearch } from './text-search.ts'

const MIN_LENGTH = 12
const MAX_GAP = 8

interface Squeezed {
  /** Letters and digits of ASCII, in small letters. */
  readonly text: string
  /** Where each of them stands. */
  readonly at: Uint32Array
}

export class SplitSecrets {
  readonly #search: TextSearch | null
  readonly #byFirst: ReadonlyMap<string, readonly string[]>
  readonly #longest: number

  constructor(secrets: readonly string[]) {
    const forms = [...new Set(secrets.map((secret) => squeeze(secret).text))].filter((form) => form.length >= MIN_LENGTH)
    this.#search = forms.length === 0 ? null : new TextSearch(forms)
    this.#byFirst = Map.groupBy(forms, (form) => form.charAt(0))
    this.#longest = Math.max(0, ...forms.map((form) => form.length))
  }

  find(text: string): readonly (readonly [from: number, until: number])[] {
    if (this.#search === null || text.length < MIN_LENGTH) return []
    const squeezed = squeeze(text)
    return this.#search
      .matches(squeezed.text)
      .filter(([start, length]) => isTight(squeezed.at, start, start + length))
      .map(([start, length]) => [squeezed.at[start] ?? 0, (squeezed.at[start + length - 1] ?? 0) + 1])
  }

  unfinished(text: string): number {
    if (this.#search === null) return 0
    const tail = text.slice(-this.#longest * (MAX_GAP + 1))
    const { text: letters, at } = squeeze(tail)
    const last = at[letters.length - 1]
    if (last === undefined || tail.length - last > MAX_GAP + 1) return 0
    for (let start = Math.max(0, letters.length - this.#longest + 1); start < letters.length; start++) {
      const rest = letters.length - start
      const begins = this.#byFirst.get(letters.charAt(start))?.some((form) => form.length > rest && form.startsWith(letters.slice(start)))
      if (begins === true && isTight(at, start, letters.length)) return tail.length - (at[start] ?? 0)
    }
    return 0
  }
}

function isTight(at: Uint32Array, from: number, until: number): boolean {
  for (let index = from + 1; index < until; index++) if ((at[index] ?? 0) - (at[index - 1] ?? 0) > MAX_GAP + 1) return false
  return true
}

function squeeze(text: string): Squeezed {
  const letters = Buffer.allocUnsafe(text.length)
  const at = new Uint32Array(text.length)
  let length = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    const isUpper = code >= 65 && code <= 90
    if (!isUpper && !(code >= 97 && code <= 122) && !(code >= 48 && code <= 57)) continue
    letters[length] = isUpper ? code + 32 : code
    at[length++] = index
  }
  return { text: letters.toString('latin1', 0, length), at: at.subarray(0, length) }
}
