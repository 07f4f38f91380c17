/**
 * `npm run mutate [-- PATTERN…] [--minutes N] [--json FILE] [--again FILE] [--open FILE]`: switches every mutant of `src/guard` and `src/net` on, one after the other, and runs the tests that reach it. What no
 * test notices must be named and argued in docs/security/mutants.md, or the exit code is 1. Two workers; tests that need another process take no part. `--again` tries what survived in
 * an earlier FILE, and takes more time for each.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import { parseArgs } from 'node:util'
import * as z from 'zod'
import { makeTree, type Mutant } from './mutate/instrument.ts'
import type { Answer, Chosen, FileFacts, Order } from './mutate/protocol.ts'

const WORKERS = 2
const TESTS = [
  'src/guard/**/*.test.ts',
  'src/net/**/*.test.ts',
  'src/agent/**/*.test.ts',
  'test/security/**/*.test.ts',
  'test/contracts/*.test.ts',
  'test/journeys/*.test.ts',
]
/** Of the tests of one mutant, as they take without it. */
const MOST_TEST_MS = { first: 2500, again: 5000 }
const SLOWEST_TEST_MS = 2500
const LOOK_MS = 60_000
const TRY_MS = 45_000
const HIT_LIMIT = 2_000_000
/** A worker is replaced when the modules that it has loaded weigh this much. */
const MOST_RSS = 900 * 1024 * 1024

const ARGUED = 'docs/security/mutants.md'

type Fate = 'killed' | 'timed out' | 'survived' | 'not reached' | 'not tried'
interface Result {
  readonly mutant: Mutant
  readonly fate: Fate
  readonly by: string | null
}

const root = dirname(import.meta.dirname)
process.chdir(root)
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string', default: '60' }, json: { type: 'string' }, again: { type: 'string' }, open: { type: 'string' } },
})
const until = Date.now() + Number(values.minutes) * 60_000

class Worker {
  readonly #tree: string
  #child: ChildProcess | null = null

  constructor(tree: string) {
    this.#tree = tree
  }

  /** Null when it did not answer in time, or died. */
  async ask(order: Order, ms: number): Promise<Answer | null> {
    const child = (this.#child ??= fork(join(this.#tree, 'scripts/mutate/worker.ts'), [], {
      cwd: this.#tree,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: ['--max-old-space-size=1500'],
    }))
    const answered = Promise.withResolvers<Answer | null>()
    const timer = setTimeout(() => answered.resolve(null), ms)
    const onMessage = (answer: Answer) => answered.resolve(answer)
    const onExit = () => answered.resolve(null)
    child.once('message', onMessage)
    child.once('exit', onExit)
    child.send(order)
    const answer = await answered.promise
    clearTimeout(timer)
    child.off('message', onMessage)
    child.off('exit', onExit)
    if (answer === null || (answer.kind === 'tried' && answer.rss > MOST_RSS)) this.stop()
    return answer
  }

  stop(): void {
    this.#child?.kill('SIGKILL')
    this.#child = null
  }
}

async function lookAtTests(tree: string): Promise<readonly FileFacts[]> {
  const needsProcess = (file: string) => /child_process|gateway-process|worker_threads/.test(readFileSync(file, 'utf8'))
  const waiting = TESTS.flatMap((glob) => globSync(glob)).filter((file) => !needsProcess(file))
  const facts: FileFacts[] = []
  await inParallel(tree, async (worker) => {
    const file = waiting.shift()
    if (file === undefined) return false
    const answer = await worker.ask({ kind: 'look', file }, LOOK_MS)
    worker.stop()
    if (answer?.kind === 'seen') facts.push(answer.facts)
    const failed =
      answer?.kind === 'seen'
        ? (answer.facts.error ??
          answer.facts.tests
            .filter(({ isOk }) => !isOk)
            .map(({ name }) => name)
            .join(', '))
        : 'it did not end'
    if (failed !== '') console.log(`  left out of ${file}: ${failed.slice(0, 300)}`)
    return true
  })
  return facts
}

