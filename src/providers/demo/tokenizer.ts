/**
 * Byte-level BPE as GPT-2 does it (`tokenizer.ggml.model` = `gpt2`, `tokenizer.ggml.pre` = `gpt-2`). Text is never read as a control token: what a user writes cannot
 * open a turn of its own. Pieces longer than any word are cut, so that the quadratic merging stays cheap.
 */
import type { Gguf } from './gguf.ts'
import { numbersOf, textOf, textsOf } from './metadata.ts'
import { ModelFileError } from './model-file-error.ts'

const PIECES = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu
const MAX_PIECE_BYTES = 256
const NORMAL = 1

export class Tokenizer {
  /** Tokens that end an answer. */
  readonly stops: ReadonlySet<number>
  readonly #ids: ReadonlyMap<string, number>
  readonly #ranks: ReadonlyMap<string, number>
  /** The bytes of each token. */
  readonly #bytes: readonly Uint8Array[]
  readonly #letters: readonly string[] = byteLetters()

  constructor(file: Gguf) {
    const kind = textOf(file, 'tokenizer.ggml.model')
    const pieces = textOf(file, 'tokenizer.ggml.pre')
    if (kind !== 'gpt2' || pieces !== 'gpt-2') throw new ModelFileError(`its tokenizer (${kind}, ${pieces}) is not supported`)
    const tokens = textsOf(file, 'tokenizer.ggml.tokens')
    const types = numbersOf(file, 'tokenizer.ggml.token_type')
    this.#ids = new Map(tokens.map((token, id) => [token, id]))
    this.#ranks = new Map(textsOf(file, 'tokenizer.ggml.merges').map((merge, rank) => [merge, rank]))
    const byteOf = new Map(this.#letters.map((letter, byte) => [letter, byte]))
    this.#bytes = tokens.map((token, id) =>
      types[id] === NORMAL ? Uint8Array.from(token, (letter) => byteOf.get(letter) ?? 63) : new TextEncoder().encode(token),
    )
    this.stops = new Set(
      ['tokenizer.ggml.eos_token_id', 'tokenizer.ggml.eot_token_id'].map((key) => file.metadata.get(key)).filter((id) => typeof id === 'number'),
    )
    if (this.stops.size === 0) throw new ModelFileError('it names no token that ends an answer')
  }

  get size(): number {
    return this.#bytes.length
  }

  /** The id of a control token, for example `<|im_start|>`. */
  control(token: string): number {
    const id = this.#ids.get(token)
    if (id === undefined) throw new ModelFileError(`it lacks the token ${token}`)
    return id
  }

  encode(text: string): number[] {
    const ids: number[] = []
    for (const [piece] of text.matchAll(PIECES)) {
      const bytes = new TextEncoder().encode(piece)
      for (let from = 0; from < bytes.length; from += MAX_PIECE_BYTES) this.#merge(bytes.subarray(from, from + MAX_PIECE_BYTES), ids)
    }
    return ids
  }

  decode(ids: readonly number[]): string {
    const decoder = new TextDecoder()
    let text = ''
    for (const id of ids) text += decoder.decode(this.#bytes[id] ?? new Uint8Array(), { stream: true })
    return text + decoder.decode()
  }

  #merge(bytes: Uint8Array, ids: number[]): void {
    const parts = Array.from(bytes, (byte) => this.#letters[byte] ?? '')
    while (parts.length > 1) {
      const at = this.#bestPair(parts)
      if (at < 0) break
      parts.splice(at, 2, `${parts[at] ?? ''}${parts[at + 1] ?? ''}`)
    }
    for (const part of parts) {
      const id = this.#ids.get(part)
      if (id !== undefined) ids.push(id)
    }
  }

  #bestPair(parts: readonly string[]): number {
    let best = -1
    let bestRank = Infinity
    for (let index = 0; index + 1 < parts.length; index++) {
      const rank = this.#ranks.get(`${parts[index] ?? ''} ${parts[index + 1] ?? ''}`) ?? Infinity
      if (rank < bestRank) {
        best = index
        bestRank = rank
      }
    }
    return best
  }
}

/** GPT-2 writes every byte as one printable letter: printable Latin-1 as itself, the others from U+0100 on. */
function byteLetters(): string[] {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
  let next = 256
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++))
}
