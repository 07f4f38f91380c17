import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { prepareStateDir, resolvePaths } from './paths.ts'

const at = (platform: NodeJS.Platform, env: Readonly<Record<string, string>> = {}) => resolvePaths(env, { platform, home: '/home/ann' })

test('every platform has its own default place', () => {
  assert.equal(at('linux').configFile, '/home/ann/.config/carapace/carapace.json5')
  assert.equal(at('linux').stateDir, '/home/ann/.config/carapace')
  assert.equal(at('linux', { XDG_CONFIG_HOME: '/x' }).configFile, '/x/carapace/carapace.json5')
  assert.equal(at('linux', { XDG_CONFIG_HOME: 'relative' }).stateDir, '/home/ann/.config/carapace')
  assert.equal(at('darwin').stateDir, '/home/ann/Library/Application Support/carapace')
  assert.equal(at('win32', { APPDATA: '/roaming' }).stateDir, '/roaming/carapace')
})

test('file and folder are set apart by their variables', () => {
  const paths = at('linux', { CARAPACE_CONFIG_PATH: '/c/one.json5', CARAPACE_STATE_DIR: '/s' })
  assert.equal(paths.configFile, '/c/one.json5')
  for (const path of Object.values(paths).filter((each) => each !== paths.configFile)) assert.ok(path === '/s' || path.startsWith('/s/'), path)
})

test('the state folder is made for its owner alone, and refused when others may write', { skip: process.getuid === undefined }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'carapace-state-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const state = join(folder, 'deep', 'state')
  prepareStateDir(state)
  assert.equal(statSync(state).mode & 0o777, 0o700)
  prepareStateDir(state)
  for (const mode of [0o770, 0o702]) {
    chmodSync(state, mode)
    assert.throws(() => prepareStateDir(state), { code: 'state/unwritable', hint: `chmod 700 '${state}'` })
  }
  writeFileSync(join(folder, 'file'), '')
  assert.throws(() => prepareStateDir(join(folder, 'file')), { code: 'state/unwritable' })
})

test('a state folder of somebody else is refused', { skip: process.getuid === undefined }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'carapace-state-'))
  t.after(() => rmSync(folder, { recursive: true }))
  // Only root can give a folder away; everybody else finds one at the root of the file system.
  const isRoot = process.getuid?.() === 0
  if (isRoot) chownSync(folder, 12_345, 12_345)
  assert.throws(() => prepareStateDir(isRoot ? folder : '/'), { code: 'state/unwritable', message: /belongs to another user/ })
})
