/**
 * The demo model: text in, answer out, one after the other. Greedy, but a call may only be written from the user's own words (`arguments.ts`): where the likeliest token
 * would break that, the next likeliest that keeps to it is taken. Reads the newest message alone: with earlier ones before it the model chooses no better and slower.
 */
import { ArgumentRules, SKILLS } from './arguments.ts'
import { readGguf } from './gguf.ts'
import { Llama } from './llama.ts'
import { ModelFileError } from './model-file-error.ts'
import { Tokenizer } from './tokenizer.ts'

export interface Answer {
  readonly kind: 'answer'
  /** As the model wrote it, control tokens included. */
  readonly text: string
  readonly inputTokens: number
  /** Of these, taken over from the request before. */
  readonly cachedTokens: number
  readonly outputTokens: number
  /** `maxTokens` ended it. */
  readonly isCut: boolean
}

export class DemoModel {
  readonly #llama: Llama
  readonly #tokenizer: Tokenizer
  readonly #turnStart: number
  readonly #turnEnd: number
  /** The tokens whose keys and values the model holds. */
  #held: number[] = []

  constructor(bytes: Uint8Array) {
    const file = readGguf(bytes)
    this.#tokenizer = new Tokenizer(file)
    this.#llama = new Llama(file)
    this.#turnStart = this.#tokenizer.control('<|im_start|>')
    this.#turnEnd = this.#tokenizer.control('<|im_end|>')
    if (this.#tokenizer.size !== this.#llama.shape.vocabulary) throw new ModelFileError('its tokenizer does not fit its weights')
  }

  /** `isCancelled` is asked before every token. */
  generate(userText: string, maxTokens: number, isCancelled: () => boolean): Answer | { readonly kind: 'cancelled' } | { readonly kind: 'too-long' } {
    const { context } = this.#llama.shape
    // No token holds more than 64 letters: what is longer than that needs no counting.
    const prompt = userText.length > context * 64 ? [] : this.prompt(userText)
    if (prompt.length === 0 || prompt.length + maxTokens > context) return { kind: 'too-long' }
    const cachedTokens = this.#reuse(prompt)
    const rules = new ArgumentRules(userText)
    const answer: number[] = []
    let logits = this.#read(prompt.slice(cachedTokens), isCancelled)
    let isEnded = false
    while (logits !== null && !isEnded && answer.length < maxTokens) {
      const next = this.#choose(logits, answer, rules)
      if (next === null) {
        isEnded = true
      } else {
        answer.push(next)
        isEnded = rules.judge(this.#tokenizer.decode(answer)) === 'call'
        logits = isEnded ? logits : this.#read([next], isCancelled)
      }
    }
    if (logits === null) return { kind: 'cancelled' }
    return { kind: 'answer', text: this.#tokenizer.decode(answer), inputTokens: prompt.length, cachedTokens, outputTokens: answer.length, isCut: !isEnded }
  }

  /** The tokens that the file's chat template gives for one user message with the six skills as tools. */
  prompt(userText: string): number[] {
    const turn = (text: string) => [this.#turnStart, ...this.#tokenizer.encode(text)]
    const end = [this.#turnEnd, ...this.#tokenizer.encode('\n')]
    return [...turn(`system\nTools: ${SKILLS.join(', ')}`), ...end, ...turn(`user\n${userText}`), ...end, ...turn('assistant\n')]
  }

  /** Keeps what the model has read of this prompt already; at least its last token is read again, for its logits. */
  #reuse(prompt: readonly number[]): number {
    let same = 0
    while (same < prompt.length - 1 && this.#held[same] === prompt[same]) same++
    this.#held.length = same
    return same
  }

  /** Null when cancelled. */
  #read(tokens: readonly number[], isCancelled: () => boolean): Float32Array | null {
    let logits: Float32Array | null = null
    for (const [index, token] of tokens.entries()) {
      if (isCancelled()) return null
      logits = this.#llama.forward(token, this.#held.length, index === tokens.length - 1)
      this.#held.push(token)
    }
    return logits
  }

  /** The likeliest token that keeps to the rules; null ends the answer. */
  #choose(logits: Float32Array, answer: readonly number[], rules: ArgumentRules): number | null {
    const isText = rules.judge(this.#tokenizer.decode(answer)) === 'text'
    for (let tries = 0; tries < logits.length; tries++) {
      const token = likeliest(logits)
      if (this.#tokenizer.stops.has(token)) {
        if (isText) return null
      } else if (rules.judge(this.#tokenizer.decode([...answer, token])) !== 'refused') {
        return token
      }
      logits[token] = -Infinity
    }
    return null
  }
}

function likeliest(logits: Float32Array): number {
  let best = 0
  for (let token = 1; token < logits.length; token++) if ((logits[token] ?? 0) > (logits[best] ?? 0)) best = token
  return best
}
