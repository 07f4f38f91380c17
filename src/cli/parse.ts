/**
 * Arguments of one command. `node:util` parseArgs does the splitting: commander cost 10 to 15 ms of start time, a third of a local command. Unknown options are
 * refused with the nearest known one.
 */
import { parseArgs } from 'node:util'
import { AppError } from '../contracts/errors.ts'
import type { Command } from './command.ts'
import type { Option, Options } from './option.ts'
import { didYouMean } from './nearest.ts'
import { Parsed, readOption, type OptionValue } from './parsed.ts'

const HELP: Option = { type: 'boolean', short: 'h', description: 'Show this help' }

/** `path` is how the command is called, for messages: `cara config get`. Null: help is wanted. */
export function parseCommandLine(command: Command, path: string, args: readonly string[]): Parsed | null {
  const options: Options = { ...command.options, help: HELP }
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(options).map(([name, option]) => [
        name,
        { type: option.type === 'boolean' ? ('boolean' as const) : ('string' as const), ...(option.short === undefined ? {} : { short: option.short }) },
      ]),
    ),
  })
  const values = new Map<string, OptionValue>()
  const positionals: string[] = []
  for (const [name, option] of Object.entries(options)) if (option.default !== undefined) values.set(name, option.default)
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined
    if (option === undefined)
      throw usage(
        path,
        `unknown option ${token.rawName}`,
        didYouMean(
          token.rawName,
          Object.keys(options).map((name) => `--${name}`),
        ),
      )
    takeOption(values, path, option, token)
  }
  if (values.get('help') === true) return null
  checkPositionals(command, path, positionals)
  return new Parsed(values, positionals)
}

function takeOption(
  values: Map<string, OptionValue>,
  path: string,
  option: Option,
  token: { readonly name: string; readonly rawName: string; readonly value: string | undefined },
): void {
  if (option.type === 'boolean') {
    if (token.value !== undefined) throw usage(path, `${token.rawName} takes no value`)
    values.set(token.name, true)
    return
  }
  if (token.value === undefined || (token.value.startsWith('--') && token.value.length > 2)) throw usage(path, `${token.rawName} needs a value`)
  const read = readOption(option, token.value)
  if ('wrong' in read) throw usage(path, `${token.rawName} ${printable(token.value)}: ${read.wrong}`)
  const earlier = values.get(token.name)
  values.set(token.name, option.type === 'list' ? [...(typeof earlier === 'object' ? earlier : []), token.value] : read.value)
}

function checkPositionals(command: Command, path: string, positionals: readonly string[]): void {
  const required = command.positionals.filter((positional) => positional.required)
  const missing = required[positionals.length]
  if (positionals.length < required.length && missing !== undefined) throw usage(path, `${missing.name} is missing`)
  const takesRest = command.positionals.at(-1)?.rest === true
  const extra = positionals[command.positionals.length]
  if (extra !== undefined && !takesRest) throw usage(path, `unexpected argument ${printable(extra)}`)
}

export function usage(path: string, problem: string, suggestion?: string): AppError {
  return new AppError('cli/usage', suggestion === undefined ? problem : `${problem}. ${suggestion}`, { hint: `run \`${path} --help\`` })
}

/** An argument as part of a message: short and quoted. */
export function printable(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
