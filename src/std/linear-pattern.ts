/**
 * Regular expressions whose search takes time linear in the text: no backtracking, so no pattern blows up. Letters, `.`, classes, `\d \w \s \b`, groups, `|`, `* + ? {n,m}` (lazy ones too,
 * which here mean the same), `^ $` of a line, and `(?i)` at the start. No back-references and no look-around: they cannot be had in linear time.
 */
type Accepts = (code: number) => boolean
type Node =
  | { readonly kind: 'one'; readonly accepts: Accepts }
  | { readonly kind: 'edge'; readonly at: Edge }
  | { readonly kind: 'row'; readonly of: readonly Node[] }
  | { readonly kind: 'either'; readonly of: readonly Node[] }
  | { readonly kind: 'repeat'; readonly of: Node; readonly least: number; readonly most: number }
type Edge = 'start' | 'end' | 'word' | 'no-word'
type Step =
  | { readonly kind: 'one'; readonly accepts: Accepts }
  | { readonly kind: 'edge'; readonly at: Edge }
  | { readonly kind: 'split'; first: number; second: number }
  | { readonly kind: 'found' }

const MAX_PATTERN = 1000
const MAX_STEPS = 2000
const MAX_DEPTH = 50
const NEVER = -1

/** What a search may still cost, over many texts: characters times the states that are alive. */
export interface Effort {
  left: number
}

export interface LinearPattern {
  /** Where the first match ends; -1 without one, or when the effort is used up. */
  search(text: string, effort: Effort): number
}

/** Throws a `SyntaxError` that says what is not understood. */
export function linearPattern(source: string): LinearPattern {
  if (source.length > MAX_PATTERN) throw new SyntaxError(`a pattern has at most ${MAX_PATTERN} characters`)
  const isLoose = source.startsWith('(?i)')
  const steps = compile(new Parser(isLoose ? source.slice(4) : source, isLoose).whole())
  return { search: (text, effort) => search(steps, text, effort) }
}

class Parser {
  readonly #text: readonly string[]
  readonly #isLoose: boolean
  #at = 0
  #depth = 0

  constructor(source: string, isLoose: boolean) {
    this.#text = Array.from(source)
    this.#isLoose = isLoose
  }

