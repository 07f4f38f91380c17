import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seatbeltProfile } from './seatbelt.ts'

const run = {
  writable: ['/Users/me/state/workspace'],
  readable: ['/opt/tool'],
  pinned: [{ path: '/Users/me/state/workspace/s.sh', copy: '/x', sha256: '' }],
  program: '/bin/ls',
}

describe('the profile for Seatbelt', () => {
  it('begins with nothing, and names what is allowed', () => {
    const lines = seatbeltProfile(run).split('\n')
    assert.deepEqual(lines.slice(0, 3), ['(version 1)', '(deny default)', '(deny network*)'])
    assert.ok(lines.includes('(allow file-write* (subpath "/Users/me/state/workspace"))'))
    assert.ok(lines.includes('(deny file-write* (literal "/Users/me/state/workspace/s.sh"))'))
    assert.ok(!lines.some((line) => line.startsWith('(allow') && line.includes('network')))
    for (const line of lines.filter((each) => each.includes('file-write'))) assert.doesNotMatch(line, /\/opt\/tool/)
    for (const line of lines) assert.doesNotMatch(line, /"\/"|"\/Users"|"\/Users\/me"/)
  })

  it('lets no path say anything else', () => {
    const profile = seatbeltProfile({ ...run, writable: [String.raw`/tmp/a") (allow default) (subpath "\ `] })
    assert.ok(profile.includes(String.raw`(subpath "/tmp/a\") (allow default) (subpath \"\\ ")`))
    assert.throws(() => seatbeltProfile({ ...run, writable: ['/tmp/a\n(allow default)'] }), { code: 'sandbox/unavailable' })
  })
})
