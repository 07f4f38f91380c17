/**
 * A text as it is read, with the way back to the text as it is written: what is found in the one can be changed in the other. `decoded` reads escapes (HTML, JSON, percent);
 * `skeleton` also takes away what makes equal-looking text different: compatibility forms, letters of other scripts that look alike, accents, case, and what cannot be seen.
 * Takes time in the length of the text.
 */
export interface Mapped {
  readonly text: string
  /** Where the character at this index of `text` begins in the original. */
  start(index: number): number
  /** Where the characters before this index of `text` end in the original. */
  end(index: number): number
}

const PLAIN = /^[\t\n\r\x20-\x7E]*$/
const ESCAPES = /&(?:#x?[0-9a-f]{1,7};?|[a-z]{2,8};)|\\(?:u\{[0-9a-f]{1,6}\}|u[0-9a-f]{4}|x[0-9a-f]{2}|[nrt])|%[0-7][0-9a-f]/gi
const ESCAPES_AND_OTHERS = /&(?:#x?[0-9a-f]{1,7};?|[a-z]{2,8};)|\\(?:u\{[0-9a-f]{1,6}\}|u[0-9a-f]{4}|x[0-9a-f]{2}|[nrt])|%[0-7][0-9a-f]|[^\t\n\r\x20-\x7E]+/giu

const OTHERS = /[^\t\n\r\x20-\x7E]+/gu

export function decoded(text: string): Mapped {
  return hasEscapes(text) ? build(text, ESCAPES, (found) => decodeEscape(found) ?? found) : same(text)
}

/** Nothing read and nothing taken apart, in small letters: for what counts the characters of a script that `skeleton` spells with more of them. Null where that is the plain skeleton. */
export function asWritten(text: string): Mapped | null {
  return PLAIN.test(text) ? null : same(text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase()))
}

/** The skeleton without reading escapes: `\\u003cat` holds an `<` for one reader, and a `cat` for another. */
export function plainSkeleton(text: string): Mapped {
  return PLAIN.test(text) ? same(text.toLowerCase()) : build(text, OTHERS, (found) => found, bareForm)
}

export function hasEscapes(text: string): boolean {
  return /[&\\%]/.test(text)
}

export function skeleton(text: string): Mapped {
  if (!hasEscapes(text)) return plainSkeleton(text)
  return build(
    text,
    ESCAPES_AND_OTHERS,
    (found) => {
      const character = decodeEscape(found)
      return character === null ? found : PLAIN.test(character) ? character : bareForm(character)
    },
    bareForm,
  )
}

function same(text: string): Mapped {
  return { text, start: (index) => index, end: (index) => index }
}

/** Offsets by pieces: what stands between two special characters is as long as it was. */
class Offsets implements Mapped {
  readonly text: string
  /** Per piece: where it begins in `text`, where in the original, and where its original ends; whole pieces stand for one special character. */
  readonly #at: readonly number[]
  readonly #from: readonly number[]
  readonly #until: readonly number[]
  readonly #isWhole: readonly boolean[]

  constructor(text: string, at: readonly number[], from: readonly number[], until: readonly number[], isWhole: readonly boolean[]) {
    this.text = text
    this.#at = at
    this.#from = from
    this.#until = until
    this.#isWhole = isWhole
  }

  start(index: number): number {
    const piece = this.#piece(index)
    const from = this.#from[piece] ?? 0
    return this.#isWhole[piece] === true ? (index >= this.text.length ? (this.#until[piece] ?? 0) : from) : from + index - (this.#at[piece] ?? 0)
  }

  end(index: number): number {
    if (index <= 0) return 0
    const piece = this.#piece(index - 1)
    return this.#isWhole[piece] === true ? (this.#until[piece] ?? 0) : (this.#from[piece] ?? 0) + index - (this.#at[piece] ?? 0)
  }

  #piece(index: number): number {
    let low = 0
    let high = this.#at.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#at[middle] ?? 0) <= index) low = middle
      else high = middle - 1
    }
    return low
  }
}

function build(text: string, special: RegExp, read: (escape: string) => string, bare: ((character: string) => string) | null = null): Mapped {
  const at: number[] = []
  const from: number[] = []
  const until: number[] = []
  const isWhole: boolean[] = []
  const parts: string[] = []
  let length = 0
  let done = 0
  const add = (part: string, start: number, end: number, whole: boolean) => {
    if (part === '') return
    at.push(length)
    from.push(start)
    until.push(end)
    isWhole.push(whole)
    parts.push(part)
    length += part.length
  }
  const addOrdinary = (until: number) => {
    const piece = text.slice(done, until)
    add(bare === null ? piece : piece.toLowerCase(), done, until, false)
    done = until
  }
  for (const { 0: found, index } of text.matchAll(special)) {
    addOrdinary(index)
    done = index + found.length
    if (bare === null || found.startsWith('&') || found.startsWith('\\') || found.startsWith('%')) add(read(found), index, done, true)
    else addOthers(found, index, bare, add)
  }
  addOrdinary(text.length)
  if (at.length === 0) return { text: '', start: () => 0, end: () => 0 }
  return new Offsets(parts.join(''), at, from, until, isWhole)
}

