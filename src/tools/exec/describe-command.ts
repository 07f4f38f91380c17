/** What the owner reads before he answers: everything that would run, word for word, and what it could reach. */
import type { JsonValue } from '../../contracts/json.ts'
import { visible } from '../../std/visible.ts'
import { commandBinding, type ExecInput } from './input.ts'

const HASH_SHOWN = 16
/** More than an argument can become when all of it must be written out. */
const MAX_SHOWN = 512 * 1024

export function describeCommand(input: ExecInput, binding: JsonValue): readonly string[] {
  const { program, cwd, files, writable, hosts, secrets, sandbox } = commandBinding.parse(binding)
  const [name = '', ...args] = input.argv
  return [
    ...(sandbox === 'none' ? ['NO SANDBOX: this program can read and change everything that you can'] : []),
    `program ${shown(name)}: ${shown(program.file)}, SHA-256 ${program.sha256.slice(0, HASH_SHOWN)}…`,
    ...args.map((argument, index) => `argument ${index + 1}: ${shown(argument)}`),
    `folder ${shown(cwd.path)}; it may change all of ${writable.map(shown).join(' and ')}`,
    ...files.map(
      ({ path, bytes, sha256, isScript }) => `${isScript ? 'script' : 'file'} ${shown(path)}, ${bytes} bytes, SHA-256 ${sha256.slice(0, HASH_SHOWN)}…`,
    ),
    ...Object.entries(input.env ?? {}).map(([name, value]) => `environment ${name}=${shown(value)}`),
    ...(input.stdin === undefined ? [] : input.stdin.split('\n').map((line, index) => `input line ${index + 1}: ${shown(line)}`)),
    sandbox === 'none' ? 'network: everything' : hosts.length === 0 ? 'no network' : `network: ${hosts.join(', ')} and nothing else`,
    ...(secrets.length === 0 ? [] : [`it can use, without seeing them: ${secrets.join(', ')}`]),
    ...(sandbox === 'none' ? [] : [`sandbox: ${sandbox}`]),
  ]
}

/** In quotes, so that its beginning and end are seen. */
function shown(text: string): string {
  return visible(JSON.stringify(text), MAX_SHOWN)
}
