/** Writing, moving and searching files as an attacker would: nothing leaves the folders, nothing excluded is touched, nothing of carapace's own. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmod, link, mkdir, readFile, readdir, realpath, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { coreSections } from '../../src/config/schema.ts'
import { AppError } from '../../src/contracts/errors.ts'
import { runProgramOf } from '../doubles/child-program.ts'
import { fileTools, type FileTools } from '../doubles/file-tools.ts'

const text = (path: string) => readFile(path, 'utf8')
const write = (files: FileTools, path: string, content = 'new', more: Record<string, string | boolean> = {}) =>
  files.call('file_write', { path, content, ...more })
const move = (files: FileTools, source: string, destination: string, overwrite = false) => files.call('file_move', { source, destination, overwrite })
const codeOf = async (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  )
const modeOf = async (path: string) => (await stat(path)).mode & 0o777

describe('file_write', () => {
  it('overwrites, appends and creates in one step, for the owner alone', async () => {
    await using files = await fileTools()
    await write(files, 'a.txt', 'one')
    assert.deepEqual([await text(join(files.root, 'a.txt')), await modeOf(join(files.root, 'a.txt'))], ['one', 0o600])
    await write(files, 'a.txt', ' two', { mode: 'append' })
    assert.equal(await text(join(files.root, 'a.txt')), 'one two')
    assert.equal(await codeOf(write(files, 'a.txt', 'three', { mode: 'create' })), 'file/exists')
    await write(files, join(files.root, 'a.txt'), 'four')
    assert.equal(await text(join(files.root, 'a.txt')), 'four')
    assert.equal(await codeOf(write(files, 'x/y/b.txt')), 'file/not-found')
    await write(files, 'x/y/b.txt', 'deep', { createParents: true })
    assert.deepEqual([await text(join(files.root, 'x/y/b.txt')), await modeOf(join(files.root, 'x/y'))], ['deep', 0o700])
    assert.deepEqual((await readdir(files.root)).sort(), ['a.txt', 'x'], 'nothing is left beside')
  })

  it('keeps the permissions of what it replaces, but never a program that runs as its owner', async () => {
    await using files = await fileTools()
    for (const [mode, after] of [
      [0o644, 0o644],
      [0o750, 0o750],
      [0o4755, 0o755],
    ] as const) {
      await writeFile(join(files.root, 'a'), 'old')
      await chmod(join(files.root, 'a'), mode)
      await write(files, 'a', `new ${mode}`)
      assert.equal((await stat(join(files.root, 'a'))).mode & 0o7777, after)
    }
    await chmod(join(files.root, 'a'), 0o444)
    assert.equal(await codeOf(write(files, 'a')), 'file/unwritable')
  })

  it('does not leave the folders, however the path is written', async () => {
    await using files = await fileTools()
    await writeFile(join(files.outside, 'victim'), 'safe')
    await symlink(files.outside, join(files.root, 'up'))
    await symlink(join(files.outside, 'victim'), join(files.root, 'leak'))
    await symlink(join(files.outside, 'nothing-yet'), join(files.root, 'dangling'))
    const paths = [
      '../outside/victim',
      '../../../../../../etc/carapace-test',
      join(files.outside, 'victim'),
      '/etc/carapace-test',
      'up/victim',
      'up/new',
      'leak',
      'dangling',
      'a\0/../../outside/victim',
      '/proc/self/cwd/x',
      '/proc/self/fd/1',
      '/dev/null',
      'x'.repeat(300),
      `${'d/'.repeat(2000)}x`,
      '',
      '.',
      '..',
      files.root,
      `${files.root}x/y`,
    ]
    for (const path of paths) {
      for (const mode of ['overwrite', 'append', 'create']) {
        assert.notEqual(await codeOf(write(files, path, 'evil', { mode, createParents: true })), 'done', `${mode} ${path.slice(0, 80)}`)
      }
    }
    assert.deepEqual([await readdir(files.outside), await text(join(files.outside, 'victim'))], [['victim'], 'safe'])
  })

  it('leaves what another name outside shows as it was', async () => {
    await using files = await fileTools()
    await writeFile(join(files.outside, 'victim'), 'safe')
    await link(join(files.outside, 'victim'), join(files.root, 'hard'))
    await write(files, 'hard', 'evil')
    await write(files, 'hard', 'evil', { mode: 'append' })
    assert.deepEqual([await text(join(files.outside, 'victim')), await text(join(files.root, 'hard'))], ['safe', 'evilevil'])
  })

  it('writes to nothing but regular files', async () => {
    await using files = await fileTools()
    await mkdir(join(files.root, 'folder'))
    const made = spawn('/bin/sh', ['-c', 'mkfifo "$0"', join(files.root, 'pipe')])
    await new Promise((resolve) => made.once('exit', resolve))
    const socket = createServer().listen(join(files.root, 'socket'))
    await new Promise((resolve) => socket.once('listening', resolve))
    for (const name of ['folder', 'pipe', 'socket']) {
      assert.equal(await codeOf(write(files, name)), 'file/unwritable', name)
      await writeFile(join(files.root, 'source'), 'x')
      assert.notEqual(await codeOf(move(files, 'source', name, true)), 'done', `over ${name}`)
      if (name !== 'folder') assert.equal(await codeOf(move(files, name, 'moved')), 'file/unwritable', name)
    }
    socket.close()
  })

  it('never writes what runs code or holds secrets by being there, in whatever case', async () => {
    await using files = await fileTools()
    await mkdir(join(files.root, '.git', 'hooks'), { recursive: true })
    const names = [
      ['.git/hooks/pre-commit', '.GIT/hooks/x', 'repo/.git/config', '.git', '.ssh/authorized_keys', '.Ssh/rc', '.env', '.env.local', '.ENV', 'app/.env'],
      ['.bashrc', '.BASHRC', '.profile', '.zshrc', '.zshenv', '.npmrc', 'sub/.bash_profile', '.config/autostart/x.desktop', '.Config/Autostart/x.desktop'],
      ['.config/systemd/user/x.service', 'crontab', 'var/cron.d/x', '.local/bin/ls', 'Library/LaunchAgents/x.plist', '.vscode/tasks.json', '.husky/pre-commit'],
      ['.g\u200cit/hooks/x', '.bash\u200brc', '.gitconfig', '.netrc', '.aws/credentials', '.vimrc', '.config/fish/config.fish'],
    ].flat()
    for (const name of names) {
      assert.equal(await codeOf(write(files, name, 'evil', { createParents: true })), 'file/outside-roots', name)
      await writeFile(join(files.root, 'harmless'), 'x')
      assert.notEqual(await codeOf(move(files, 'harmless', name, true)), 'done', `move to ${name}`)
    }
    for (const name of ['a\nb', 'a\u202eb', 'ends.', 'ends ']) assert.equal(await codeOf(write(files, name)), 'file/unwritable', JSON.stringify(name))
    assert.deepEqual((await readdir(files.root, { recursive: true })).sort(), ['.git', '.git/hooks', 'harmless'])
  })

  it('never touches what is carapace’s own, whatever the roots are', async () => {
    await using files = await fileTools()
    const base = files.base
    await using wide = await fileTools({ roots: [base], protectedPaths: [files.state, join(base, 'carapace.json5')], excludePatterns: [] })
    await writeFile(join(base, 'carapace.json5'), '{}')
    await writeFile(join(files.state, 'gateway-token.sealed'), 'sealed')
    await symlink(files.state, join(base, 'way-in'))
    for (const path of ['state/carapace.db', 'state/new', 'STATE/new', 'carapace.json5', 'way-in/keys/x', join(files.state, 'undo', 'x')]) {
      assert.equal(await codeOf(write(wide, path, 'evil', { createParents: true })), 'file/outside-roots', path)
      assert.notEqual(await codeOf(wide.call('file_read', { path })), 'done', path)
    }
    await writeFile(join(base, 'mine'), 'x')
    for (const [from, to] of [
      ['state', 'elsewhere'],
      ['state/gateway-token.sealed', 'readable'],
      ['carapace.json5', 'readable'],
      ['mine', 'carapace.json5'],
      ['mine', 'state/keys'],
      ['way-in', 'elsewhere'],
    ] as const) {
      assert.notEqual(await codeOf(move(wide, from, to, true)), 'done', `${from} to ${to}`)
    }
    assert.match((await wide.call('file_search', { pattern: '*', regex: 'sealed' })).output, /^Nothing was found/)
    assert.doesNotMatch((await wide.call('directory_list', { path: '.', glob: '**/*' })).output, /"state|carapace\.json5/)
    assert.equal(await text(join(files.state, 'gateway-token.sealed')), 'sealed')
  })

  it('is not led away by a folder that another process swaps for a link all the time', { timeout: 60_000 }, async () => {
    await using files = await fileTools()
    const [real, aside, swapped] = ['real', 'aside', 'swapped'].map((name) => join(files.root, name))
    assert.ok(real !== undefined && aside !== undefined && swapped !== undefined)
    await mkdir(swapped)
    await writeFile(join(files.outside, 'file'), 'safe')
    const swapper = runProgramOf(`
      const fs = require('node:fs')
      const [link, folder, place] = ${JSON.stringify([aside, real, swapped])}
      try { fs.symlinkSync(${JSON.stringify(files.outside)}, link) } catch {}
      console.log('begun')
      let rounds = 0
      const remove = (path) => fs.rmSync(path, { recursive: true, force: true })
      for (;;) {
        try {
          fs.renameSync(place, folder); fs.renameSync(link, place)
          fs.renameSync(place, link); fs.renameSync(folder, place)
          // A moment in which a write may succeed.
          if (++rounds % 50 === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
        } catch {
          // The tool made the folder in between.
          try {
            for (const path of [place, folder, link]) remove(path)
            fs.mkdirSync(place); fs.symlinkSync(${JSON.stringify(files.outside)}, link)
          } catch {}
        }
      }`)
    await swapper.begun
    const ends = new Map<string, number>()
    try {
      for (let time = 0; time < 400 || (time < 4000 && !ends.has('done')); time++) {
        const end = await codeOf(
          time % 4 === 3 ? move(files, 'swapped/file', 'swapped/other', true) : write(files, 'swapped/file', `evil ${time}`, { createParents: time % 2 === 0 }),
        )
        ends.set(end, (ends.get(end) ?? 0) + 1)
      }
    } finally {
      await swapper.end()
    }
    assert.deepEqual([await readdir(files.outside), await text(join(files.outside, 'file'))], [['file'], 'safe'])
    assert.ok((ends.get('done') ?? 0) > 0 && ends.size > 1, `both happened: ${JSON.stringify([...ends])}`)
  })

  it('does not replace what somebody else writes at the same time', async () => {
    await using files = await fileTools()
    const path = join(files.root, 'shared')
    await writeFile(path, 'old')
    const { keep } = files.writes.log
    // The last moment before the write: what was read is no longer what is there.
    Object.assign(files.writes.log, {
      keep: async (...args: Parameters<typeof keep>) => {
        await writeFile(`${path}.theirs`, 'theirs')
        await rename(`${path}.theirs`, path)
        await keep(...args)
      },
    })
    assert.equal(await codeOf(write(files, 'shared')), 'file/unwritable')
    assert.equal(await text(path), 'theirs')
  })
})

