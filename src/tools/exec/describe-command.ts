/** What the owner reads before he answers: everything that would run, word for word, and what it could reach. What does not fit a question is no command. */
import { AppError } from '../../contracts/errors.ts'
import type { JsonValue } from '../../contracts/json.ts'
import { visibleText } from '../../std/visible-text.ts'
import { commandBinding, type ExecInput } from './input.ts'

const HASH_SHOWN = 16
/** More than a command can become when all of it must be written out. */
const MAX_SHOWN = 1024 * 1024
/** A question shows this much of a line, and so many of them. */
const MAX_LINE = 4000
const MAX_LINES = 200
/** Input of more lines is shown as one text with its line feeds written out. */
const MAX_INPUT_LINES = 50

export function describeCommand(input: ExecInput, binding: JsonValue): readonly string[] {
  const { program, cwd, files, writable, hosts, secrets, sandbox } = commandBinding.parse(binding)
  const [name = '', ...args] = input.argv
  return [
    ...(sandbox === 'none' ? ['NO SANDBOX: this program can read and change everything that you can'] : []),
    ...line(`program ${shown(name)}:`, program.file, `, SHA-256 ${program.sha256.slice(0, HASH_SHOWN)}…`),
    ...args.flatMap((argument, index) => line(`argument ${index + 1}:`, argument)),
    ...line('folder', cwd.path),
    ...writable.flatMap((folder) => line('it may change all of', folder)),
    ...files.flatMap(({ path, bytes, sha256, isScript }) =>
      line(isScript ? 'script' : 'file', path, `, ${bytes} bytes, SHA-256 ${sha256.slice(0, HASH_SHOWN)}…`),
    ),
    ...Object.entries(input.env ?? {}).map(([variable, value]) => `environment ${variable}=${shown(value)}`),
    ...(input.stdin === undefined ? [] : inputLines(input.stdin)),
    sandbox === 'none' ? 'network: everything' : hosts.length === 0 ? 'no network' : `network: ${hosts.join(', ')} and nothing else`,
    ...(secrets.length === 0 ? [] : [`it can use, without seeing them: ${secrets.join(', ')}`]),
    ...(sandbox === 'none' ? [] : [`sandbox: ${sandbox}`]),
  ]
}

/** Throws `tool/invalid-input` where a question would have to leave something out. */
export function mustBeShownWhole(lines: readonly string[]): void {
  if (lines.length <= MAX_LINES && lines.every((each) => each.length <= MAX_LINE + MAX_LINE / 50)) return
  throw new AppError('tool/invalid-input', 'this command is too large to be shown', { hint: 'Put what it does into a file of the workspace, and run that' })
}

/** In as many lines as it needs; what follows the first says so. */
function line(label: string, text: string, after = ''): readonly string[] {
  const whole = shown(text)
  const parts = Array.from({ length: Math.ceil(whole.length / (MAX_LINE - 200)) }, (_, index) =>
    whole.slice(index * (MAX_LINE - 200), (index + 1) * (MAX_LINE - 200)),
  )
  return parts.map((part, index) => `${label}${index === 0 ? '' : ` (goes on, part ${index + 1})`} ${part}${index === parts.length - 1 ? after : ''}`)
}

function inputLines(text: string): readonly string[] {
  const lines = text.split('\n')
  return lines.length > MAX_INPUT_LINES ? line('input:', text) : lines.flatMap((each, index) => line(`input line ${index + 1}:`, each))
}

/** In quotes, so that its beginning and end are seen. */
function shown(text: string): string {
  return visibleText(JSON.stringify(text), MAX_SHOWN)
}
