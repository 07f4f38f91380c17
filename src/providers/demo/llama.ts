/**
 * The Llama architecture, one token at a time: RMS norm, rotary positions, grouped-query attention over a cache of keys and values, gated feed-forward.
 * Positions must be given in order; going back to an earlier position drops what came after it.
 */
import type { Gguf, Tensor } from './gguf.ts'
import { numberOf, sizeOf, textOf } from './metadata.ts'
import { copyRow, multiply } from './multiply.ts'
import { ModelFileError } from './model-file-error.ts'

export interface Shape {
  readonly context: number
  readonly vocabulary: number
  readonly width: number
  readonly hidden: number
  readonly heads: number
  readonly keyHeads: number
  readonly headSize: number
  readonly rotated: number
  readonly epsilon: number
  readonly frequencyBase: number
  readonly layers: number
}

interface Layer {
  readonly attentionNorm: Float32Array
  readonly query: Tensor
  readonly key: Tensor
  readonly value: Tensor
  readonly attentionOut: Tensor
  readonly feedNorm: Float32Array
  readonly gate: Tensor
  readonly up: Tensor
  readonly down: Tensor
  readonly keys: Float32Array
  readonly values: Float32Array
}

/** Bytes of the cache of keys and values. */
const MAX_CACHE_BYTES = 64 * 1024 * 1024

export class Llama {
  readonly shape: Shape
  readonly #embedding: Tensor
  readonly #output: Tensor
  readonly #outputNorm: Float32Array
  readonly #layers: readonly Layer[]
  readonly #cosines: Float32Array
  readonly #sines: Float32Array
  readonly #state: Float32Array
  readonly #normed: Float32Array
  readonly #mixed: Float32Array
  readonly #query: Float32Array
  readonly #gate: Float32Array
  readonly #up: Float32Array
  readonly #scores: Float32Array
  readonly #logits: Float32Array

  constructor(file: Gguf) {
    const shape = readShape(file)
    const { width, hidden, context, vocabulary } = shape
    this.shape = shape
    this.#embedding = tensor(file, 'token_embd.weight', vocabulary, width)
    this.#output = file.tensors.has('output.weight') ? tensor(file, 'output.weight', vocabulary, width) : this.#embedding
    this.#outputNorm = vector(file, 'output_norm.weight', width)
    this.#layers = Array.from({ length: shape.layers }, (_, index) => readLayer(file, index, shape))
    const half = shape.rotated / 2
    const angles = Float64Array.from({ length: context * half }, (_, at) => Math.floor(at / half) * shape.frequencyBase ** (-(at % half) / half))
    this.#cosines = Float32Array.from(angles, Math.cos)
    this.#sines = Float32Array.from(angles, Math.sin)
    this.#state = new Float32Array(width)
    this.#normed = new Float32Array(width)
    this.#mixed = new Float32Array(width)
    this.#query = new Float32Array(width)
    this.#gate = new Float32Array(hidden)
    this.#up = new Float32Array(hidden)
    this.#scores = new Float32Array(context)
    this.#logits = new Float32Array(vocabulary)
  }

