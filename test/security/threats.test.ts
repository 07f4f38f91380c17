/** docs/security/threats.md is held to what is there: every known class has a row, and every row its files and tests, or the reason why it does not apply. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const KNOWN = { A: 7, B: 6, C: 8, D: 6, E: 9, F: 5, G: 3, H: 2, I: 2, J: 3, K: 7, L: 4 }
const ids = Object.entries(KNOWN).flatMap(([letter, count]) => Array.from({ length: count }, (_, index) => `${letter}${index + 1}`))

interface Row {
  readonly id: string
  readonly defence: string
  readonly proof: string
}

const rows: readonly Row[] = readFileSync('docs/security/threats.md', 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, id, , defence, proof] = /^\| (?:\*\*)?([A-L]\d)(?:\*\*)? \|/.test(line) ? line.split(/(?<!\\)\|/).map((cell) => cell.trim()) : []
    return id === undefined || defence === undefined || proof === undefined ? [] : [{ id: id.replaceAll('*', ''), defence, proof }]
  })

test('every class of attack has its row', () => {
  assert.deepEqual(
    rows.map(({ id }) => id),
    ids,
  )
})

for (const { id, defence, proof } of rows) {
  test(`${id} names files and tests that exist`, () => {
    for (const [, file] of `${defence} ${proof}`.matchAll(/`((?:src|test)\/[^`]+)`/g)) assert.ok(existsSync(file ?? ''), `${file} does not exist`)
    const proofs = Array.from(proof.matchAll(/`(test\/[^`]+|src\/[^`]+\.test\.ts)` “([^”]+)”/g), ([, file, title]) => ({
      file: file ?? '',
      title: title ?? '',
    }))
    for (const { file, title } of proofs) {
      const source = readFileSync(file, 'utf8')
      assert.ok(
        ["'", '`', '"'].some((quote) => new RegExp(String.raw`\b(?:it|test)\(\s*${quote}${RegExp.escape(title)}`).test(source)),
        `${file} has no test “${title}”`,
      )
    }
    if (!proof.startsWith('Does not apply')) assert.ok(proofs.length > 0, 'it has no test')
    else assert.match(proof, /^Does not apply(?: yet)?: \S+/)
  })
}
