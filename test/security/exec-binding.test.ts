/** The owner's word holds for what he was shown. Whatever changes between the question and the run makes it another command, which is refused; and he was shown all of it. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmod, copyFile, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { SandboxRun } from '../../src/contracts/sandbox.ts'
import { canonicalJson } from '../../src/std/canonical-json.ts'
import { openSandbox } from '../../src/sandbox/open-sandbox.ts'
import { commandBinding, type ExecInput } from '../../src/tools/exec/input.ts'
import { installBubblewrap } from '../doubles/install-packages.ts'
import { openCommands, type Commands } from '../doubles/commands.ts'

const missing = installBubblewrap()
const changed = { code: 'sandbox/changed' }

/** Binds, lets `meanwhile` happen, and runs with what was bound before. */
async function between(commands: Commands, input: ExecInput, meanwhile: () => Promise<unknown>) {
  const binding = await commands.bind(input)
  await meanwhile()
  return commands.run(input, binding)
}

describe('what changes between question and run is refused', () => {
  test('the working folder, when its link leads elsewhere or another folder stands there', async () => {
    await using commands = await openCommands()
    const at = (name: string) => join(commands.workspace, name)
    for (const name of ['a', 'b']) await mkdir(at(name))
    await symlink('a', at('link'))
    await assert.rejects(
      between(commands, { argv: ['pwd'], cwd: at('link') }, async () => {
        await rm(at('link'))
        await symlink('b', at('link'))
      }),
      changed,
    )
    await assert.rejects(
      between(commands, { argv: ['pwd'], cwd: at('a') }, async () => {
        await rename(at('a'), at('old'))
        await mkdir(at('a'))
      }),
      changed,
    )
    const { output } = await between(commands, { argv: ['pwd'], cwd: at('a') }, async () => undefined)
    assert.equal(output, `exit code 0\n${at('a')}\n`)
  })

  test('a script, however it is named', async () => {
    await using commands = await openCommands()
    const script = join(commands.workspace, 'build.sh')
    const write = async (text: string) => {
      await writeFile(script, text)
      await chmod(script, 0o755)
    }
    for (const argv of [['sh', 'build.sh'], ['./build.sh'], [script], ['sh', '-e', './build.sh'], ['env', `FILE=${script}`], ['cat', '@build.sh']]) {
      await write('echo harmless')
      await assert.rejects(
        between(commands, { argv }, () => write('echo hostile')),
        changed,
        argv.join(' '),
      )
    }
    // The same bytes under another number are another file.
    await write('echo harmless')
    await assert.rejects(
      between(commands, { argv: ['sh', 'build.sh'] }, async () => {
        await rename(script, `${script}.old`)
        await copyFile(`${script}.old`, script)
      }),
      changed,
    )
  })

  test('a program of the workspace, also behind a link', async () => {
    await using commands = await openCommands()
    const tool = join(commands.workspace, 'tool')
    await copyFile('/bin/true', tool)
    await assert.rejects(
      between(commands, { argv: ['./tool'] }, () => copyFile('/bin/echo', tool)),
      changed,
    )
    await symlink('tool', join(commands.workspace, 'alias'))
    await assert.rejects(
      between(commands, { argv: ['./alias'] }, async () => {
        await rm(join(commands.workspace, 'alias'))
        await copyFile('/bin/false', join(commands.workspace, 'other'))
        await symlink('other', join(commands.workspace, 'alias'))
      }),
      changed,
    )
  })

  test('a file that an option names, and one that was not there', async () => {
    await using commands = await openCommands()
    await writeFile(join(commands.workspace, 'rules'), 'one')
    await assert.rejects(
      between(commands, { argv: ['grep', '--file=rules', 'x'] }, () => writeFile(join(commands.workspace, 'rules'), 'two')),
      changed,
    )
    await assert.rejects(
      between(commands, { argv: ['sh', 'later.sh'] }, () => writeFile(join(commands.workspace, 'later.sh'), 'echo hostile')),
      changed,
    )
  })

  test('the word for one command is none for another', async () => {
    await using commands = await openCommands()
    const binding = await commands.bind({ argv: ['cat'], stdin: 'shown' })
    await assert.rejects(commands.run({ argv: ['cat'], stdin: 'hidden' }, binding), changed)
    await assert.rejects(commands.run({ argv: ['rm', '-rf', '.'] }, binding), changed)
    await assert.rejects(commands.run({ argv: ['cat'], stdin: 'shown' }, null), changed)
    await assert.rejects(commands.run({ argv: ['cat'] }, { forged: true }), changed)
  })
})

