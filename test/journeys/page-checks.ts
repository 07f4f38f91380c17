/** What a page of the documentation may promise: links, command lines, configuration keys, variables, messages and files that exist. A check answers with what does not. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import * as z from 'zod'
import { sections } from '../../src/app/load-settings.ts'
import { type Command, isGroup } from '../../src/cli/command.ts'
import { parseCommandLine } from '../../src/cli/parse.ts'
import { registry } from '../../src/cli/registry.ts'
import { findPlace, placeOf } from '../../src/config/places.ts'
import { composeSchema, coreSections } from '../../src/config/schema.ts'
import { errorCodes } from '../../src/contracts/errors.ts'
import { methods } from '../../src/server/methods/registry.ts'

const root = dirname(dirname(import.meta.dirname))
export const pages: readonly string[] = [...globSync('*.md', { cwd: root }), ...globSync('docs/**/*.md', { cwd: root })].sort()
const scripts = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))).scripts

export interface Page {
  /** Relative to the checkout. */
  readonly path: string
  readonly text: string
}
export type Check = (page: Page) => Promise<readonly string[]> | readonly string[]

export const readPage = (path: string): Page => ({ path, text: readFileSync(join(root, path), 'utf8') })

/** Fenced blocks by language, and the page without them. */
export function split({ text }: Page): { readonly blocks: readonly (readonly [language: string, code: string])[]; readonly prose: string } {
  const blocks: [string, string][] = []
  const prose = text.replaceAll(/^```(\w*)\n([^]*?)^```$/gm, (_, language: string, code: string) => {
    blocks.push([language, code])
    return ''
  })
  return { blocks, prose }
}

/** What stands between backticks. */
function codeSpans(page: Page): readonly string[] {
  return [...split(page).prose.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '')
}