describe('file_move', () => {
  it('moves files and folders, and overwrites only when asked', async () => {
    await using files = await fileTools()
    await writeFile(join(files.root, 'a'), 'a')
    await writeFile(join(files.root, 'b'), 'b')
    await mkdir(join(files.root, 'dir', 'deep'), { recursive: true })
    assert.equal(await codeOf(move(files, 'a', 'b')), 'file/exists')
    assert.deepEqual([await text(join(files.root, 'a')), await text(join(files.root, 'b'))], ['a', 'b'])
    await move(files, 'a', 'b', true)
    assert.equal(await text(join(files.root, 'b')), 'a')
    await move(files, 'b', 'dir/c')
    await move(files, 'dir', 'moved')
    assert.equal(await text(join(files.root, 'moved', 'c')), 'a')
    assert.equal(await codeOf(move(files, 'nothing', 'x')), 'file/not-found')
    assert.equal(await codeOf(move(files, 'moved', 'moved/deep/inner')), 'file/unwritable')
    assert.notEqual(await codeOf(move(files, files.root, 'x')), 'done')
    assert.notEqual(await codeOf(move(files, 'moved/c', '../outside/c')), 'done')
    assert.deepEqual(await readdir(files.outside), [])
  })

  it('brings no folder to a place where what it holds would run', async () => {
    await using files = await fileTools()
    await write(files, 'innocent/autostart/x.desktop', 'evil', { createParents: true })
    await mkdir(join(files.root, 'moved'))
    assert.equal(await codeOf(move(files, 'innocent', '.config')), 'file/outside-roots')
    await mkdir(join(files.root, 'repo', '.git'), { recursive: true })
    assert.equal(await codeOf(move(files, 'repo', 'other')), 'file/outside-roots', 'what is excluded is not moved along')
    await writeFile(join(files.root, 'hooks'), 'x')
    assert.equal(await codeOf(move(files, 'hooks', 'repo/.git/hooks')), 'file/outside-roots')
  })
})

