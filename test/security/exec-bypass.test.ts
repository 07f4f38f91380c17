/**
 * Command lines that got past the approval of other assistants (E1 to E4, E7 to E9): shell syntax, wrappers, dangerous options of harmless programs. Here each is a question of its own:
 * none is covered by what an `always` for a harmless lookalike covers, and nothing of it is read by a shell on the way.
 */
import assert from 'node:assert/strict'
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { AppError } from '../../src/contracts/errors.ts'
import { canonicalJson } from '../../src/std/canonical-json.ts'
import { ENVIRONMENT_NAMES } from '../../src/tools/exec/input.ts'
import { installBubblewrap } from '../doubles/install-packages.ts'
import { openCommands, type Commands } from '../doubles/commands.ts'
import { bypasses, harmless } from './bypasses.ts'

installBubblewrap()

async function withFiles(): Promise<Commands> {
  const commands = await openCommands()
  const at = (name: string) => join(commands.workspace, name)
  for (const name of ['notes.txt', 'other.txt', 'a.tar', 'data.json', 'hello.py', 'Makefile']) await writeFile(at(name), `# ${name}\n`)
  await writeFile(at('run.sh'), '#!/bin/sh\necho "$@"\n')
  await chmod(at('run.sh'), 0o755)
  // A hostile program under a harmless name.
  await copyFile('/bin/sh', at('cat'))
  // Prints what it was given, as JSON.
  await writeFile(at('show'), '#!/usr/bin/perl\nprint "[", join(",", map { s/([^ -~]|["\\\\])/sprintf("\\\\u%04x", ord $1)/ger =~ s/.*/"$&"/sr } @ARGV), "]"')
  await chmod(at('show'), 0o755)
  return commands
}

/** Null where there is no such program, which is a refusal. */
async function shapeOf(commands: Commands, argv: readonly string[]): Promise<string | null> {
  try {
    return canonicalJson(await commands.shape({ argv: [...argv] }))
  } catch (error) {
    if (error instanceof AppError && error.code === 'tool/invalid-input') return null
    throw error
  }
}

describe('no bypass runs without its own question', () => {
  test('there are about 150 of them, all different', () => {
    const lines = bypasses.map((argv) => JSON.stringify(argv))
    assert.equal(new Set(lines).size, lines.length)
    assert.ok(lines.length >= 150, String(lines.length))
  })

  test('the tool asks for every call, and its input takes no line for a shell', async () => {
    await using commands = await openCommands()
    const { tool } = commands
    assert.equal(tool.manifest.consent, 'every-call')
    assert.equal(tool.manifest.effect, 'irreversible')
    assert.equal(tool.manifest.effectWithoutDestination, 'irreversible')
    for (const input of [{ argv: 'ls -la' }, { command: 'ls' }, { argv: [] }, { argv: [''] }, { argv: ['ls', 'a\0b'] }, { argv: [['ls']] }, 'ls'])
      assert.ok(!tool.input.safeParse(input).success)
  })

  test('none is covered by an always of a harmless lookalike', async () => {
    await using commands = await withFiles()
    const covered = new Map<string, string>()
    for (const argv of harmless) covered.set((await shapeOf(commands, argv)) ?? assert.fail(argv.join(' ')), argv.join(' '))
    for (const argv of bypasses) {
      const shape = await shapeOf(commands, argv)
      if (shape !== null) assert.equal(covered.get(shape), undefined, `${argv.join(' ')} passes by ${covered.get(shape)}`)
    }
  })

  test('nor by an always of another of them', async () => {
    await using commands = await withFiles()
    const shapes = await Promise.all(bypasses.map((argv) => shapeOf(commands, argv)))
    const found = shapes.filter((shape) => shape !== null)
    assert.equal(new Set(found).size, found.length)
  })

  test('every argument reaches the program as it is', async () => {
    await using commands = await withFiles()
    const shown = { argv: ['./show'] }
    assert.match((await commands.run(shown)).output, /\n\[\]$/)
    // One run for many lines: they are only data.
    for (let at = 0; at < bypasses.length; at += 10) {
      const args = bypasses
        .slice(at, at + 10)
        .flat()
        .filter((arg) => Buffer.byteLength(arg) === arg.length)
      const { output } = await commands.run({ argv: ['./show', ...args] })
      assert.deepEqual(JSON.parse(output.replace(/^exit code 0\n/, '')), args)
    }
  })
})