/** Characters whose bare form is as long as they are go together: most text of another script is one piece. */
function addOthers(
  run: string,
  from: number,
  bare: (character: string) => string,
  add: (part: string, start: number, end: number, whole: boolean) => void,
): void {
  let piece = ''
  let start = from
  let at = from
  for (const character of run) {
    const form = bare(character)
    if (form.length !== character.length) {
      add(piece, start, at, false)
      add(form, at, at + character.length, true)
      piece = ''
      start = at + character.length
    } else piece += form
    at += character.length
  }
  add(piece, start, at, false)
}

const NAMED: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
  sol: '/',
  bsol: '\\',
  colon: ':',
  period: '.',
  num: '#',
  lsqb: '[',
  lbrack: '[',
  rsqb: ']',
  rbrack: ']',
  lpar: '(',
  rpar: ')',
  vert: '|',
  verbar: '|',
  vbar: '|',
  equals: '=',
  quest: '?',
  commat: '@',
  percnt: '%',
  newline: '\n',
  tab: '\t',
  nbsp: ' ',
  hyphen: '-',
  dash: '-',
  lowbar: '_',
}

/** Vertical tab, form feed and the separators of files, groups and records. */
function isLineEnd(code: number): boolean {
  return code === 11 || code === 12 || (code >= 28 && code <= 30)
}

/** Null for what only looks like an escape. */
function decodeEscape(escape: string): string | null {
  if (escape.startsWith('&')) {
    const body = escape.slice(1).replace(/;$/, '')
    if (!body.startsWith('#')) return NAMED[body.toLowerCase()] ?? null
    return characterOf(/^#x/i.test(body) ? Number.parseInt(body.slice(2), 16) : Number.parseInt(body.slice(1), 10))
  }
  if (escape.startsWith('%')) return characterOf(Number.parseInt(escape.slice(1), 16))
  switch (escape[1]) {
    case 'n':
    case 'r':
      return '\n'
    case 't':
      return '\t'
    default:
      return characterOf(Number.parseInt(escape.slice(2).replaceAll(/[{}]/g, ''), 16))
  }
}

function characterOf(code: number): string | null {
  return Number.isInteger(code) && code > 0 && code <= 0x10_ff_ff ? String.fromCodePoint(code) : null
}

const bareForms = new Map<string, string>()
const MAX_REMEMBERED = 20_000

/** What one character that is not printable ASCII looks like; nothing for what cannot be seen. */
function bareForm(character: string): string {
  const first = character.charCodeAt(0)
  if (first < 128) return isLineEnd(first) ? '\n' : ''
  const known = bareForms.get(character)
  if (known !== undefined) return known
  const bare = character
    .normalize('NFKD')
    .replaceAll(/[\u0085\u2028\u2029]/g, '\n')
    .replaceAll(/(?!\n)[\p{M}\p{Cf}\p{Cc}\p{Co}\u115F\u1160\u17B4\u17B5\u3164\uFFA0\u2800]/gu, '')
    .toLowerCase()
    .replaceAll(/\P{ASCII}/gu, (one) => LOOK_ALIKES.get(one) ?? one)
  if (bareForms.size >= MAX_REMEMBERED) bareForms.clear()
  bareForms.set(character, bare)
  return bare
}

/** Letters of other scripts, and brackets, that people and models read as the ASCII one. */
const LOOK_ALIKES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: 'аαɑᴀ',
    b: 'вьʙ',
    c: 'сϲᴄ',
    d: 'ԁɗᴅđ',
    e: 'еєεᴇҽ',
    f: 'ꜰƒ',
    g: 'ɡɢց',
    h: 'һнհʜ',
    i: 'іιıɪӏ',
    j: 'јᴊ',
    k: 'кκᴋ',
    l: 'ʟłⅼ',
    m: 'мᴍ',
    n: 'ոռɴη',
    o: 'оοօᴏø',
    p: 'рρᴘ',
    q: 'ԛգǫ',
    r: 'гʀᴦ',
    s: 'ѕꜱʂ',
    t: 'тτᴛ',
    u: 'υսᴜ',
    v: 'ѵνᴠ',
    w: 'ԝաᴡω',
    x: 'хχ',
    y: 'уγүʏ',
    z: 'ᴢʐ',
    '<': '˂ᐸ〈⟨❬❮⧼',
    '>': '˃ᐳ〉⟩❭❯⧽',
    '|': '∣│ǀ┃❘',
    ':': '∶꞉ː։',
    '/': '∕⁄╱',
    '-': '‐‑‒–—−',
    '[': '⟦〚',
    ']': '⟧〛',
  }).flatMap(([plain, others]) => Array.from(others, (other) => [other, plain] as const)),
)
