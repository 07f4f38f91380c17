/** Completion scripts, generated from the commands' own data. They hold everything themselves: pressing tab starts no program. */
import { AppError } from '../contracts/errors.ts'
import { type Command, isGroup, type RegistryEntry } from './command.ts'
import { didYouMean } from './nearest.ts'

interface Line {
  /** The words before: `config get`. Empty for `cara` itself. */
  readonly path: string
  readonly words: readonly Word[]
}
interface Word {
  readonly word: string
  readonly about: string
  /** What may follow an option; absent where it takes no value. */
  readonly values?: readonly string[]
}

const writers: Readonly<Record<string, (lines: readonly Line[]) => string>> = { bash, zsh, fish }

export async function completionScript(shell: string, registry: readonly RegistryEntry[]): Promise<string> {
  const write = Object.hasOwn(writers, shell) ? writers[shell] : undefined
  const known = Object.keys(writers)
  if (write === undefined)
    throw new AppError('cli/usage', 'there is no completion for this shell', { hint: didYouMean(shell, known) ?? `use one of ${known.join(', ')}` })
  return write(await linesOf(registry))
}

async function linesOf(registry: readonly RegistryEntry[]): Promise<readonly Line[]> {
  const lines: Line[] = [{ path: '', words: registry.map((entry) => ({ word: entry.name, about: entry.summary })) }]
  for (const entry of registry) {
    const found = await entry.load()
    if (!isGroup(found)) lines.push(lineOf(entry.name, found))
    else {
      lines.push({ path: entry.name, words: found.commands.map((command) => ({ word: command.name, about: command.summary })) })
      for (const command of found.commands) lines.push(lineOf(`${entry.name} ${command.name}`, command))
    }
  }
  return lines
}

function lineOf(path: string, command: Command): Line {
  const options = Object.entries(command.options).flatMap(([name, option]) => {
    const values = option.type === 'boolean' ? {} : { values: option.choices ?? [] }
    const long: Word = { word: `--${name}`, about: option.description, ...values }
    return option.short === undefined ? [long] : [long, { ...long, word: `-${option.short}` }]
  })
  const shells = path === 'completion' ? Object.keys(writers).map((word) => ({ word, about: '' })) : []
  return { path, words: [...shells, ...options, { word: '--help', about: 'Show this help' }] }
}

const withValues = (lines: readonly Line[]) =>
  lines.flatMap((line) => line.words.flatMap((word) => (word.values === undefined ? [] : [{ path: line.path, word: word.word, values: word.values }])))

function bash(lines: readonly Line[]): string {
  return `# bash completion for cara
_cara() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} path= words=
  local word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path/$word" in
${transitions(lines, (path, word, next) => `      '${path}/${word}') path='${next}' ;;`)}
    esac
  done
  case "$path/$previous" in
${withValues(lines)
  .map(
    (one) =>
      `    '${one.path}/${one.word}') COMPREPLY=($(compgen ${one.values.length === 0 ? '-f' : `-W '${one.values.join(' ')}'`} -- "$current")); return ;;`,
  )
  .join('\n')}
  esac
  case "$path" in
${lines.map((line) => `    '${line.path}') words='${line.words.map((word) => word.word).join(' ')}' ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _cara cara
`
}

function zsh(lines: readonly Line[]): string {
  return `#compdef cara
_cara() {
  local path_= word previous=\${words[CURRENT-1]}
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$path_/$word" in
${transitions(lines, (path, word, next) => `      '${path}/${word}') path_='${next}' ;;`)}
    esac
  done
  case "$path_/$previous" in
${withValues(lines)
  .map((one) => `    '${one.path}/${one.word}') ${one.values.length === 0 ? '_files' : `compadd -- ${one.values.join(' ')}`}; return ;;`)
  .join('\n')}
  esac
  local -a found
  case "$path_" in
${lines.map((line) => `    '${line.path}') found=(${line.words.map((word) => quote(`${word.word}:${word.about}`)).join(' ')}) ;;`).join('\n')}
  esac
  _describe 'cara' found
}
# Loaded out of fpath, this file is the function; sourced, it only defines it.
if [[ \${funcstack[1]-} = _cara ]]; then _cara "$@"; else compdef _cara cara; fi
`
}

function fish(lines: readonly Line[]): string {
  const rows = lines.flatMap((line) => {
    const condition = `"test (__cara_path) = '${line.path}'"`
    return line.words.map((word) => {
      const values = word.values === undefined ? '' : word.values.length === 0 ? ' -r' : ` -x -a ${quote(word.values.join(' '))}`
      const what = word.word.startsWith('--')
        ? `-l ${word.word.slice(2)}${values}`
        : word.word.startsWith('-')
          ? `-s ${word.word.slice(1)}${values}`
          : `-a ${word.word}`
      return `complete -c cara -f -n ${condition} ${what} -d ${quote(word.about)}`
    })
  })
  return `# fish completion for cara
function __cara_path
  set -l path ''
  for word in (commandline -opc)[2..-1]
    switch "$path/$word"
${transitions(lines, (path, word, next) => `      case '${path}/${word}'\n        set path '${next}'`)}
    end
  end
  echo "$path"
end
${rows.join('\n')}
`
}

/** From one path to the next by a word; only words that name a command lead on. */
function transitions(lines: readonly Line[], write: (path: string, word: string, next: string) => string): string {
  return lines
    .filter((line) => line.path !== '')
    .map((line) => {
      const words = line.path.split(' ')
      return write(words.slice(0, -1).join(' '), words.at(-1) ?? '', line.path)
    })
    .join('\n')
}

/** For single quotes of all three shells: our own texts, without a backslash. */
function quote(text: string): string {
  return `'${text.replaceAll("'", '’')}'`
}
