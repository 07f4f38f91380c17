import assert from 'node:assert/strict'
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import * as fc from 'fast-check'
import { contains, findInsideRoots, resolveInsideRoots } from './inside-roots.ts'

async function setUp(t: TestContext) {
  const base = await realpath(await mkdtemp(join(tmpdir(), 'carapace-roots-')))
  t.after(() => rm(base, { recursive: true }))
  const [one, two, outside] = [join(base, 'one'), join(base, 'two'), join(base, 'one-outside')]
  for (const folder of [one, two, outside, join(one, 'deep')]) await mkdir(folder)
  for (const file of [join(one, 'a.txt'), join(two, 'b.txt'), join(outside, 'secret')]) await writeFile(file, file)
  await symlink(join(outside, 'secret'), join(one, 'leak'))
  await symlink(outside, join(one, 'leak-folder'))
  await symlink(join(two, 'b.txt'), join(one, 'to-two'))
  await symlink(join(base, 'nowhere'), join(one, 'dangling'))
  await symlink(one, join(base, 'alias'))
  return { base, one, two, outside, roots: [one, two] }
}

test('what lies in a root is found, links and relative paths resolved', async (t) => {
  const { base, one, two, roots } = await setUp(t)
  assert.equal(await resolveInsideRoots(join(one, 'a.txt'), roots), join(one, 'a.txt'))
  assert.equal(await resolveInsideRoots(one, roots), one)
  assert.equal(await resolveInsideRoots('b.txt', roots), join(two, 'b.txt'))
  assert.equal(await resolveInsideRoots(join(one, 'deep', '..', 'a.txt'), roots), join(one, 'a.txt'))
  assert.deepEqual(await findInsideRoots(join(one, 'to-two'), roots), { path: join(two, 'b.txt'), root: two, exists: true })
  assert.equal(await resolveInsideRoots(join(base, 'alias', 'a.txt'), [join(base, 'alias')]), join(one, 'a.txt'))
  assert.equal(await resolveInsideRoots(join(one, 'a.txt'), [join(base, 'alias')]), join(one, 'a.txt'))
})

test('a missing file inside is a place inside', async (t) => {
  const { one, roots } = await setUp(t)
  assert.deepEqual(await findInsideRoots(join(one, 'new', 'file'), roots), { path: join(one, 'new', 'file'), root: one, exists: false })
  assert.equal(await resolveInsideRoots(join(one, 'leak-folder', 'new'), roots), null)
})

test('everything outside is null, existing or not', async (t) => {
  const { base, one, outside, roots } = await setUp(t)
  for (const path of [
    base,
    outside,
    join(outside, 'secret'),
    join(outside, 'missing'),
    `${one}/../one-outside/secret`,
    join(one, 'leak'),
    join(one, 'leak-folder', 'secret'),
    join(one, 'dangling'),
    '../one-outside/secret',
    '/',
    '/etc/passwd',
    '',
    `${one}/a.txt\0`,
    `${one}/${'x'.repeat(5000)}`,
    join(one, 'a.txt', 'below-a-file'),
  ]) {
    assert.equal(await resolveInsideRoots(path, roots), null, path)
  }
  assert.equal(await resolveInsideRoots(join(one, 'a.txt'), []), null)
  assert.equal(await resolveInsideRoots(join(one, 'a.txt'), ['relative', join(base, 'missing-root')]), null)
})

test('no chain of steps leads out', async (t) => {
  const { one, outside, roots } = await setUp(t)
  const step = fc.constantFrom('..', '.', 'deep', 'leak', 'leak-folder', 'secret', 'a.txt', '', '…', 'one-outside', 'two')
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
      const found = await resolveInsideRoots(`${one}/${steps.join('/')}`, roots)
      assert.ok(found === null || (!contains(outside, found) && roots.some((root) => contains(root, found))))
    }),
    { numRuns: 200 },
  )
})
