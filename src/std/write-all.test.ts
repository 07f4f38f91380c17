import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { isTerminalDescriptor } from './is-terminal.ts'
import { writeAll } from './write-all.ts'

it('everything is written, whatever its size, and a closed descriptor is an error', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cara-write-'))
  try {
    const file = openSync(join(folder, 'out'), 'w')
    const text = 'grüße '.repeat(200_000)
    assert.equal(writeAll(file, text), true)
    assert.equal(isTerminalDescriptor(file), false)
    closeSync(file)
    assert.equal(readFileSync(join(folder, 'out'), 'utf8'), text)
    assert.throws(() => writeAll(file, 'x'), /EBADF/)
    assert.equal(isTerminalDescriptor(file), false)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
