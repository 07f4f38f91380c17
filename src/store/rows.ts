/** Reading rows back into the vocabulary, with the checks that keep a damaged row from travelling on. */
import { AppError } from '../contracts/errors.ts'
import type { Message } from '../contracts/message.ts'
import type { Row } from '../contracts/store.ts'

export function text(row: Row, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw damaged(column)
  return value
}

export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column)
}

export function integer(row: Row, column: string): number {
  const value = row[column]
  if (typeof value !== 'number') throw damaged(column)
  return value
}

export function integerOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : integer(row, column)
}

/** Parses JSON that this program wrote and checks it with `is`. */
export function json<T>(source: string, is: (value: unknown) => value is T): T {
  let value: unknown
  try {
    value = JSON.parse(source)
  } catch (error) {
    throw new AppError('store/corrupt', 'a row is not JSON', { cause: error })
  }
  if (!is(value)) throw damaged('data')
  return value
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isMessage(value: unknown): value is Message {
  return isObject(value) && typeof value['role'] === 'string' && Array.isArray(value['parts'])
}

function damaged(column: string): AppError {
  return new AppError('store/corrupt', `column ${column} does not hold what it must`)
}
