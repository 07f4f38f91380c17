/** The way from a checkout to a running program: `./cara`, scripts/bootstrap.mjs, scripts/build.ts, the package. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'

const root = resolve(import.meta.dirname, '../..')
/** As on a fresh machine: the Node of the system, not ours. */
const plainPath = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(delimiter)
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_)/i.test(name)))
const env = { ...environment, PATH: plainPath }

/** The same through the script and through what builds. */
const MEMORY = ['--max-semi-space-size=8', '1', '131072']

const PROGRAM = `
import { greeting } from './greeting.ts'
const [command] = process.argv.slice(2)
if (command === 'wait') {
  process.on('SIGTERM', () => process.exit(7))
  setInterval(() => undefined, 1000)
  console.log('waiting')
} else {
  console.log(JSON.stringify({ greeting, args: process.argv.slice(2), node: process.versions.node, folder: process.cwd(), memory: [...process.execArgv, process.env.MALLOC_ARENA_MAX, process.env.MALLOC_TRIM_THRESHOLD_] }))
  process.exitCode = command === 'fail' ? 3 : 0
}
`

function copy(to: string, ...files: readonly string[]): void {
  for (const file of files) {
    mkdirSync(dirname(join(to, file)), { recursive: true })
    copyFileSync(join(root, file), join(to, file))
  }
}

