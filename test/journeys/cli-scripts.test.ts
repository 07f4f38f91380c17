/** The scripts that say whether everything is well must be able to say no. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { missedRefusals } from '../../scripts/refused-types.ts'
import { readCounts } from '../../scripts/test-counts.ts'

const root = resolve(import.meta.dirname, '../..')
// A test runner inside a test takes itself for a part of the outer one unless it is told otherwise.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== 'NODE_TEST_CONTEXT'))
let folder = ''

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'carapace-scripts-'))
  for (const file of ['tsconfig.json', 'package.json']) copyFileSync(join(root, file), join(folder, file))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  mkdirSync(join(folder, 'test/types/fail'), { recursive: true })
})
after(() => rmSync(folder, { recursive: true }))

test('the test runner counts, shows what failed and says so by its exit code', () => {
  const file = join(folder, 'sample.test.ts')
  const head = "import { test } from 'node:test'\n"
  const run = (body: string, isolation: string) => {
    writeFileSync(file, head + body)
    const { stdout, status } = spawnSync(process.execPath, [join(root, 'scripts/test-suite.ts'), isolation, file], { env, encoding: 'utf8' })
    return { stdout, status, counts: readCounts(stdout.trimEnd().split('\n').at(-1) ?? '') }
  }
  for (const isolation of ['none', 'process']) {
    const good = run("test('a', () => undefined)\ntest('b', { skip: 'no net' }, () => undefined)\n", isolation)
    assert.deepEqual([good.status, good.counts], [0, { passed: 1, failed: 0, skipped: 1 }])
    assert.match(good.stdout, /skipped: b \(no net\)/)
    const bad = run("test('a', () => undefined)\ntest('wrong', () => { throw new Error('because') })\n", isolation)
    assert.deepEqual([bad.status, bad.counts], [1, { passed: 1, failed: 1, skipped: 0 }])
    assert.match(bad.stdout, /✗ wrong \(.*sample\.test\.ts:3\)\n +Error: because/)
  }
  const broken = run("import './missing.ts'\ntest('never', () => undefined)\n", 'process')
  assert.equal(broken.status, 1)
})

test('npm test ends with the counts, and fails where nothing was run', () => {
  const done = spawnSync(process.execPath, [join(root, 'scripts/test.ts'), 'no-file-is-called-like-this'], { env, encoding: 'utf8' })
  assert.deepEqual([done.status, done.stdout.trimEnd().split('\n').at(-1)], [1, '0 passed, 1 failed'])
})

test('types that must be refused: for the named reason, and nothing else will do', async () => {
  const write = (name: string, text: string) => writeFileSync(join(folder, 'test/types/fail', name), text)
  write('right.ts', "// expect-error: not assignable to type 'number'\nexport const a: number = 'x'\n")
  assert.equal(await missedRefusals(folder), null)
  write('compiles.ts', '// expect-error: anything\nexport const a = 1\n')
  write('other.ts', "// expect-error: is private\nexport const a: number = 'x'\n")
  write('silent.ts', "export const a: number = 'x'\n")
  const missed = await missedRefusals(folder)
  assert.match(
    missed ?? '',
    /compiles\.ts: compiles, but must not\n.*other\.ts: refused, but not with “is private”:\n {2}error TS2322[^]*silent\.ts: its first line is not/,
  )
})
