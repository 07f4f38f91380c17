/** What a command is. Help, completion and docs are made from this data; the parser reads it; `run` gets only what it names. */
import type { CliContext } from './context.ts'
import type { Options } from './option.ts'
import type { Parsed } from './parsed.ts'

export interface Positional {
  readonly name: string
  readonly description: string
  readonly required: boolean
  /** Takes all that follow; only the last may. */
  readonly rest?: boolean
}

export interface Example {
  readonly command: string
  readonly does: string
}

export interface Command {
  readonly name: string
  readonly summary: string
  /** More than the summary says, as paragraphs. */
  readonly details?: string
  readonly options: Options
  readonly positionals: readonly Positional[]
  readonly examples: readonly [Example, ...Example[]]
  /** Codes beside 0, 1 and 2. */
  readonly exitCodes?: readonly number[]
  run(context: CliContext, parsed: Parsed): Promise<number>
}

/** A name that only groups commands: `config get`, `config set`. */
export interface CommandGroup {
  readonly name: string
  readonly summary: string
  readonly commands: readonly Command[]
  /** The one that is meant where none is named. */
  readonly otherwise?: string
}

export interface RegistryEntry {
  readonly name: string
  readonly summary: string
  load(): Promise<Command | CommandGroup>
}

interface TypedCommand<O extends Options> extends Omit<Command, 'options' | 'run'> {
  readonly options: O
  run(context: CliContext, parsed: Parsed<O>): Promise<number>
}

/** Gives `run` the types of its own options. */
export function defineCommand<const O extends Options>(command: TypedCommand<O>): Command {
  return { ...command, run: (context, parsed) => command.run(context, parsed.as<O>()) }
}

export function isGroup(command: Command | CommandGroup): command is CommandGroup {
  return 'commands' in command
}