  /** Takes one token in. The next token's logits come only if asked for; the array is reused by the next call. */
  forward(token: number, position: number, wantsLogits: boolean): Float32Array {
    copyRow(this.#state, this.#embedding, token)
    for (const layer of this.#layers) {
      this.#attend(layer, position)
      this.#feed(layer)
    }
    if (!wantsLogits) return this.#logits
    normalise(this.#normed, this.#state, this.#outputNorm, this.shape.epsilon)
    multiply(this.#logits, this.#output, this.#normed)
    return this.#logits
  }

  #attend(layer: Layer, position: number): void {
    const { heads, keyHeads, headSize, epsilon } = this.shape
    const keyWidth = keyHeads * headSize
    const key = layer.keys.subarray(position * keyWidth, (position + 1) * keyWidth)
    normalise(this.#normed, this.#state, layer.attentionNorm, epsilon)
    multiply(this.#query, layer.query, this.#normed)
    multiply(key, layer.key, this.#normed)
    multiply(layer.values.subarray(position * keyWidth, (position + 1) * keyWidth), layer.value, this.#normed)
    this.#rotate(this.#query, position)
    this.#rotate(key, position)
    const group = heads / keyHeads
    for (let head = 0; head < heads; head++) this.#attendHead(layer, head * headSize, Math.floor(head / group) * headSize, keyWidth, position)
    multiply(this.#normed, layer.attentionOut, this.#mixed)
    add(this.#state, this.#normed)
  }

  #attendHead(layer: Layer, queryAt: number, keyAt: number, keyWidth: number, position: number): void {
    const { headSize } = this.shape
    const scores = this.#scores
    const scale = 1 / Math.sqrt(headSize)
    for (let past = 0; past <= position; past++) {
      const from = past * keyWidth + keyAt
      let score = 0
      for (let index = 0; index < headSize; index++) score += (this.#query[queryAt + index] ?? 0) * (layer.keys[from + index] ?? 0)
      scores[past] = score * scale
    }
    softmax(scores, position + 1)
    this.#mixed.fill(0, queryAt, queryAt + headSize)
    for (let past = 0; past <= position; past++) {
      const from = past * keyWidth + keyAt
      const weight = scores[past] ?? 0
      for (let index = 0; index < headSize; index++)
        this.#mixed[queryAt + index] = (this.#mixed[queryAt + index] ?? 0) + weight * (layer.values[from + index] ?? 0)
    }
  }

  #feed(layer: Layer): void {
    normalise(this.#normed, this.#state, layer.feedNorm, this.shape.epsilon)
    multiply(this.#gate, layer.gate, this.#normed)
    multiply(this.#up, layer.up, this.#normed)
    for (let index = 0; index < this.#gate.length; index++) {
      const gate = this.#gate[index] ?? 0
      this.#gate[index] = (gate / (1 + Math.exp(-gate))) * (this.#up[index] ?? 0)
    }
    multiply(this.#normed, layer.down, this.#gate)
    add(this.#state, this.#normed)
  }

  /** Turns neighbouring pairs of each head, as GGUF stores the Llama architecture. */
  #rotate(values: Float32Array, position: number): void {
    const { headSize, rotated } = this.shape
    const half = rotated / 2
    for (let head = 0; head < values.length; head += headSize) {
      for (let pair = 0; pair < half; pair++) {
        const cosine = this.#cosines[position * half + pair] ?? 0
        const sine = this.#sines[position * half + pair] ?? 0
        const a = values[head + 2 * pair] ?? 0
        const b = values[head + 2 * pair + 1] ?? 0
        values[head + 2 * pair] = a * cosine - b * sine
        values[head + 2 * pair + 1] = a * sine + b * cosine
      }
    }
  }
}

function readShape(file: Gguf): Shape {
  if (textOf(file, 'general.architecture') !== 'llama') throw new ModelFileError('its architecture is not llama')
  const scaling = file.metadata.get('llama.rope.scaling.type') ?? 'none'
  if (scaling !== 'none' || file.tensors.has('rope_freqs.weight')) throw new ModelFileError('its rotary scaling is not supported')
  const width = sizeOf(file, 'llama.embedding_length', 8192)
  const heads = sizeOf(file, 'llama.attention.head_count', 256)
  const keyHeads = sizeOf(file, 'llama.attention.head_count_kv', 256, heads)
  const headSize = width / heads
  const rotated = sizeOf(file, 'llama.rope.dimension_count', 1024, headSize)
  if (!Number.isInteger(headSize) || heads % keyHeads !== 0 || rotated > headSize || rotated % 2 !== 0)
    throw new ModelFileError('its attention heads do not fit its width')
  const shape = {
    context: sizeOf(file, 'llama.context_length', 131_072),
    vocabulary: file.tensors.get('token_embd.weight')?.rows ?? 0,
    width,
    hidden: sizeOf(file, 'llama.feed_forward_length', 65_536),
    heads,
    keyHeads,
    headSize,
    rotated,
    epsilon: numberOf(file, 'llama.attention.layer_norm_rms_epsilon'),
    frequencyBase: numberOf(file, 'llama.rope.freq_base', 10_000),
    layers: sizeOf(file, 'llama.block_count', 256),
  }
  if (shape.context * shape.layers * keyHeads * headSize * 8 > MAX_CACHE_BYTES) throw new ModelFileError('its context is too large')
  return shape
}

function readLayer(file: Gguf, index: number, { width, hidden, keyHeads, headSize, context }: Shape): Layer {
  const keyWidth = keyHeads * headSize
  const name = (part: string) => `blk.${index}.${part}.weight`
  return {
    attentionNorm: vector(file, name('attn_norm'), width),
    query: tensor(file, name('attn_q'), width, width),
    key: tensor(file, name('attn_k'), keyWidth, width),
    value: tensor(file, name('attn_v'), keyWidth, width),
    attentionOut: tensor(file, name('attn_output'), width, width),
    feedNorm: vector(file, name('ffn_norm'), width),
    gate: tensor(file, name('ffn_gate'), hidden, width),
    up: tensor(file, name('ffn_up'), hidden, width),
    down: tensor(file, name('ffn_down'), width, hidden),
    keys: new Float32Array(context * keyWidth),
    values: new Float32Array(context * keyWidth),
  }
}

function tensor(file: Gguf, name: string, rows: number, columns: number): Tensor {
  const found = file.tensors.get(name)
  if (found === undefined) throw new ModelFileError(`it lacks the tensor ${name}`)
  if (found.rows !== rows || found.columns !== columns) throw new ModelFileError(`its tensor ${name} has the wrong size`)
  return found
}

function vector(file: Gguf, name: string, length: number): Float32Array {
  const found = tensor(file, name, 1, length)
  if (found.type !== 'f32') throw new ModelFileError(`its tensor ${name} has the wrong type`)
  return found.values
}

function normalise(out: Float32Array, values: Float32Array, weights: Float32Array, epsilon: number): void {
  let sum = 0
  for (const value of values) sum += value * value
  const scale = 1 / Math.sqrt(sum / values.length + epsilon)
  for (let index = 0; index < values.length; index++) out[index] = (values[index] ?? 0) * scale * (weights[index] ?? 0)
}

function add(target: Float32Array, values: Float32Array): void {
  for (let index = 0; index < target.length; index++) target[index] = (target[index] ?? 0) + (values[index] ?? 0)
}

function softmax(values: Float32Array, length: number): void {
  let most = -Infinity
  for (let index = 0; index < length; index++) most = Math.max(most, values[index] ?? 0)
  let sum = 0
  for (let index = 0; index < length; index++) {
    const power = Math.exp((values[index] ?? 0) - most)
    values[index] = power
    sum += power
  }
  for (let index = 0; index < length; index++) values[index] = (values[index] ?? 0) / sum
}
