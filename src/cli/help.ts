/** Help texts, made from the commands' own data. */
import type { Command, CommandGroup, RegistryEntry } from './command.ts'
import { exitCodeTable } from './exit-codes.ts'
import type { Option } from './option.ts'

export function rootHelp(registry: readonly RegistryEntry[]): string {
  return [
    'cara: a personal AI assistant gateway on your own machine',
    '',
    'Usage: cara COMMAND [OPTIONS]',
    '',
    'Commands:',
    ...columns(registry.map((entry) => [entry.name, entry.summary])),
    '',
    'Options:',
    ...columns([
      ['-h, --help', 'Show this help; after a command, the help of that command'],
      ['-V, --version', 'Show the version'],
    ]),
    '',
    'Example:',
    '  cara ask "What is 17 * 23?"',
    '',
  ].join('\n')
}

export function groupHelp(group: CommandGroup): string {
  const [first] = group.commands
  return [
    `cara ${group.name}: ${group.summary}`,
    '',
    `Usage: cara ${group.name} COMMAND [OPTIONS]`,
    '',
    'Commands:',
    ...columns(group.commands.map((command) => [usageLine('', command).trim(), command.summary])),
    '',
    ...(first === undefined ? [] : ['Example:', `  ${first.examples[0].command}`, '']),
  ].join('\n')
}

export function commandHelp(path: string, command: Command): string {
  return [
    `${path}: ${command.summary}`,
    '',
    ...(command.details === undefined ? [] : [command.details, '']),
    `Usage: ${usageLine(path.slice(0, -command.name.length), command)}`,
    '',
    ...(command.positionals.length === 0 ? [] : ['Arguments:', ...columns(command.positionals.map((one) => [one.name, one.description])), '']),
    'Options:',
    ...columns([...optionRows(command), ['-h, --help', 'Show this help']]),
    '',
    command.examples.length === 1 ? 'Example:' : 'Examples:',
    ...columns(command.examples.map((example) => [example.command, example.does])),
    '',
    'Exit codes:',
    ...columns(exitCodesOf(command).map((row) => [String(row.code), row.meaning])),
    '',
  ].join('\n')
}

export function exitCodesOf(command: Command): readonly { readonly code: number; readonly meaning: string }[] {
  const codes = new Set([0, 1, 2, ...(command.exitCodes ?? [])])
  return exitCodeTable.filter((row) => codes.has(row.code))
}

export function optionRows(command: Command): readonly (readonly [string, string])[] {
  return Object.entries(command.options).map(([name, option]) => [optionTerm(name, option), optionText(option)] as const)
}

export function usageLine(prefix: string, command: Command): string {
  const positionals = command.positionals.map((one) => {
    const name = one.rest === true ? `${one.name}…` : one.name
    return one.required ? name : `[${name}]`
  })
  return [`${prefix}${command.name}`, ...(prefix === '' || Object.keys(command.options).length === 0 ? [] : ['[OPTIONS]']), ...positionals].join(' ')
}

function optionTerm(name: string, option: Option): string {
  const short = option.short === undefined ? '    ' : `-${option.short}, `
  return option.type === 'boolean' ? `${short}--${name}` : `${short}--${name} ${option.value ?? option.choices?.join('|') ?? 'VALUE'}`
}

function optionText(option: Option): string {
  const repeat = option.type === 'list' ? ' (may be repeated)' : ''
  const fallback = option.default === undefined ? '' : ` (default: ${option.default})`
  return `${option.description}${repeat}${fallback}`
}

function columns(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.min(44, Math.max(...rows.map(([term]) => term.length)))
  return rows.map(([term, text]) => (term.length > width ? `  ${term}\n  ${' '.repeat(width + 2)}${text}` : `  ${term.padEnd(width + 2)}${text}`))
}
