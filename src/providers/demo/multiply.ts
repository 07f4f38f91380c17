/** Matrix times vector, straight on the stored blocks. The hot loop of the model: `?? 0` satisfies the compiler and costs nothing. */
import type { Tensor } from './gguf.ts'

/** `out[row] = matrix[row] · vector`. */
export function multiply(out: Float32Array, matrix: Tensor, vector: Float32Array): void {
  if (matrix.type === 'q8_0') multiplyQ8(out, matrix.rows, matrix.columns, matrix.numbers, matrix.factors, vector)
  else multiplyF32(out, matrix.rows, matrix.columns, matrix.values, vector)
}

function multiplyQ8(out: Float32Array, rows: number, columns: number, numbers: Int8Array, factors: Float32Array, vector: Float32Array): void {
  let at = 0
  let block = 0
  for (let row = 0; row < rows; row++) {
    let total = 0
    for (let column = 0; column < columns; column += 32) {
      let a = 0
      let b = 0
      let c = 0
      let d = 0
      for (let index = column; index < column + 32; index += 4, at += 4) {
        a += (numbers[at] ?? 0) * (vector[index] ?? 0)
        b += (numbers[at + 1] ?? 0) * (vector[index + 1] ?? 0)
        c += (numbers[at + 2] ?? 0) * (vector[index + 2] ?? 0)
        d += (numbers[at + 3] ?? 0) * (vector[index + 3] ?? 0)
      }
      total += (a + b + c + d) * (factors[block++] ?? 0)
    }
    out[row] = total
  }
}

function multiplyF32(out: Float32Array, rows: number, columns: number, values: Float32Array, vector: Float32Array): void {
  let at = 0
  for (let row = 0; row < rows; row++) {
    let total = 0
    for (let column = 0; column < columns; column++) total += (values[at++] ?? 0) * (vector[column] ?? 0)
    out[row] = total
  }
}

/** Copies one row out of a matrix. */
export function copyRow(out: Float32Array, matrix: Tensor, row: number): void {
  const from = row * matrix.columns
  if (matrix.type === 'f32') return out.set(matrix.values.subarray(from, from + matrix.columns))
  for (let column = 0; column < matrix.columns; column++) out[column] = (matrix.numbers[from + column] ?? 0) * (matrix.factors[(from + column) >> 5] ?? 0)
}
