/** Writes `docs/cli.md` from the commands; `--check` only says whether it is up to date. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cliReference } from './cli-reference.ts'

const file = join(dirname(import.meta.dirname), 'docs', 'cli.md')
const text = await cliReference()

if (!process.argv.includes('--check')) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
} else if (current() !== text) {
  console.error('docs/cli.md is not what the commands say: run `node scripts/generate-cli-docs.ts`')
  process.exitCode = 1
}

function current(): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
