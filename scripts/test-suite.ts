/**
 * Runs test files: `test-suite.ts none|process FILE…`. Prints what failed and what was skipped, nothing about what passed; the last line is `@counts` and JSON, for
 * `scripts/test.ts`.
 */
import { run } from 'node:test'
import type { TestEvent } from 'node:test/reporters'
import { isAbsolute, relative } from 'node:path'
import { inspect } from 'node:util'
import { COUNTS_MARK, type Counts } from './test-counts.ts'

type Failure = Extract<TestEvent, { type: 'test:fail' }>['data']

const [isolation, ...files] = process.argv.slice(2)
const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
const stream = run({ files, isolation: isolation === 'none' ? 'none' : 'process', concurrency: isolation === 'none' ? false : 2, timeout: 180_000 })
for await (const event of stream as AsyncIterable<TestEvent>) {
  if (event.type === 'test:fail' && event.data.todo === undefined) process.stdout.write(describe(event.data))
  if (event.type === 'test:pass' && event.data.skip !== undefined) {
    const reason = typeof event.data.skip === 'string' && event.data.skip !== '' ? event.data.skip : 'no reason given'
    process.stdout.write(`  - skipped: ${event.data.name} (${reason})\n`)
  }
  if (event.type === 'test:stderr' || event.type === 'test:stdout') process.stdout.write(event.data.message)
  if (event.type === 'test:summary' && event.data.file === undefined) {
    const { tests, passed, skipped, todo } = event.data.counts
    counts.passed = passed
    counts.skipped = skipped + todo
    counts.failed = tests - passed - skipped - todo
  }
}
process.stdout.write(`\n${COUNTS_MARK}${JSON.stringify(counts)}\n`)
process.exitCode = counts.failed === 0 ? 0 : 1

function describe({ name, file, line, details }: Failure): string {
  const place = file === undefined ? '' : ` (${isAbsolute(file) ? relative(process.cwd(), file) : file}${line === undefined ? '' : `:${line}`})`
  const { cause } = details.error
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause ?? details.error)
  // The failure of a parent only repeats that of its part.
  if (/^\W*\d+ subtests? failed\W*$/.test(text)) return ''
  return `\n  ✗ ${name}${place}\n${text
    .replaceAll(/^ +at .*\(?node:internal.*\n?/gm, '')
    .trimEnd()
    .replaceAll(/^/gm, '      ')
    .slice(0, 8000)}\n\n`
}
