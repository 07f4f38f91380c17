/**
 * Reads a GGUF file (version 2 and 3, little endian): metadata and tensors of type F32, F16 and Q8_0. Every count and length of the file is checked against the bytes
 * that are left before anything is made from it, so that a damaged file costs an error and never more memory than a small multiple of its size.
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */

import { ModelFileError } from './model-file-error.ts'

export type GgufValue = number | boolean | string | readonly GgufValue[]

/** A weight matrix, row by row. Q8_0 stays as it is: blocks of 32 whole numbers, each block with one factor. */
export type Tensor =
  | { readonly type: 'q8_0'; readonly rows: number; readonly columns: number; readonly numbers: Int8Array; readonly factors: Float32Array }
  | { readonly type: 'f32'; readonly rows: number; readonly columns: number; readonly values: Float32Array }

export interface Gguf {
  readonly metadata: ReadonlyMap<string, GgufValue>
  readonly tensors: ReadonlyMap<string, Tensor>
}

const Q8_BLOCK = 32
const Q8_BLOCK_BYTES = 2 + Q8_BLOCK
const MAX_KEYS = 1024
const MAX_TENSORS = 4096

interface Header {
  readonly name: string
  readonly rows: number
  readonly columns: number
  readonly type: number
  readonly offset: number
}

export function readGguf(bytes: Uint8Array): Gguf {
  const cursor = new Cursor(bytes)
  if (cursor.uint32() !== 0x46_55_47_47) throw new ModelFileError('it is not a GGUF file')
  const version = cursor.uint32()
  if (version !== 2 && version !== 3) throw new ModelFileError(`GGUF version ${version} is not supported`)
  const tensorCount = cursor.count(MAX_TENSORS)
  const keyCount = cursor.count(MAX_KEYS)
  const metadata = new Map<string, GgufValue>()
  for (let index = 0; index < keyCount; index++) metadata.set(cursor.string(), cursor.value(cursor.uint32()))
  const headers: Header[] = []
  for (let index = 0; index < tensorCount; index++) headers.push(readHeader(cursor))
  const alignment = metadata.get('general.alignment') ?? 32
  if (typeof alignment !== 'number' || !Number.isInteger(alignment) || alignment < 1 || alignment > 65_536)
    throw new ModelFileError('its alignment is not valid')
  const start = Math.ceil(cursor.offset / alignment) * alignment
  // Tensors that share bytes would cost more memory than the file has.
  if (headers.reduce((total, header) => total + tensorBytes(header), 0) > bytes.byteLength)
    throw new ModelFileError('it is cut off: its tensors are larger than the file')
  const tensors = new Map<string, Tensor>()
  for (const header of headers) tensors.set(header.name, readTensor(bytes, start, header))
  return { metadata, tensors }
}

function readHeader(cursor: Cursor): Header {
  const name = cursor.string()
  const dimensions = cursor.uint32()
  if (dimensions < 1 || dimensions > 2) throw new ModelFileError('it has a tensor that is neither a vector nor a matrix')
  const columns = cursor.uint64()
  const rows = dimensions === 2 ? cursor.uint64() : 1
  return { name, rows, columns, type: cursor.uint32(), offset: cursor.uint64() }
}

function readTensor(bytes: Uint8Array, start: number, header: Header): Tensor {
  const { rows, columns } = header
  const size = tensorBytes(header)
  const from = start + header.offset
  if (!Number.isSafeInteger(from + size) || from + size > bytes.byteLength) throw new ModelFileError('it is cut off: a tensor lies beyond its end')
  const view = new DataView(bytes.buffer, bytes.byteOffset + from, size)
  if (header.type === 8) return readQ8(view, rows, columns)
  const values = new Float32Array(rows * columns)
  for (let index = 0; index < values.length; index++)
    values[index] = header.type === 0 ? view.getFloat32(index * 4, true) : halfToNumber(view.getUint16(index * 2, true))
  return { type: 'f32', rows, columns, values }
}

function tensorBytes({ rows, columns, type }: Header): number {
  if (type === 0) return rows * columns * 4
  if (type === 1) return rows * columns * 2
  if (type !== 8) throw new ModelFileError(`it has a tensor of type ${type}; only F32, F16 and Q8_0 are supported`)
  if (columns % Q8_BLOCK !== 0) throw new ModelFileError('it has a Q8_0 tensor whose rows are not whole blocks')
  return ((rows * columns) / Q8_BLOCK) * Q8_BLOCK_BYTES
}

function readQ8(view: DataView, rows: number, columns: number): Tensor {
  const factors = new Float32Array((rows * columns) / Q8_BLOCK)
  const numbers = new Int8Array(rows * columns)
  for (let block = 0; block < factors.length; block++) {
    const at = block * Q8_BLOCK_BYTES
    factors[block] = halfToNumber(view.getUint16(at, true))
    numbers.set(new Int8Array(view.buffer, view.byteOffset + at + 2, Q8_BLOCK), block * Q8_BLOCK)
  }
  return { type: 'q8_0', rows, columns, numbers, factors }
}

/** IEEE 754 binary16. */
export function halfToNumber(bits: number): number {
  const sign = (bits & 0x80_00) === 0 ? 1 : -1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

class Cursor {
  offset = 0
  readonly #view: DataView
  readonly #text = new TextDecoder()

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  uint64(): number {
    const value = Number(this.#view.getBigUint64(this.#take(8), true))
    if (!Number.isSafeInteger(value)) throw new ModelFileError('it holds a number that is too large')
    return value
  }

  count(most: number): number {
    const value = this.uint64()
    if (value > most) throw new ModelFileError('it claims more entries than it can hold')
    return value
  }

  string(): string {
    const length = this.count(this.#view.byteLength - this.offset)
    const from = this.#take(length)
    return this.#text.decode(new Uint8Array(this.#view.buffer, this.#view.byteOffset + from, length))
  }

  value(type: number): GgufValue {
    return type === 9 ? this.#list() : this.#scalar(type)
  }

  #list(): readonly GgufValue[] {
    const type = this.uint32()
    const length = this.count(this.#view.byteLength - this.offset)
    const values: GgufValue[] = []
    for (let index = 0; index < length; index++) values.push(this.#scalar(type))
    return values
  }

  #scalar(type: number): GgufValue {
    const view = this.#view
    switch (type) {
      case 0:
        return view.getUint8(this.#take(1))
      case 1:
        return view.getInt8(this.#take(1))
      case 2:
        return view.getUint16(this.#take(2), true)
      case 3:
        return view.getInt16(this.#take(2), true)
      case 4:
        return this.uint32()
      case 5:
        return view.getInt32(this.#take(4), true)
      case 6:
        return view.getFloat32(this.#take(4), true)
      case 7:
        return view.getUint8(this.#take(1)) !== 0
      case 8:
        return this.string()
      case 10:
        return this.uint64()
      case 11:
        return Number(view.getBigInt64(this.#take(8), true))
      case 12:
        return view.getFloat64(this.#take(8), true)
      default:
        throw new ModelFileError('it holds a value of an unknown type')
    }
  }

  #take(length: number): number {
    const from = this.offset
    if (from + length > this.#view.byteLength) throw new ModelFileError('it is cut off')
    this.offset += length
    return from
  }
}
