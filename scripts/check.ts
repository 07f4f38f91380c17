/** `npm run check`: everything that a machine can tell without running the program. One line for each step; the output of a step is shown when it fails. */
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { missedRefusals } from './refused-types.ts'
import type { Counts } from './test-counts.ts'

const root = dirname(import.meta.dirname)
const bin = (name: string) => join(root, 'node_modules', '.bin', name)

interface Step {
  readonly name: string
  /** What is wrong; null when nothing is. */
  readonly run: () => Promise<string | null>
}

/** Longest first: two run at a time. */
const steps: readonly Step[] = [
  { name: 'types', run: () => command(bin('tsc'), ['-p', '.', '--pretty', 'false']) },
  { name: 'lint', run: () => command(bin('oxlint'), ['--type-aware', '--deny-warnings', '.']) },
  { name: 'types that must be refused', run: () => missedRefusals(root) },
  { name: 'dead code', run: () => command(bin('knip'), ['--no-progress']) },
  { name: 'format', run: () => command(bin('oxfmt'), ['--check', '.']) },
  ...globSync('scripts/generate-*.ts', { cwd: root })
    .sort()
    .map((file) => ({ name: `${file.replace(/^scripts\/generate-|\.ts$/g, '')} up to date`, run: () => command(process.execPath, [file, '--check']) })),
]

export async function runChecks(): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  const waiting = [...steps]
  const work = async () => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const startedAt = performance.now()
      const wrong = await step.run()
      if (wrong === null) counts.passed++
      else counts.failed++
      const output = wrong === null ? '' : `\n${wrong.trimEnd().replaceAll(/^/gm, '    ')}`
      console.log(`${wrong === null ? '✓' : '✗'} ${step.name.padEnd(49)} ${((performance.now() - startedAt) / 1000).toFixed(1)} s${output}`)
    }
  }
  await Promise.all([work(), work()])
  return counts
}

const MAX_OUTPUT = 20_000

async function command(program: string, args: readonly string[]): Promise<string | null> {
  const child = spawn(program, [...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const keep = (chunk: Buffer) => (output = output.length > MAX_OUTPUT ? output : output + chunk.toString('utf8'))
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const code = await new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null))
    child.on('close', resolve)
  })
  return code === 0 ? null : output.slice(0, MAX_OUTPUT) || `exit code ${code}`
}

if (import.meta.main) {
  const { passed, failed } = await runChecks()
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}
