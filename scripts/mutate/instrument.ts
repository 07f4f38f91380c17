/** A copy of the checkout in which every mutant of the chosen files is a switch. The instrumenter is Stryker's; it is installed beside the modules, not among them. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as z from 'zod'

const INSTRUMENTER = '@stryker-mutator/instrumenter'
const VERSION = '10.1.1'
/** Texts are for people, and where a name decides, its comparison is a mutant; patterns are tried by tables of spellings, not piece by piece. */
const EXCLUDED = ['StringLiteral', 'Regex']

const position = z.object({ line: z.int(), column: z.int() })
const mutants = z.array(
  z.object({
    id: z.string(),
    status: z.string().optional(),
    fileName: z.string(),
    mutatorName: z.string(),
    replacement: z.string(),
    location: z.object({ start: position, end: position }),
  }),
)
export interface Mutant {
  readonly id: string
  readonly file: string
  readonly line: number
  readonly column: number
  readonly mutator: string
  /** Both in one line, shortened. */
  readonly before: string
  readonly after: string
}

interface Instrumenting {
  instrument(
    files: readonly { name: string; mutate: true; content: string }[],
    options: object,
  ): Promise<{ files: readonly { name: string; content: string }[]; mutants: unknown }>
}
type InstrumenterModule = { readonly Instrumenter: new (logger: object) => Instrumenting }

export async function makeTree(root: string, tree: string, files: readonly string[]): Promise<readonly Mutant[]> {
  for (const part of ['src', 'test', 'bench', 'docs', 'scripts', 'assets', 'package.json', 'tsconfig.json', 'config.example.json5'])
    cpSync(join(root, part), join(tree, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
  const { Instrumenter } = await loadInstrumenter(root)
  const quiet = { debug: noop, info: noop, warn: noop, isDebugEnabled: () => false }
  const sources = files.map((name) => ({ name, mutate: true as const, content: readFileSync(join(root, name), 'utf8') }))
  const done = await new Instrumenter(quiet).instrument(sources, { plugins: null, excludedMutations: EXCLUDED, ignorers: [] })
  for (const { name, content } of done.files) writeFileSync(join(tree, name), content)
  const texts = new Map(sources.map(({ name, content }) => [name, content.split('\n')]))
  const switched = mutants.parse(done.mutants).filter(({ status }) => status !== 'Ignored')
  return switched.map(({ id, fileName, mutatorName, replacement, location: { start, end } }) => ({
    id,
    file: fileName,
    line: start.line + 1,
    column: start.column + 1,
    mutator: mutatorName,
    before: short(cutOut(texts.get(fileName) ?? [], start, end)),
    after: short(replacement),
  }))
}

function cutOut(lines: readonly string[], start: z.infer<typeof position>, end: z.infer<typeof position>): string {
  const chosen = lines.slice(start.line, end.line + 1)
  return chosen.map((line, at) => line.slice(at === 0 ? start.column : 0, at === chosen.length - 1 ? end.column : undefined)).join('\n')
}

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > 100 ? `${line.slice(0, 99)}…` : line
}

async function loadInstrumenter(root: string): Promise<InstrumenterModule> {
  const folder = join(root, 'node_modules', '.cache', `mutate-${VERSION}`)
  const entry = join(folder, 'node_modules', INSTRUMENTER, 'dist', 'src', 'index.js')
  if (!existsSync(entry)) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "private": true }')
    console.log(`installing ${INSTRUMENTER} ${VERSION} into node_modules/.cache`)
    const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', `${INSTRUMENTER}@${VERSION}`]
    const { status, stderr } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8' })
    if (status !== 0) throw new Error(`npm could not install it:\n${stderr}`)
  }
  return import(pathToFileURL(entry).href)
}

function noop(): void {
  // Nobody listens.
}