describe('what always covers', () => {
  test('another file of the workspace in a reader’s place, nothing more', async () => {
    await using commands = await withFiles()
    const same = async (one: readonly string[], other: readonly string[]) => (await shapeOf(commands, one)) === (await shapeOf(commands, other))
    assert.ok(await same(['cat', 'notes.txt'], ['cat', 'other.txt']))
    assert.ok(await same(['wc', '-l', '--', 'notes.txt'], ['wc', '-l', '--', 'notes.txt']))
    for (const other of [
      ['cat', 'notes.txt', 'other.txt'],
      ['cat', '-A', 'notes.txt'],
      ['cat', '/etc/hostname'],
      ['cat', 'missing.txt'],
      ['cat', '-'],
      ['./cat', 'notes.txt'],
      ['tac', 'notes.txt'],
      ['cat', '--', 'notes.txt'],
    ])
      assert.ok(!(await same(['cat', 'notes.txt'], other)), other.join(' '))
    assert.ok(!(await same(['grep', '-f', 'notes.txt', 'other.txt'], ['grep', '-f', 'other.txt', 'notes.txt'])), 'the value of an option')
    assert.ok(!(await same(['grep', 'x', '-fnotes.txt'], ['grep', 'x', '-fother.txt'])), 'a value that is part of its option')
    assert.ok(!(await same(['grep', 'x', '--file=notes.txt'], ['grep', 'x', '--file=other.txt'])), 'or behind its sign')
    assert.ok(!(await same(['sort', '-o', 'notes.txt', 'other.txt'], ['sort', '-o', 'other.txt', 'other.txt'])), 'an option that writes')
    assert.ok(!(await same(['git', 'status'], ['git', 'push'])), 'a subcommand')
    assert.ok(!(await same(['python3', 'hello.py'], ['python3', 'notes.txt'])), 'a script')
  })

  test('an interpreter’s script by its bytes, a program by its own', async () => {
    await using commands = await withFiles()
    for (const argv of [['sh', 'run.sh'], ['./run.sh'], ['./show', 'run.sh']]) {
      const before = await shapeOf(commands, argv)
      await writeFile(join(commands.workspace, 'run.sh'), `#!/bin/sh\necho ${argv.join()}\n`)
      assert.notEqual(await shapeOf(commands, argv), before, argv.join(' '))
    }
  })

  test('not another environment, input, folder, host, time or sandbox', async () => {
    await using commands = await withFiles()
    await using landlocked = await openCommands({ workspace: commands.workspace }, 'landlock')
    const plain = { argv: ['cat', 'notes.txt'] }
    const one = canonicalJson(await commands.shape(plain))
    for (const more of [{ env: { LANG: 'C' } }, { stdin: 'x' }, { cwd: join(commands.workspace, 'sub') }, { timeoutMs: 1000 }]) {
      await mkdir(join(commands.workspace, 'sub'), { recursive: true })
      await writeFile(join(commands.workspace, 'sub', 'notes.txt'), '')
      assert.notEqual(canonicalJson(await commands.shape({ ...plain, ...more })), one, JSON.stringify(more))
    }
    assert.notEqual(canonicalJson(await landlocked.shape(plain)), one)
  })
})

describe('the environment of a command', () => {
  test('takes only names that load and run nothing', async () => {
    await using commands = await openCommands()
    const takes = (env: object) => commands.tool.input.safeParse({ argv: ['ls'], env }).success
    for (const name of HOSTILE_NAMES) assert.ok(!takes({ [name]: 'x' }), name)
    const own = commands.tool.input.parse({ argv: ['ls'], env: JSON.parse('{"__proto__": "x"}') })
    assert.deepEqual(own.env, {}, 'a name of the language itself is dropped')
    for (const name of ENVIRONMENT_NAMES) assert.ok(takes({ [name]: '1' }), name)
    for (const value of ['() { :; }; echo x', '$(id)', 'a\nb', '../../x;y', 'x'.repeat(100)]) assert.ok(!takes({ LANG: value }), value)
  })

  test('is nothing but what is said here', async () => {
    process.env['LD_PRELOAD_CANARY'] = 'x'
    await using commands = await openCommands()
    const { output } = await commands.run({ argv: ['env'], env: { CI: '1' } })
    delete process.env['LD_PRELOAD_CANARY']
    const names = output.split('\n').flatMap((line) => /^(\w+)=/.exec(line)?.[1] ?? [])
    assert.deepEqual(names.sort(), ['CI', 'GIT_CONFIG_NOSYSTEM', 'HOME', 'LANG', 'PATH', 'PWD', 'TERM', 'TZ'])
  })

  test('does not find programs in the workspace', async () => {
    await using commands = await withFiles()
    const { output } = await commands.run({ argv: ['cat', 'notes.txt'] })
    assert.match(output, /# notes\.txt/)
    await assert.rejects(commands.bind({ argv: ['show'] }), { code: 'tool/invalid-input' })
  })
})

const HOSTILE_NAMES =
  'LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT DYLD_INSERT_LIBRARIES NODE_OPTIONS NODE_PATH PYTHONPATH PYTHONSTARTUP PYTHONHOME PERL5OPT PERL5LIB RUBYOPT RUBYLIB BASH_ENV ENV SHELLOPTS PS4 PROMPT_COMMAND IFS PATH HOME SHELL GIT_SSH GIT_SSH_COMMAND GIT_EXTERNAL_DIFF GIT_PAGER GIT_EDITOR GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_EXEC_PATH GIT_TEMPLATE_DIR GIT_PROXY_COMMAND GIT_ASKPASS PAGER EDITOR VISUAL BROWSER LESSOPEN LESSCLOSE MANPAGER PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE npm_config_registry NPM_CONFIG_SCRIPT_SHELL CARGO_HOME RUSTUP_HOME RUSTC_WRAPPER GOPROXY GOFLAGS JAVA_TOOL_OPTIONS _JAVA_OPTIONS CLASSPATH MAKEFLAGS MAKEFILES TAR_OPTIONS GREP_OPTIONS HTTP_PROXY https_proxy SSL_CERT_FILE SSH_AUTH_SOCK DOCKER_HOST KUBECONFIG TMPDIR XDG_CONFIG_HOME LOCPATH GCONV_PATH HOSTALIASES RES_OPTIONS NODE_CHANNEL_FD lang Lang'.split(
    ' ',
  )
