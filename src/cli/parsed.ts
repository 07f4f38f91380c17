/** A command line after parsing: names and types are those that the command declares. */
import { AppError } from '../contracts/errors.ts'
import type { Option, Options } from './option.ts'

type NameOf<O extends Options, Shape> = { [K in keyof O]: O[K] extends Shape ? K : never }[keyof O] & string

export type OptionValue = string | number | boolean | readonly string[]

export class Parsed<O extends Options = Options> {
  readonly positionals: readonly string[]
  readonly #values: ReadonlyMap<string, OptionValue>

  constructor(values: ReadonlyMap<string, OptionValue>, positionals: readonly string[]) {
    this.#values = values
    this.positionals = positionals
  }

  /** The same, for the command whose options these are. */
  as<P extends Options>(): Parsed<P> {
    return new Parsed<P>(this.#values, this.positionals)
  }

  flag(name: NameOf<O, { type: 'boolean' }>): boolean {
    return this.#values.get(name) === true
  }

  number(name: NameOf<O, { type: 'number'; default: number }>): number
  number(name: NameOf<O, { type: 'number' }>): number | undefined
  number(name: string): number | undefined {
    const value = this.#values.get(name)
    return typeof value === 'number' ? value : undefined
  }

  text(name: NameOf<O, { type: 'string'; default: string }>): string
  text(name: NameOf<O, { type: 'string' }>): string | undefined
  text(name: string): string | undefined {
    const value = this.#values.get(name)
    return typeof value === 'string' ? value : undefined
  }

  list(name: NameOf<O, { type: 'list' }>): readonly string[] {
    const value = this.#values.get(name)
    return typeof value === 'object' ? value : []
  }

  /** A positional that the command declares as required; the parser has made sure of it. */
  argument(index: number): string {
    const value = this.positionals[index]
    if (value === undefined) throw new AppError('cli/usage', 'an argument is missing')
    return value
  }
}

/** The text of an option as its type, or why it does not fit. */
export function readOption(option: Option, text: string): { readonly value: string | number } | { readonly wrong: string } {
  if (option.type === 'number') {
    const value = Number(text)
    return text.trim() !== '' && Number.isSafeInteger(value) && value >= 0 ? { value } : { wrong: 'expected a whole number of 0 or more' }
  }
  if (option.choices !== undefined && !option.choices.includes(text)) return { wrong: `expected one of ${option.choices.join(', ')}` }
  return { value: text }
}