  whole(): Node {
    const node = this.#either()
    if (this.#at < this.#text.length) throw new SyntaxError('a “)” closes nothing')
    return node
  }

  #either(): Node {
    const of = [this.#row()]
    while (this.#take('|')) of.push(this.#row())
    return of.length === 1 && of[0] !== undefined ? of[0] : { kind: 'either', of }
  }

  #row(): Node {
    const of: Node[] = []
    while (this.#at < this.#text.length && this.#peek() !== '|' && this.#peek() !== ')') of.push(this.#repeated())
    return { kind: 'row', of }
  }

  #repeated(): Node {
    let node = this.#atom()
    for (let times = this.#times(); times !== null; times = this.#times()) {
      if (node.kind === 'edge') throw new SyntaxError('an edge cannot be repeated')
      node = { kind: 'repeat', of: node, ...times }
      this.#take('?')
    }
    return node
  }

  #times(): { readonly least: number; readonly most: number } | null {
    if (this.#take('*')) return { least: 0, most: Infinity }
    if (this.#take('+')) return { least: 1, most: Infinity }
    if (this.#take('?')) return { least: 0, most: 1 }
    const [whole, least, comma, most] = /^\{(\d{1,4})(,?)(\d{0,4})\}/.exec(this.#text.slice(this.#at, this.#at + 12).join('')) ?? []
    if (whole === undefined) return null
    this.#at += whole.length
    const low = Number(least)
    const high = comma === '' ? low : most === '' ? Infinity : Number(most)
    if (high < low) throw new SyntaxError('{n,m} has its numbers the wrong way round')
    return { least: low, most: high }
  }

  #atom(): Node {
    const character = this.#next()
    if (character === '(') return this.#group()
    if (character === '[') return { kind: 'one', accepts: this.#class() }
    if (character === '.') return { kind: 'one', accepts: () => true }
    if (character === '^') return { kind: 'edge', at: 'start' }
    if (character === '$') return { kind: 'edge', at: 'end' }
    if (character === '*' || character === '+' || character === '?') throw new SyntaxError(`“${character}” repeats nothing`)
    if (character !== '\\') return { kind: 'one', accepts: this.#exactly(character) }
    const escaped = this.#next()
    if (escaped === 'b' || escaped === 'B') return { kind: 'edge', at: escaped === 'b' ? 'word' : 'no-word' }
    return { kind: 'one', accepts: this.#escape(escaped) }
  }

  #group(): Node {
    if (++this.#depth > MAX_DEPTH) throw new SyntaxError('groups are nested too deep')
    if (this.#take('?') && !this.#take(':')) throw new SyntaxError('look-around and named groups are not understood; (?:…) is')
    const node = this.#either()
    if (!this.#take(')')) throw new SyntaxError('a “(” is not closed')
    this.#depth--
    return node
  }

  #class(): Accepts {
    const isNot = this.#take('^')
    const accepted: Accepts[] = []
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      const low = this.#next()
      if (low === '\\') {
        accepted.push(this.#escape(this.#next()))
        continue
      }
      if (this.#peek() !== '-' || this.#text[this.#at + 1] === ']') {
        accepted.push(this.#exactly(low))
        continue
      }
      this.#at++
      const high = this.#next()
      accepted.push(this.#between(codeOf(low), codeOf(high === '\\' ? this.#next() : high)))
    }
    this.#at++
    return (code) => accepted.some((accepts) => accepts(code)) !== isNot
  }

  #escape(character: string): Accepts {
    const known = CLASSES[character]
    if (known !== undefined) return known
    const control = CONTROLS[character]
    if (control !== undefined) return (code) => code === control
    if (/[A-Za-z0-9]/.test(character)) throw new SyntaxError(`“\\${character}” is not understood`)
    return this.#exactly(character)
  }

  #exactly(character: string): Accepts {
    const code = codeOf(character)
    if (!this.#isLoose) return (one) => one === code
    const lower = codeOf(character.toLowerCase())
    const upper = codeOf(character.toUpperCase())
    return (one) => one === lower || one === upper
  }

  #between(low: number, high: number): Accepts {
    if (high < low) throw new SyntaxError('a range is the wrong way round')
    const holds = (code: number) => code >= low && code <= high
    if (!this.#isLoose) return holds
    return (code) => holds(code) || holds(codeOf(String.fromCodePoint(code).toLowerCase())) || holds(codeOf(String.fromCodePoint(code).toUpperCase()))
  }

  #peek(): string | undefined {
    return this.#text[this.#at]
  }

  #next(): string {
    const character = this.#text[this.#at++]
    if (character === undefined) throw new SyntaxError('it ends too early')
    return character
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false
    this.#at++
    return true
  }
}

const codeOf = (character: string) => character.codePointAt(0) ?? 0
const isDigit: Accepts = (code) => code >= 48 && code <= 57
const isWord: Accepts = (code) => isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95
const isSpace: Accepts = (code) => code === 32 || (code >= 9 && code <= 13) || code === 0xa0 || code === 0xfeff || code === 0x2028 || code === 0x2029
const CLASSES: Readonly<Record<string, Accepts>> = {
  d: isDigit,
  D: (code) => !isDigit(code),
  w: isWord,
  W: (code) => !isWord(code),
  s: isSpace,
  S: (code) => !isSpace(code),
}
const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11 }

/** Thompson's construction: `split` goes on in two places at once. */
function compile(whole: Node): readonly Step[] {
  const steps: Step[] = []
  const add = <S extends Step>(step: S): S => {
    if (steps.length >= MAX_STEPS) throw new SyntaxError('it repeats too much')
    steps.push(step)
    return step
  }
  const split = () => add({ kind: 'split' as const, first: steps.length + 1, second: NEVER })
  const emit = (node: Node): void => {
    if (node.kind === 'one' || node.kind === 'edge') add(node)
    else if (node.kind === 'row') for (const each of node.of) emit(each)
    else if (node.kind === 'either') {
      const ends: Extract<Step, { kind: 'split' }>[] = []
      for (const [index, each] of node.of.entries()) {
        if (index === node.of.length - 1) emit(each)
        else {
          const fork = split()
          emit(each)
          const end = split()
          end.first = NEVER
          ends.push(end)
          fork.second = steps.length
        }
      }
      for (const end of ends) end.second = steps.length
    } else {
      for (let count = 0; count < node.least; count++) emit(node.of)
      if (node.most === Infinity) {
        const start = steps.length
        const fork = split()
        emit(node.of)
        const back = split()
        back.first = NEVER
        back.second = start
        fork.second = steps.length
      } else {
        const forks = Array.from({ length: node.most - node.least }, () => {
          const fork = split()
          emit(node.of)
          return fork
        })
        for (const fork of forks) fork.second = steps.length
      }
    }
  }
  emit(whole)
  add({ kind: 'found' })
  return steps
}

/** Every state is alive at most once for each character. */
function search(steps: readonly Step[], text: string, effort: Effort): number {
  const seen = new Int32Array(steps.length).fill(NEVER)
  let alive: number[] = []
  let position = 0
  let before: number | null = null
  for (;;) {
    const code = position < text.length ? (text.codePointAt(position) ?? 0) : null
    // A match may begin anywhere.
    const waiting = [...alive, 0]
    alive = []
    while (waiting.length > 0) {
      const at = waiting.pop() ?? NEVER
      if (at === NEVER || seen[at] === position) continue
      seen[at] = position
      const step = steps[at]
      if (step === undefined) continue
      if (--effort.left <= 0) return NEVER
      if (step.kind === 'found') return position
      if (step.kind === 'split') waiting.push(step.first, step.second)
      else if (step.kind === 'one') alive.push(at)
      else if (holdsBetween(step.at, before, code)) waiting.push(at + 1)
    }
    if (code === null) return NEVER
    alive = alive.flatMap((at) => {
      const step = steps[at]
      return step?.kind === 'one' && step.accepts(code) ? [at + 1] : []
    })
    before = code
    position += code > 0xffff ? 2 : 1
  }
}

function holdsBetween(edge: Edge, before: number | null, after: number | null): boolean {
  if (edge === 'start') return before === null
  if (edge === 'end') return after === null
  const isEdge = (before !== null && isWord(before)) !== (after !== null && isWord(after))
  return isEdge === (edge === 'word')
}