describe('a checkout with everything installed', () => {
  let folder = ''
  const cara = (args: readonly string[], cwd = '/') => spawnSync(join(folder, 'cara'), args, { cwd, env, encoding: 'utf8' })
  const stamp = () => statSync(join(folder, 'dist', '.stamp')).mtimeMs
  const source = (name: string) => join(folder, 'src', 'app', name)

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'carapace-launch-'))
    copy(folder, 'cara', 'package.json', 'package-lock.json', 'scripts/bootstrap.mjs', 'scripts/build.ts', 'scripts/package-entry.mjs')
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    mkdirSync(join(folder, 'src', 'app'), { recursive: true })
    writeFileSync(source('main.ts'), PROGRAM)
    writeFileSync(source('greeting.ts'), "export const greeting: string = 'hello'\n")
  })
  after(() => rmSync(folder, { recursive: true }))

  test('two first calls at once both build or wait, and both run', async () => {
    const calls = [1, 2].map(async () => {
      const child = spawn(join(folder, 'cara'), ['x'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
      let out = ''
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
      await once(child, 'close')
      return out
    })
    for (const out of await Promise.all(calls)) assert.partialDeepStrictEqual(JSON.parse(out), { greeting: 'hello', args: ['x'], memory: MEMORY })
  })

  test('passes on arguments, folder and exit code, and runs on the private Node', () => {
    const done = cara(['fail', 'two words', '--run', '*'], tmpdir())
    assert.deepEqual([done.status, done.stderr], [3, ''])
    const expected = { greeting: 'hello', args: ['fail', 'two words', '--run', '*'], node: process.versions.node, folder: tmpdir(), memory: MEMORY }
    assert.deepEqual(JSON.parse(done.stdout), expected)
  })

  test('works through links, relative ones too', () => {
    mkdirSync(join(folder, 'links'))
    symlinkSync('../cara', join(folder, 'links', 'one'))
    symlinkSync(join(folder, 'links', 'one'), join(folder, 'links', 'two'))
    for (const link of ['one', 'two']) assert.equal(spawnSync(join(folder, 'links', link), ['x'], { env, cwd: '/' }).status, 0, link)
    assert.equal(spawnSync('sh', ['cara', 'x'], { env, cwd: folder }).status, 0)
  })

  test('builds again after a change, a new file, a deletion and a renaming, and only then', () => {
    const rebuilds = (change: () => void) => {
      const before = stamp()
      change()
      assert.equal(cara(['x']).status, 0)
      return stamp() !== before
    }
    assert.equal(
      rebuilds(() => undefined),
      false,
    )
    assert.equal(
      rebuilds(() => writeFileSync(source('greeting.ts'), "export const greeting: string = 'changed'\n")),
      true,
    )
    assert.match(cara(['x']).stdout, /"greeting":"changed"/)
    assert.equal(
      rebuilds(() => writeFileSync(source('unused.ts'), '')),
      true,
    )
    assert.equal(
      rebuilds(() => renameSync(source('unused.ts'), source('renamed.ts'))),
      true,
    )
    assert.equal(
      rebuilds(() => rmSync(source('renamed.ts'))),
      true,
    )
    assert.equal(
      rebuilds(() => undefined),
      false,
    )
    rmSync(source('greeting.ts'))
    const broken = cara(['x'])
    assert.equal(broken.status, 1)
    assert.match(broken.stderr, /greeting\.ts[^]*the build failed/)
    writeFileSync(source('greeting.ts'), "export const greeting: string = 'back'\n")
    assert.match(cara(['x']).stdout, /"greeting":"back"/)
  })

  test('costs less than 50 ms beside the program itself', () => {
    const took = (run: () => unknown) => {
      const startedAt = performance.now()
      run()
      return performance.now() - startedAt
    }
    const direct = { ...env, NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compile') }
    const best = { program: Infinity, launched: Infinity }
    // The quickest of each, in turn: beside other work it takes more of them until both had a moment to themselves.
    for (let count = 0; count < 100 && (count < 5 || best.launched - best.program >= 50); count++) {
      best.program = Math.min(
        best.program,
        took(() => spawnSync(join(root, 'node_modules', '.bin', 'node'), [join(folder, 'dist', 'main.js'), 'x'], { env: direct })),
      )
      best.launched = Math.min(
        best.launched,
        took(() => cara(['x'])),
      )
    }
    const costs = best.launched - best.program
    assert.ok(costs < 50, `${costs.toFixed(1)} ms`)
  })

  test('signals reach the program, also where the old Node has to stay', async () => {
    for (const flags of [[], ['--import', 'data:text/javascript,delete process.execve']]) {
      const child = spawn(process.execPath, [...flags, join(folder, 'scripts', 'bootstrap.mjs'), '--', 'wait'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
      await once(child.stdout, 'data')
      child.kill('SIGTERM')
      const [code]: unknown[] = await once(child, 'exit')
      assert.equal(code, 7)
    }
  })

  test('--run runs a TypeScript file on the private Node', () => {
    const file = join(folder, 'script.ts')
    writeFileSync(file, 'const text: string = process.versions.node\nconsole.log(text, ...process.argv.slice(2))\n')
    const done = spawnSync('node', [join(folder, 'scripts', 'bootstrap.mjs'), '--run', file, 'a'], { env, encoding: 'utf8' })
    assert.deepEqual([done.stdout, done.stderr], [`${process.versions.node} a\n`, ''])
  })
})

describe('a fresh clone', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'carapace-clone-'))
    const listed = spawnSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' }).stdout
    const files = listed.split('\0').filter((file) => file !== '' && !file.startsWith('test/') && existsSync(join(root, file)))
    copy(folder, ...files)
  })
  after(() => rmSync(folder, { recursive: true }))

  test('says what to do when the registry cannot be reached', () => {
    const nowhere = { ...env, npm_config_registry: 'http://127.0.0.1:9', npm_config_cache: join(folder, 'no-cache') }
    const done = spawnSync('node', ['scripts/bootstrap.mjs', '--install'], { cwd: folder, env: nowhere, encoding: 'utf8' })
    assert.equal(done.status, 1)
    assert.match(done.stderr, /the package registry cannot be reached. Check the network/)
    assert.equal(existsSync(join(folder, 'dist', '.install.lock')), false)
  })

  test('sets itself up, and its package works when it is installed globally', (t) => {
    const run = (program: string, args: readonly string[], cwd = folder) => spawnSync(program, args, { cwd, env, encoding: 'utf8', timeout: 170_000 })
    const first = run('./cara', ['--version'])
    if (/registry cannot be reached/.test(first.stderr)) return t.skip('the package registry cannot be reached')
    assert.deepEqual([first.status, first.stdout], [0, `cara ${version()}\n`], first.stderr)
    assert.match(first.stderr, /installing up to \d+ packages[^]*installed in/)
    assert.equal(run('./cara', ['--version']).stderr, '')

    const packed = run('npm', ['pack', '--json'])
    assert.equal(packed.status, 0, packed.stderr)
    // Another prefix would hide the machine's own npm configuration, its certificates among it.
    const globalConfig = run('npm', ['config', 'get', 'globalconfig']).stdout.trim()
    const installed = run('npm', [
      'install',
      '--globalconfig',
      globalConfig,
      '--global',
      '--prefix',
      join(folder, 'global'),
      '--no-audit',
      '--no-fund',
      '--prefer-offline',
      `carapace-${version()}.tgz`,
    ])
    assert.equal(installed.status, 0, installed.stderr)
    const program = join(folder, 'global', 'bin', 'cara')
    assert.deepEqual([run(program, ['--version'], tmpdir()).stdout, run(program, ['nonsense'], tmpdir()).status], [`cara ${version()}\n`, 2])
    const state = join(folder, 'state')
    const own = { ...env, CARAPACE_STATE_DIR: state, CARAPACE_CONFIG_PATH: join(state, 'carapace.json5'), XDG_CACHE_HOME: join(folder, 'cache') }
    const keyless = Object.fromEntries(Object.entries(own).filter(([name]) => !/_API_KEY$|_BASE_URL$|^AWS_/.test(name)))
    const asked = spawnSync(program, ['ask', '--model', 'demo:tiny', 'What is 17 * 23?'], { cwd: tmpdir(), env: keyless, encoding: 'utf8', timeout: 60_000 })
    assert.match(asked.stdout, /391/, asked.stderr)
    assert.equal(existsSync(join(folder, 'global', 'lib', 'node_modules', 'carapace', 'src')), false)
  })

  function version(): string {
    return /"version": "([^"]+)"/.exec(readFileSync(join(folder, 'package.json'), 'utf8'))?.[1] ?? ''
  }
})