describe('what was approved is what runs', () => {
  const pinnedRun = (workspace: string, copy: string, path: string, sha256: string): SandboxRun => ({
    program: '/bin/sh',
    args: [path],
    env: {},
    cwd: workspace,
    writable: [workspace],
    readable: [],
    pinned: [{ path, copy, sha256 }],
    stdin: '',
    connect: null,
    limits: { timeoutMs: 5000, memoryBytes: 2 ** 28, maxProcesses: 8, maxOutputBytes: 4096, maxFileBytes: 2 ** 20, maxDiskBytes: 2 ** 20 },
  })

  for (const backend of ['bubblewrap', 'landlock'] as const) {
    test(`${backend}: a script that is swapped after the last look`, { skip: backend === 'bubblewrap' && missing !== null ? missing : false }, async () => {
      await using commands = await openCommands()
      const [path, copy] = [join(commands.workspace, 's.sh'), join(commands.folder, 'copy')]
      await writeFile(copy, 'echo harmless')
      await writeFile(path, 'echo hostile')
      const sandbox = await openSandbox({ sandbox: 'required', backend })
      const hash = createHash('sha256').update('echo harmless').digest('hex')
      const { stdout, exitCode } = await sandbox.run(pinnedRun(commands.workspace, copy, path, hash), AbortSignal.timeout(20_000))
      assert.doesNotMatch(stdout, /hostile/)
      assert.equal(backend === 'bubblewrap' ? stdout : exitCode, backend === 'bubblewrap' ? 'harmless\n' : 126)
    })
  }

  test('two commands do not run at the same time', async () => {
    await using commands = await openCommands()
    const [slow, quick] = [{ argv: ['sh', '-c', 'echo begun > state; sleep 0.5; echo ended > state'] }, { argv: ['sh', '-c', 'cat stat*'] }]
    const [slowly, quickly] = [await commands.bind(slow), await commands.bind(quick)]
    const first = commands.run(slow, slowly)
    const second = commands.run(quick, quickly)
    await first
    assert.match((await second).output, /ended/)
  })
})

