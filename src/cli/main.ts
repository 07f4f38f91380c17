/** `cara`: finds the command, parses its arguments, runs it, and turns what it throws into a message and an exit code. */
import { AppError, exposed } from '../contracts/errors.ts'
import { type Command, isGroup } from './command.ts'
import type { CliContext } from './context.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'
import { commandHelp, groupHelp, rootHelp } from './help.ts'
import { didYouMean } from './nearest.ts'
import { printError } from './output.ts'
import { parseCommandLine, printable, usage } from './parse.ts'
import { registry } from './registry.ts'

/** The exit code. Whoever calls ends the process with it (`endProcess`), also when a turn still drains: a second Ctrl-C means at once. */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  try {
    return await dispatch(argv, context)
  } catch (error) {
    const shown = exposed(error)
    printError(context.io, shown, wantsJson(argv))
    if (!(error instanceof AppError) && context.env['CARAPACE_DEBUG'] === '1')
      context.io.writeError(`${error instanceof Error ? error.stack : String(error)}\n`)
    return exitCodeOf(shown.code)
  }
}

async function dispatch(argv: readonly string[], context: CliContext): Promise<number> {
  const [name, ...rest] = argv
  if (name === undefined || name === '--help' || name === '-h') return show(context, rootHelp(registry))
  if (name === '--version' || name === '-V') return show(context, `cara ${context.version}\n`)
  if (name === 'help') return dispatch(rest.length === 0 ? ['--help'] : [...rest, '--help'], context)
  const entry = registry.find((one) => one.name === name)
  if (entry === undefined)
    throw unknown(
      'cara',
      name,
      registry.map((one) => one.name),
    )
  const found = await entry.load()
  if (!isGroup(found)) return runCommand(context, `cara ${name}`, found, rest)
  const isNamed = rest[0] !== undefined && (!rest[0].startsWith('-') || rest[0] === '--help' || rest[0] === '-h')
  const [inner, ...args] = isNamed || found.otherwise === undefined ? rest : [found.otherwise, ...rest]
  if (inner === undefined || inner === '--help' || inner === '-h') return show(context, groupHelp(found), inner === undefined ? exitCodes.usage : exitCodes.ok)
  const command = found.commands.find((one) => one.name === inner)
  if (command === undefined)
    throw unknown(
      `cara ${name}`,
      inner,
      found.commands.map((one) => one.name),
    )
  return runCommand(context, `cara ${name} ${inner}`, command, args)
}

async function runCommand(context: CliContext, path: string, command: Command, args: readonly string[]): Promise<number> {
  const parsed = parseCommandLine(command, path, args)
  return parsed === null ? show(context, commandHelp(path, command)) : command.run(context, parsed)
}

function show(context: CliContext, text: string, code: number = exitCodes.ok): number {
  context.io.write(text)
  return code
}

function unknown(path: string, name: string, known: readonly string[]): AppError {
  return usage(path, name.startsWith('-') ? `unknown option ${printable(name)}` : `unknown command ${printable(name)}`, didYouMean(name, known))
}

function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end === -1 ? argv : argv.slice(0, end)).includes('--json')
}
