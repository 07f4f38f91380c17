/** Runs tests over the instrumented copy, in one process, with one mutant after the other switched on. The copy is the working folder. */
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'
import { collect } from './test-shim.ts'
import type { Answer, FileFacts, Order, TestFacts } from './protocol.ts'

/** What the instrumented code reads and writes. */
interface Switchboard {
  activeMutant: string | undefined
  currentTestId: string | undefined
  readonly mutantCoverage: { static: Record<string, number>; perTest: Record<string, Record<string, number>> }
  hitCount: number | undefined
  hitLimit: number | undefined
}

const board: Switchboard = {
  activeMutant: undefined,
  currentTestId: undefined,
  mutantCoverage: { static: {}, perTest: {} },
  hitCount: undefined,
  hitLimit: undefined,
}
Object.assign(globalThis, { __stryker__: board })

const tree = pathToFileURL(`${process.cwd()}/`).href
const shim = new URL('test-shim.ts', import.meta.url).href
registerHooks({
  resolve(specifier, context, next) {
    if (specifier === 'node:test') return { url: shim, shortCircuit: true }
    const found = next(specifier, context)
    const fresh = /[?&]fresh=\d+$/.exec(context.parentURL ?? '')?.[0].slice(1)
    return fresh !== undefined && found.url.startsWith(tree) && !found.url.includes('/node_modules/') ? { ...found, url: `${found.url}?${fresh}` } : found
  },
})

const counter = { loads: 0 }
const load = (file: string, kind: 'fresh' | 'again') => collect(() => import(`${tree}${file}?${kind}=${++counter.loads}`))

async function look(file: string): Promise<FileFacts> {
  board.mutantCoverage.static = {}
  board.mutantCoverage.perTest = {}
  const tests: TestFacts[] = []
  try {
    const collection = await load(file, 'fresh')
    const loaded = Object.keys(board.mutantCoverage.static)
    for (const [index, { name }] of collection.tests.entries()) {
      board.currentTestId = `t${index}`
      const startedAt = performance.now()
      const error = await collection.run(index)
      board.currentTestId = undefined
      const covered = Object.keys(board.mutantCoverage.perTest[`t${index}`] ?? {})
      tests.push({ index, name, ms: performance.now() - startedAt, isOk: error === null, mutants: covered })
    }
    await collection.end()
    return { file, tests, loaded, error: null }
  } catch (error) {
    return { file, tests: [], loaded: [], error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  } finally {
    board.currentTestId = undefined
  }
}

async function tryMutant({ mutant, isFresh, files, hitLimit }: Extract<Order, { kind: 'try' }>): Promise<Answer> {
  const tried = (killedBy: Extract<Answer, { kind: 'tried' }>['killedBy']): Answer => ({ kind: 'tried', mutant, killedBy, rss: process.memoryUsage.rss() })
  for (const { file, tests } of files) {
    // Tests are declared by the code as it is, unless the mutant acts while that is loaded.
    board.activeMutant = isFresh ? mutant : undefined
    board.hitCount = 0
    board.hitLimit = hitLimit
    let collection
    try {
      collection = await load(file, isFresh ? 'fresh' : 'again')
    } catch {
      return tried({ file, index: -1, name: 'loading' })
    }
    board.activeMutant = mutant
    try {
      for (const index of tests) {
        const error = await collection.run(index)
        if (error !== null) return tried({ file, index, name: collection.tests[index]?.name ?? '' })
      }
    } catch {
      return tried({ file, index: -1, name: 'a hook' })
    } finally {
      board.activeMutant = undefined
      await collection.end().catch(() => undefined)
    }
  }
  return tried(null)
}

const send = (answer: Answer) => void process.send?.(answer)
process.on('message', (order: Order) => {
  void (order.kind === 'look' ? look(order.file).then((facts): Answer => ({ kind: 'seen', facts })) : tryMutant(order)).then(send)
})