/** As GitHub makes them. */
function anchorsOf(page: Page): ReadonlySet<string> {
  const headings = [...split(page).prose.matchAll(/^#{1,6} (.+)$/gm)].map((match) => match[1] ?? '')
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

export const checkLinks: Check = (page) => {
  const targets = [...split(page).prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '')
  return targets.flatMap((target) => {
    if (/^[a-z]+:/.test(target)) return target.startsWith('https://') ? [] : [`${target} is no https link`]
    const [file = '', anchor] = target.split('#')
    const path = file === '' ? page.path : relative(root, normalize(join(root, dirname(page.path), file)))
    if (path.startsWith('..') || !existsSync(join(root, path))) return [`${target} leads nowhere`]
    return anchor === undefined || anchorsOf(file === '' ? page : readPage(path)).has(anchor) ? [] : [`${target} has no such heading`]
  })
}

/** The commands of a line of shell, without what stands around them: prompt, variables, other programs, redirections. */
export function shellCommands(line: string): readonly (readonly string[])[] {
  const words = [
    ...line.replace(/^\$ /, '').matchAll(/"(?:[^"\\]|\\.)*"|'[^']*'|&&|\|\||[|;&<>()]|#.*|[^\s"'|;&<>()]+(?:"[^"]*"|'[^']*')?[^\s"'|;&<>()]*/g),
  ].map(([word]) => word)
  const commands: string[][] = [[]]
  for (const word of words) {
    if (word.startsWith('#')) break
    if (/^(?:&&|\|\||[|;&<>()])$/.test(word)) commands.push([])
    else commands.at(-1)?.push(word.replace(/^(["'])([^]*)\1$/, '$2'))
  }
  return commands
    .map((command) => command.slice(command.findIndex((word) => !/^(?:export|[A-Z_]+=.*|exec)$/.test(word))))
    .filter((command) => command.length > 0)
}

/** Usage lines and names that stand for something are no command lines. */
const isPattern = (line: string) => /\[OPTIONS\]|…|\bCOMMAND\b/.test(line)

async function findCommand(words: readonly string[]): Promise<{ readonly command: Command; readonly path: string; readonly args: readonly string[] } | null> {
  const [name, inner] = words
  const found = await registry.find((entry) => entry.name === name)?.load()
  if (found === undefined) return null
  if (!isGroup(found)) return { command: found, path: `cara ${name}`, args: words.slice(1) }
  const command = found.commands.find((one) => one.name === inner)
  return command === undefined ? null : { command, path: `cara ${name} ${inner}`, args: words.slice(2) }
}

async function problemOf(words: readonly string[]): Promise<readonly string[]> {
  const line = words.join(' ')
  if (/^(?:\.\/)?cara$/.test(words[0] ?? '')) {
    const args = words.slice(1)
    if (args.length === 0 || /^(?:--help|--version)$/.test(args[0] ?? '')) return []
    const found = await findCommand(args)
    if (found === null) return args.length === 1 && registry.some(({ name }) => name === args[0]) ? [] : [`${line}: there is no such command`]
    return tryParse(found.command, found.path, found.args, line)
  }
  if (words[0] !== 'npm') return []
  const name = words[1] === 'run' ? (words[2] ?? '') : ['start', 'test'].includes(words[1] ?? '') ? (words[1] ?? '') : null
  return name === null || Object.hasOwn(scripts, name) ? [] : [`${line}: there is no such script`]
}

function tryParse(command: Command, path: string, args: readonly string[], line: string): readonly string[] {
  try {
    const parsed = parseCommandLine(command, path, args)
    const key = /^cara config (?:get|set|unset|explain)$/.test(path) ? parsed?.positionals[0] : undefined
    return key === undefined || /^[A-Z]+$/.test(key) || isKey(key) ? [] : [`${line}: there is no such key`]
  } catch (error) {
    return [`${line}: ${error instanceof Error ? error.message : ''}`]
  }
}

/** In a span of prose a command may be named without its arguments; in a block it must be whole. */
export const checkCommands: Check = async (page) => {
  const lines = split(page).blocks.flatMap(([language, code]) => {
    const all = code.replaceAll('\\\n', ' ').split('\n')
    return language === 'sh' ? all : language === 'console' ? all.filter((line) => line.startsWith('$ ')) : []
  })
  const spans = codeSpans(page).filter((span) => /^(?:\.\/)?cara |^npm (?:run|start|test)\b/.test(span))
  const commands = [...lines, ...spans].filter((line) => !isPattern(line)).flatMap(shellCommands)
  const problems = await Promise.all(
    commands.map(async (words) => {
      const found = await problemOf(words)
      const isNamedOnly = spans.includes(words.join(' ')) && found.every((problem) => problem.endsWith('is missing'))
      return isNamedOnly ? [] : found
    }),
  )
  return problems.flat()
}

const schema = placeOf(composeSchema(sections))
const sectionNames = [...Object.keys(coreSections), 'providers']
const otherNames = new Set<string>([...methods.map(({ name }) => name), ...errorCodes])

function isKey(path: string): boolean {
  return ['name', 'provider:name'].some((name) => findPlace(schema, path.replaceAll('NAME', name)) !== null)
}

export const checkKeys: Check = (page) =>
  codeSpans(page).flatMap((span) => {
    const key = span.replace(/: .*$/, '')
    const isMeant = sectionNames.some((section) => key.startsWith(`${section}.`)) && /^[\w.:-]+$/.test(key) && !/\.(?:ts|md|json|lock)$/.test(key)
    return !isMeant || otherNames.has(key) || isKey(key) ? [] : [`${key} is no configuration key`]
  })

const sources = globSync(['src/**/*.ts', 'scripts/*.mjs', 'cara'], { cwd: root, exclude: ['**/*.test.ts'] }).map((file) =>
  readFileSync(join(root, file), 'utf8'),
)
const variables = new Set(sources.flatMap((source) => [...source.matchAll(/\bCARAPACE_[A-Z_]+/g)].map(([name]) => name)))

export const checkVariables: Check = ({ text }) =>
  [...text.matchAll(/\bCARAPACE_[A-Z_]+/g)].flatMap(([name]) => (variables.has(name) ? [] : [`${name} is no variable of ours`]))

export const checkFiles: Check = (page) =>
  codeSpans(page).flatMap((span) => {
    const isFile = /^(?:src|test|bench|scripts|docs|assets)\/[\w./-]*$/.test(span) && !span.includes('NAME') && !span.includes('KIND')
    return !isFile || existsSync(join(root, span)) ? [] : [`${span} does not exist`]
  })

/** The first column of the table of messages. */
export const checkMessages: Check = ({ text }) => {
  const table = text.split('| message |')[1]?.split('\n\n')[0] ?? ''
  const messages = [...table.matchAll(/^\| ([^|]*) \|/gm)].flatMap((match) => [...(match[1] ?? '').matchAll(/`([^`]+)`/g)].map((span) => span[1] ?? ''))
  const parts = messages.flatMap((message) => message.split('…').map((part) => part.trim()))
  return parts.filter((part) => !sources.some((source) => source.includes(part))).map((part) => `nothing says “${part}”`)
}