async function inParallel(tree: string, step: (worker: Worker) => Promise<boolean>): Promise<void> {
  const work = async () => {
    const worker = new Worker(tree)
    try {
      while (await step(worker));
    } finally {
      worker.stop()
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, work))
}

interface Reaching {
  readonly file: string
  readonly index: number
  readonly ms: number
}

/** The modules that a test names: what it is about. */
function importsOf(file: string): ReadonlySet<string> {
  return new Set(Array.from(readFileSync(file, 'utf8').matchAll(/ from '(\.[^']+)'/g), ([, path = '']) => normalize(join(dirname(file), path))))
}

/** Quick ones that have found mutants of this file before, or are about it, come first. */
function choose(reaching: readonly Reaching[], kills: ReadonlyMap<string, number>, isAbout: (test: string) => boolean): readonly Chosen[] {
  const worth = ({ file, index, ms }: Reaching) => ((kills.get(`${file} ${index}`) ?? 0) + (isAbout(file) ? 5 : 0.1)) / (ms + 5)
  const chosen = new Map<string, number[]>()
  let sum = 0
  for (const each of reaching.toSorted((a, b) => worth(b) - worth(a))) {
    if (sum + each.ms > (values.again === undefined ? MOST_TEST_MS.first : MOST_TEST_MS.again)) continue
    sum += each.ms
    const tests = chosen.get(each.file)
    if (tests === undefined) chosen.set(each.file, [each.index])
    else tests.push(each.index)
  }
  return [...chosen].map(([file, tests]) => ({ file, tests }))
}

async function tryAll(tree: string, mutants: readonly Mutant[], facts: readonly FileFacts[]): Promise<readonly Result[]> {
  const reaching = new Map<string, Reaching[]>()
  const fresh = new Set<string>()
  for (const { file, tests, loaded } of facts) {
    const usable = tests.filter(({ isOk, ms }) => isOk && ms < SLOWEST_TEST_MS)
    const note = (id: string, index: number, ms: number) => reaching.getOrInsertComputed(id, () => []).push({ file, index, ms })
    for (const { index, ms, mutants: ids } of usable) for (const id of ids) note(id, index, ms)
    for (const id of loaded) {
      fresh.add(id)
      for (const { index, ms, mutants: ids } of usable) if (!ids.includes(id)) note(id, index, ms)
    }
  }
  const kills = new Map<string, Map<string, number>>()
  const imports = new Map(facts.map(({ file }) => [file, importsOf(file)]))
  const waiting = [...mutants]
  const results: Result[] = []
  let told = 0
  await inParallel(tree, async (worker) => {
    const mutant = waiting.shift()
    if (mutant === undefined) return false
    const by = kills.getOrInsertComputed(mutant.file, () => new Map())
    const files = choose(reaching.get(mutant.id) ?? [], by, (test) => imports.get(test)?.has(mutant.file) === true)
    const isLate = Date.now() > until
    const answer =
      files.length === 0 || isLate
        ? undefined
        : await worker.ask({ kind: 'try', mutant: mutant.id, isFresh: fresh.has(mutant.id), files, hitLimit: HIT_LIMIT }, TRY_MS)
    const killer = answer?.kind === 'tried' ? answer.killedBy : null
    if (killer !== null) by.set(`${killer.file} ${killer.index}`, (by.get(`${killer.file} ${killer.index}`) ?? 0) + 1)
    const fate: Fate = files.length === 0 ? 'not reached' : isLate ? 'not tried' : answer === null ? 'timed out' : killer === null ? 'survived' : 'killed'
    results.push({ mutant, fate, by: killer === null ? null : `${killer.file}: ${killer.name}` })
    if (results.length - told >= 200) {
      told = results.length
      console.log(
        `  ${Math.round(performance.now() / 1000)} s: ${results.length} of ${mutants.length}, ${results.filter((one) => one.fate === 'survived').length} survived`,
      )
    }
    return true
  })
  return results
}

function survivorsOf(file: string): ReadonlySet<string> {
  const mutant = z.object({ id: z.string(), file: z.string(), line: z.int(), column: z.int(), mutator: z.string(), before: z.string(), after: z.string() })
  const results = z.array(z.object({ mutant, fate: z.string() })).parse(JSON.parse(readFileSync(file, 'utf8')))
  return new Set(results.flatMap((one) => (one.fate !== 'killed' && one.fate !== 'timed out' ? [nameOf(one.mutant)] : [])))
}

/** How a survivor is written down: without its line, which moves. */
function nameOf({ file, before, after }: Mutant): string {
  return `\`${file}\` | \`${escape(before)}\` → \`${escape(after)}\``
}

const escape = (text: string) => text.replaceAll('|', '\\|').replaceAll('`', "'")

/** What is neither killed nor argued, as a page. */
function listOf(open: readonly Result[]): string {
  const head =
    '# Mutants that are open\n\nNoticed by no test, and not argued in [mutants](mutants.md) yet. Written by `npm run mutate -- --open FILE`; a line that comes twice is there twice in its file.\n'
  const files = [...Map.groupBy(open, ({ mutant }) => mutant.file)].toSorted(([a], [b]) => a.localeCompare(b))
  return (
    head +
    files
      .map(
        ([file, list]) =>
          `\n## ${file}\n\n${list.map(({ mutant, fate }) => `- ${fate}: \`${escape(mutant.before)}\` → \`${escape(mutant.after)}\`\n`).join('')}`,
      )
      .join('')
  )
}

function report(results: readonly Result[]): boolean {
  const files = Map.groupBy(results, ({ mutant }) => mutant.file)
  const count = (list: readonly Result[], ...fates: readonly Fate[]) => list.filter(({ fate }) => fates.includes(fate)).length
  const row = (name: string, list: readonly Result[]) =>
    console.log(
      `${name.padEnd(54)} ${[list.length, count(list, 'killed'), count(list, 'timed out'), count(list, 'survived'), count(list, 'not reached'), count(list, 'not tried')].map((each) => String(each).padStart(7)).join('')}`,
    )
  console.log(`${''.padEnd(54)} ${['mutants', 'killed', 'hung', 'alive', 'unseen', 'left'].map((each) => each.padStart(7)).join('')}`)
  for (const [file, list] of [...files].toSorted(([a], [b]) => a.localeCompare(b))) row(file, list)
  row('all', results)
  const argued = readFileSync(ARGUED, 'utf8')
  const open = results.filter(({ mutant, fate }) => (fate === 'survived' || fate === 'not reached') && !argued.includes(nameOf(mutant)))
  for (const { mutant, fate } of open.toSorted((a, b) => a.mutant.file.localeCompare(b.mutant.file) || a.mutant.line - b.mutant.line))
    console.log(`  ${fate === 'survived' ? 'alive ' : 'unseen'} line ${String(mutant.line).padStart(3)} | ${nameOf(mutant)}`)
  if (values.open !== undefined) writeFileSync(values.open, listOf(open))
  console.log(`${open.length} neither killed nor argued in ${ARGUED}`)
  return open.length === 0 && count(results, 'not tried') === 0
}

const tree = mkdtempSync(join(tmpdir(), 'carapace-mutate-'))
try {
  const files = globSync(['src/guard/**/*.ts', 'src/net/**/*.ts'])
    .filter((file) => !/\.(test|d)\.ts$/.test(file) && (positionals.length === 0 || positionals.some((pattern) => file.includes(pattern))))
    .sort()
  const earlier = values.again === undefined ? null : survivorsOf(values.again)
  const all = await makeTree(root, tree, files)
  const mutants = earlier === null ? all : all.filter((mutant) => earlier.has(nameOf(mutant)))
  console.log(`${mutants.length} mutants in ${files.length} files; looking which tests reach them`)
  const facts = await lookAtTests(tree)
  console.log(`${facts.reduce((sum, { tests }) => sum + tests.length, 0)} tests in ${facts.length} files, ${Math.round(performance.now() / 1000)} s`)
  const results = await tryAll(tree, mutants, facts)
  process.exitCode = report(results) ? 0 : 1
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(results, null, 1))
} finally {
  rmSync(tree, { recursive: true, force: true })
}
