/** Keys of `exec`: what the owner writes into the file is what a command gets. The commands run for real, in the sandbox of this machine. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { execSettings } from '../../src/app/exec.ts'
import { loadSettings } from '../../src/app/load-settings.ts'
import { resolvePaths } from '../../src/config/paths.ts'
import { commandBinding } from '../../src/tools/exec/input.ts'
import { createSecretRegistry } from '../../src/telemetry/secret-registry.ts'
import { installBubblewrap } from '../doubles/install-packages.ts'
import { openCommands } from '../doubles/commands.ts'
import { configuredGateway } from '../doubles/configured-gateway.ts'
import { recordedLog } from '../doubles/recorded-log.ts'

const missing = installBubblewrap()

/** The output of a command under this section; `folder` holds the state folder. */
async function ran(section: Readonly<Record<string, unknown>> | ((folder: string) => Readonly<Record<string, unknown>>), argv: readonly string[]) {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'carapace-exec-keys-')))
  try {
    const env = { HOME: folder, CARAPACE_STATE_DIR: join(folder, 'state'), CARAPACE_CONFIG_PATH: join(folder, 'carapace.json5') }
    const paths = resolvePaths(env)
    await mkdir(join(folder, 'shown'), { recursive: true })
    await writeFile(join(folder, 'shown', 'note'), 'shown to programs')
    await writeFile(paths.configFile, JSON.stringify({ exec: typeof section === 'function' ? section(folder) : section }))
    const { config } = await loadSettings(env, paths, [])
    const settings = execSettings(config, paths, {
      fetch: () => Promise.reject(new Error('nothing is fetched here')),
      resolve: () => Promise.reject(new Error('no name is looked up here')),
      report: () => undefined,
      secrets: createSecretRegistry(),
      log: recordedLog().log,
    })
    assert.ok(settings !== null)
    await using commands = await openCommands(settings)
    const input = { argv: argv.map((each) => each.replace('FOLDER', folder)) }
    const binding = await commands.bind(input)
    const { output, isError = false } = await commands.run(input, binding)
    const written = await readFile(join(settings.workspace, 'written'), 'utf8').catch(() => null)
    return { output, isError, written, sandbox: commandBinding.parse(binding).sandbox, description: await commands.describe(input) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
/** What is to be ended lasts longer than any look at it takes on a loaded machine; what is to pass ends soon. */
const LASTING = 45

const shell = (line: string) => ['sh', '-c', line]

describe('exec', () => {
  it('enabled offers the tool, or hides it', async () => {
    for (const enabled of [true, false]) {
      await using cara = await configuredGateway(() => ({ exec: { enabled } }))
      cara.upstream.script({ headers: { 'content-type': 'text/event-stream' }, pieces: [Buffer.from('data: [DONE]\n\n')] })
      await cara.chat('hello')
      assert.equal(
        (cara.sent(0).tools ?? []).some((tool) => tool.function.name === 'exec'),
        enabled,
      )
    }
  })

  it('sandbox unsandboxed runs with the rights of the owner, and says so', async () => {
    const inside = await ran({}, shell('cat /etc/shadow'))
    assert.equal(inside.isError, true)
    assert.doesNotMatch(inside.description, /NO SANDBOX/)
    const outside = await ran({ sandbox: 'unsandboxed' }, ['cat', 'FOLDER/carapace.json5'])
    assert.match(outside.output, /unsandboxed/)
    assert.match(outside.description, /^NO SANDBOX/)
  })

  it('backend chooses the sandbox', async (t) => {
    assert.equal((await ran({ backend: 'landlock' }, ['true'])).sandbox, 'landlock')
    await assert.rejects(ran({ backend: 'seatbelt' }, ['true']), { code: 'sandbox/unavailable' })
    if (missing !== null) return t.skip(missing)
    assert.equal((await ran({ backend: 'bubblewrap' }, ['true'])).sandbox, 'bubblewrap')
    assert.equal((await ran({ backend: 'auto' }, ['true'])).sandbox, 'bubblewrap')
  })

  it('workspace is where programs write', async () => {
    assert.equal((await ran({}, shell('echo here > written'))).written, 'here\n')
    const moved = await ran((folder) => ({ workspace: join(folder, 'shown') }), shell('cat note; echo there > written'))
    assert.match(moved.output, /shown to programs/)
    assert.equal(moved.written, 'there\n')
  })

  it('readFolders are seen, and not written', async () => {
    const seen = (folder: string) => ({ readFolders: [join(folder, 'shown')] })
    assert.match((await ran(seen, ['cat', 'FOLDER/shown/note'])).output, /shown to programs/)
    assert.equal((await ran({}, ['cat', 'FOLDER/shown/note'])).isError, true)
    assert.equal((await ran(seen, shell('echo x > FOLDER/shown/note'))).isError, true)
  })

  it('timeoutMs ends what takes longer', async () => {
    assert.match((await ran({ timeoutMs: 300 }, ['sleep', '20'])).output, /longer than 300 ms/)
    assert.match((await ran({ timeoutMs: 10_000 }, ['sleep', '0.4'])).output, /exit code 0/)
  })

  it('memoryMb ends what needs more', async () => {
    const need = (seconds: number) => ['perl', '-e', `my $x = "x" x (150 * 1024 * 1024); sleep ${seconds}; print "done"`]
    assert.match((await ran({ memoryMb: 100 }, need(LASTING))).output, /more than 100 MiB of memory/)
    assert.match((await ran({ memoryMb: 400 }, need(1))).output, /done/)
  })

  it('maxProcesses ends what starts more', async () => {
    const many = (seconds: number) => shell(`for i in 1 2 3 4 5 6 7 8 9 10; do sleep ${seconds} & done; wait; echo all of them`)
    const few = await ran({ maxProcesses: 6, timeoutMs: LASTING * 1000 }, many(LASTING))
    assert.ok(few.isError && !/all of them|longer than/.test(few.output), few.output)
    assert.match((await ran({ maxProcesses: 40 }, many(1))).output, /all of them/)
  })

  it('maxOutputBytes ends what writes more', async () => {
    const flood = shell('head -c 20000 /dev/zero | tr "\\0" x')
    assert.match((await ran({ maxOutputBytes: 10_000 }, flood)).output, /more than 10000 bytes/)
    assert.match((await ran({ maxOutputBytes: 30_000 }, flood)).output, /exit code 0/)
  })

  it('maxFileMb bounds one file, maxDiskMb all of them', async () => {
    const file = shell('head -c 3000000 /dev/zero > big && echo written')
    assert.doesNotMatch((await ran({ maxFileMb: 2 }, file)).output, /written/)
    assert.match((await ran({ maxFileMb: 4 }, file)).output, /written/)
    const files = (seconds: number) => shell(`for i in 1 2 3 4 5 6 7 8; do head -c 3000000 /dev/urandom > big$i; done; sleep ${seconds}; echo written`)
    assert.match((await ran({ maxFileMb: 4, maxDiskMb: 10 }, files(LASTING))).output, /more than 10 MiB/)
    assert.match((await ran({ maxFileMb: 4, maxDiskMb: 100 }, files(3))).output, /written/)
  })
})