describe('file_search', () => {
  it('finds names, text and patterns, and nothing that is excluded or elsewhere', async () => {
    await using files = await fileTools()
    await mkdir(join(files.root, 'a', 'b'), { recursive: true })
    await mkdir(join(files.root, '.ssh'))
    await writeFile(join(files.root, '.ssh', 'id.md'), 'needle')
    await writeFile(join(files.outside, 'n.md'), 'needle')
    await symlink(files.outside, join(files.root, 'up'))
    await symlink(join(files.outside, 'n.md'), join(files.root, 'link.md'))
    await writeFile(join(files.root, 'a', 'one.md'), 'first\nA NEEDLE here\n')
    await writeFile(join(files.root, 'a', 'b', 'two.md'), 'needle 42\nneedle x')
    await writeFile(join(files.root, 'a', 'binary.md'), Buffer.from('needle\0'))
    const search = async (input: Record<string, string | number>) =>
      (await files.call('file_search', { pattern: '**/*.md', ...input })).output.split('\n').sort()
    assert.deepEqual(await search({}), ['{"name":"a/b/two.md"}', '{"name":"a/binary.md"}', '{"name":"a/one.md"}'])
    assert.deepEqual(await search({ text: 'needle' }), [
      '{"name":"a/b/two.md","line":1,"text":"needle 42"}',
      '{"name":"a/b/two.md","line":2,"text":"needle x"}',
      '{"name":"a/one.md","line":2,"text":"A NEEDLE here"}',
    ])
    assert.deepEqual(await search({ regex: '^needle \\d+$' }), ['{"name":"a/b/two.md","line":1,"text":"needle 42"}'])
    assert.deepEqual(await search({ path: 'a', pattern: 'one.*' }), ['{"name":"one.md"}'])
    assert.deepEqual(await search({ depth: 2 }), ['[incomplete: not everything was searched]', '{"name":"a/binary.md"}', '{"name":"a/one.md"}'])
    assert.equal(await codeOf(files.call('file_search', { pattern: '*', regex: '(' })), 'tool/invalid-input')
    assert.equal(await codeOf(files.call('file_search', { pattern: '*', path: '../outside' })), 'file/outside-roots')
  })

  it('takes no hostile pattern or text for ever', { timeout: 30_000 }, async () => {
    await using files = await fileTools()
    for (let index = 0; index < 8; index++) await writeFile(join(files.root, `${index}.txt`), 'a'.repeat(2_000_000))
    const startedAt = performance.now()
    const { output } = await files.call('file_search', { pattern: '*', regex: `(a|a)*(a?){200}${'(a*)*'.repeat(20)}b` })
    assert.match(output, /incomplete/)
    assert.ok(performance.now() - startedAt < 20_000)
  })
})

it('what is excluded by default is what the page of the configuration says, and reading it is refused too', async () => {
  await using files = await fileTools()
  await mkdir(join(files.root, '.config', 'autostart'), { recursive: true })
  await writeFile(join(files.root, '.config', 'autostart', 'x'), 'x')
  assert.equal(await codeOf(files.call('file_read', { path: '.config/autostart/x' })), 'file/outside-roots')
  const page = await text(new URL('../../docs/config.md', import.meta.url).pathname)
  for (const pattern of coreSections.filesystem.parse({}).excludePatterns) assert.ok(page.includes(pattern), pattern)
  await rm(await realpath(join(files.root, '.config')), { recursive: true })
})