describe('the owner sees every byte', () => {
  test('what hides, reorders or breaks lines is written out', async () => {
    await using commands = await openCommands()
    const hidden = 'a\u202Eb\u200Bc\u0007d\ne\u00A0f\u{E0041}g\u2028h\\u{202e}'
    const text = await commands.describe({ argv: ['echo', hidden, ' ', ''], stdin: `one\n\u202Etwo` })
    for (const character of ['\u202E', '\u200B', '\u0007', '\u00A0', '\u{E0041}', '\u2028']) assert.ok(!text.includes(character))
    for (const shown of ['u{202e}', 'u{200b}', '\\u0007', '\\n', 'u{a0}', 'u{e0041}', 'u{2028}']) assert.ok(text.includes(shown), shown)
    assert.match(text, /argument 2: " "\nargument 3: ""\n/)
    assert.match(text, /input line 2: "\\u\{202e\}two"/)
    assert.equal(text.split('\n').filter((line) => line.startsWith('argument')).length, 3, 'nothing begins a line of its own')
  })

  test('a long argument is shown to its end, and a longer one is no command', async () => {
    await using commands = await openCommands()
    const end = `${' '.repeat(15_000)}; rm -rf /`
    const { tool } = commands
    const lines = (await commands.describe({ argv: ['echo', end] })).split('\n')
    assert.ok(lines.some((line) => line.includes('; rm -rf /')))
    // What a question shows of a line.
    assert.ok(lines.every((line) => line.length <= 4096))
    for (const stdin of ['\n'.repeat(16_000), '\u202E\n'.repeat(8000), 'x'.repeat(16_000)]) {
      const all = (await commands.describe({ argv: ['cat'], stdin })).split('\n')
      assert.ok(all.length <= 200 && all.every((line) => line.length <= 4096), `${all.length}`)
      assert.ok(!all.some((line) => line.includes(' more]')), 'nothing is left out')
    }
    await assert.rejects(commands.bind({ argv: Array.from({ length: 250 }, () => 'echo') }), { code: 'tool/invalid-input', message: /too large to be shown/ })
    assert.ok(tool.input.safeParse({ argv: ['echo'] }).success)
    assert.ok(!commands.tool.input.safeParse({ argv: ['echo', 'x'.repeat(20_000)] }).success)
  })

  test('two commands are never described alike', async () => {
    await using commands = await openCommands()
    const pairs: readonly (readonly [ExecInput, ExecInput])[] = [
      [{ argv: ['echo', 'a b'] }, { argv: ['echo', 'a', 'b'] }],
      [{ argv: ['echo', '"a" "b"'] }, { argv: ['echo', 'a', 'b'] }],
      [{ argv: ['echo', '\u202E'] }, { argv: ['echo', String.raw`\u{202e}`] }],
      [{ argv: ['echo', '\n'] }, { argv: ['echo', String.raw`\n`] }],
      [{ argv: ['echo'] }, { argv: ['echo', ''] }],
      [
        { argv: ['cat'], stdin: 'a' },
        { argv: ['cat'], stdin: 'a\n' },
      ],
      [{ argv: ['echo', 'a'], env: { LANG: 'C' } }, { argv: ['echo', 'a'] }],
      [{ argv: ['echo', 'argument 2: "x"'] }, { argv: ['echo', 'argument 2:', 'x'] }],
    ]
    for (const [one, other] of pairs) assert.notEqual(await commands.describe(one), await commands.describe(other), JSON.stringify(one))
  })

  test('the folder that may be changed is named, also where it is not the workspace', async () => {
    await using commands = await openCommands()
    const root = join(commands.folder, 'root')
    await mkdir(root)
    await writeFile(join(root, 'note'), 'of the owner')
    await using more = await openCommands({ workspace: commands.workspace, writableRoots: [root] })
    assert.match(await more.describe({ argv: ['cat', 'note'], cwd: root }), new RegExp(`it may change all of "${root}"`))
    assert.match((await more.run({ argv: ['cat', 'note'], cwd: root })).output, /of the owner/)
    assert.equal((await more.run({ argv: ['cat', join(root, 'note')] })).isError, true, 'not unless the command starts there')
    await assert.rejects(commands.bind({ argv: ['cat', 'note'], cwd: root }), { code: 'file/outside-roots' })
  })
})

test('no folder that holds something of the gateway is shown to a program', async () => {
  await using commands = await openCommands()
  const { folder, workspace } = commands
  const state = join(folder, 'state')
  await mkdir(join(state, 'keys'))
  await symlink(state, join(folder, 'alias'))
  const refused = { code: 'sandbox/unavailable', message: /belongs to the gateway/ }
  for (const more of [
    { workspace: folder },
    { workspace: state },
    { workspace: join(state, 'keys') },
    { readFolders: [folder] },
    { readFolders: [state] },
    { readFolders: [join(state, 'keys')] },
    { readFolders: [join(folder, 'alias')] },
    { protectedPaths: ['/usr/local/carapace'] },
  ]) {
    await using other = await openCommands({ protectedPaths: [state], workspace, ...more })
    await assert.rejects(other.bind({ argv: ['true'] }), refused, JSON.stringify(more))
  }
  await using rooted = await openCommands({ protectedPaths: [state], workspace, writableRoots: [folder] })
  await assert.rejects(rooted.bind({ argv: ['true'], cwd: folder }), refused)
  await rooted.bind({ argv: ['true'] })
})

test('binding twice says the same', async () => {
  await using commands = await openCommands()
  await writeFile(join(commands.workspace, 'note'), 'x')
  const input = { argv: ['cat', 'note'] }
  assert.equal(canonicalJson(await commands.bind(input)), canonicalJson(await commands.bind(input)))
  assert.equal(commandBinding.parse(await commands.bind(input)).files.length, 1)
})
