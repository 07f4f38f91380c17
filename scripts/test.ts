/**
 * `npm test`: the checks, then every test. Unit tests share a process; all others get one of their own, two at a time. The last line is `N passed, N failed`.
 * `npm test -- PATTERN…` runs the test files whose path contains one of the patterns, without the checks.
 */
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { dirname } from 'node:path'
import { runChecks } from './check.ts'
import { type Counts, readCounts } from './test-counts.ts'

const SUITE_MS = 15 * 60_000

interface Suite {
  readonly name: string
  readonly files: readonly string[]
  readonly isolation: 'none' | 'process'
}

process.chdir(dirname(import.meta.dirname))
const patterns = process.argv.slice(2)
const total: Counts = patterns.length === 0 ? await runChecks() : { passed: 0, failed: 0, skipped: 0 }
const suites = findSuites()
for (const suite of suites) add(total, await runSuite(suite))
if (suites.length === 0) {
  console.log(`no test file contains ${patterns.join(' or ')}`)
  total.failed++
}
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped === 0 ? '' : `, ${total.skipped} skipped`}`)
process.exitCode = total.failed === 0 ? 0 : 1

/** Quick ones first. */
function findSuites(): readonly Suite[] {
  const wanted = (file: string) => patterns.length === 0 || patterns.some((pattern) => file.includes(pattern))
  const find = (glob: string) => globSync(glob).filter(wanted).sort()
  const kinds = ['golden', 'contracts']
  const others = globSync('test/*/')
    .map((folder) => folder.split('/')[1] ?? '')
    .filter((kind) => !kinds.includes(kind))
    .sort()
  return [
    { name: 'unit', files: find('src/**/*.test.ts'), isolation: 'none' as const },
    ...[...kinds, ...others].map((kind) => ({ name: kind, files: find(`test/${kind}/**/*.test.ts`), isolation: 'process' as const })),
    { name: 'requirements', files: find('test/*.test.ts'), isolation: 'process' as const },
  ].filter((suite) => suite.files.length > 0)
}

async function runSuite(suite: Suite): Promise<Counts> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, ['scripts/test-suite.ts', suite.isolation, ...suite.files], { stdio: ['ignore', 'pipe', 'inherit'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), SUITE_MS)
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  let counts: Counts | null = null
  let isGap = false
  for await (const line of createInterface({ input: child.stdout })) {
    const found = readCounts(line)
    counts = found ?? counts
    if (found === null && line !== '') console.log(isGap ? `\n${line}` : line)
    isGap = found === null && line === ''
  }
  const code = await ended
  clearTimeout(timer)
  const result = counts ?? { passed: 0, failed: 1, skipped: 0 }
  if (counts === null) console.log(`  ✗ the suite ${suite.name} ended without a result (${code === null ? 'it was killed' : `exit code ${code}`})`)
  else if (code !== 0 && result.failed === 0) result.failed = 1
  const mark = result.failed === 0 ? '✓' : '✗'
  const skipped = result.skipped === 0 ? '' : `, ${result.skipped} skipped`
  console.log(
    `${mark} ${suite.name.padEnd(14)} ${`${result.passed} passed, ${result.failed} failed${skipped}`.padEnd(34)} ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
  )
  return result
}

function add(sum: Counts, more: Counts): void {
  sum.passed += more.passed
  sum.failed += more.failed
  sum.skipped += more.skipped
}
