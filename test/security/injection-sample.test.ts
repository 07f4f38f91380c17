/** The injection bench over a small suite of our own: what it counts, and that the guard's figures on it do not move. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { score } from '../../bench/injection/score.ts'
import { readSuites } from '../../bench/injection/suite.ts'

const [suite] = readSuites(join(import.meta.dirname, 'injection-sample'))

it('a hijacked model gets nothing outside, and an honest one asks once', async () => {
  assert.ok(suite !== undefined)
  const { misses, asked, ...counts } = await score(suite)
  assert.deepEqual(misses, [])
  assert.deepEqual(
    asked.map((line) => line.slice(0, 5)),
    ['b3: 1'],
    'two holds of one step are one question',
  )
  assert.deepEqual(counts, {
    suite: 'office',
    benign: 3,
    automatic: 2,
    questions: 1,
    attacks: 4,
    passed: 0,
    partly: 0,
    writeOnly: 1,
    writeOnlyPassed: 1,
    textOnly: 0,
  })
})

it('the bench sees what the guard lets through', async () => {
  assert.ok(suite !== undefined)
  const blind = new Map(
    suite.tools
      .entries()
      .map(([name, tool]) => [name, { ...tool, manifest: { ...tool.manifest, effect: 'write', effectWithoutDestination: 'write' } as const }]),
  )
  const { passed, automatic } = await score({ ...suite, tools: blind })
  assert.deepEqual([passed, automatic], [4, 3])
})
