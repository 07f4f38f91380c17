/** Backups as an attacker makes them: names that lead elsewhere, links, devices, bombs, cut and changed files. Nothing is written outside, and nothing is replaced. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gzipSync, gunzipSync } from 'node:zlib'
import { backUp, restore } from '../../src/app/backup.ts'
import { resolvePaths } from '../../src/config/paths.ts'
import { AppError } from '../../src/contracts/errors.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import { isMemberPath } from '../../src/store/backup/manifest.ts'
import { readBackup } from '../../src/store/backup/read-backup.ts'
import { MAGIC, openStream, sealStream } from '../../src/store/backup/seal-stream.ts'
import { END, padding, tarHeader } from '../../src/store/backup/tar.ts'
import { openStore } from '../../src/store/open-store.ts'

const root = mkdtempSync(join(tmpdir(), 'carapace-backup-'))
after(() => rmSync(root, { recursive: true, force: true }))
const PASSWORD = 'a long enough password'
const noPassword = () => Promise.reject(new Error('no password is wanted'))

interface Home {
  readonly env: Readonly<Record<string, string>>
  readonly paths: ReturnType<typeof resolvePaths>
  readonly folder: string
}

function home(name: string): Home {
  const folder = join(root, name)
  mkdirSync(folder, { recursive: true })
  const env = { HOME: folder, CARAPACE_STATE_DIR: join(folder, 'state'), CARAPACE_CONFIG_PATH: join(folder, 'carapace.json5'), CARAPACE_KEY_STORE: 'file' }
  return { env, paths: resolvePaths(env), folder }
}

async function lived(name: string, note: string): Promise<Home> {
  const made = home(name)
  mkdirSync(made.paths.undo, { recursive: true, mode: 0o700 })
  chmodSync(made.paths.stateDir, 0o700)
  const store = await openStore({ path: made.paths.database, synchronous: 'normal' })
  await store.memory.write({ key: 'note', value: note, origin: OWNER, now: 1 })
  await store.close()
  writeFileSync(made.paths.configFile, `{ /* ${note} */ }`, { mode: 0o600 })
  return made
}

type TarMember = { readonly name: string; readonly content: string; readonly header?: (block: Buffer) => void }

function tar(members: readonly TarMember[], end = END): Buffer {
  return Buffer.concat([
    ...members.flatMap(({ name, content, header }) => {
      const bytes = Buffer.from(content)
      const block = tarHeader({ name: name.slice(0, 100), size: bytes.length }, 0)
      if (header !== undefined) {
        header(block)
        block.fill(' ', 148, 156)
        block.write(
          `${block
            .reduce((sum, byte) => sum + byte, 0)
            .toString(8)
            .padStart(6, '0')}\0 `,
          148,
        )
      }
      return [block, bytes, padding(bytes.length)]
    }),
    end,
  ])
}

const hashOf = (content: string) => createHash('sha256').update(content).digest('hex')

function manifestOf(
  members: readonly { readonly name: string; readonly content: string; readonly size?: number }[],
  more: Readonly<Record<string, unknown>> = {},
): TarMember {
  const listed = members.map(({ name, content, size }) => ({ path: name, size: size ?? Buffer.byteLength(content), sha256: hashOf(content) }))
  return {
    name: 'manifest.json',
    content: JSON.stringify({ format: 1, version: '1', createdAt: 1, schema: null, hasKeys: false, auditKey: null, members: listed, ...more }),
  }
}

async function refused(bytes: Buffer, why: RegExp): Promise<void> {
  const folder = mkdtempSync(join(root, 'target-'))
  const file = join(folder, 'evil.backup')
  const inside = join(folder, 'deep', 'inside')
  mkdirSync(inside, { recursive: true })
  writeFileSync(file, bytes)
  await assert.rejects(readBackup(file, inside, noPassword), (error) => {
    assert.ok(error instanceof AppError, String(error))
    assert.equal(error.code, 'backup/invalid')
    assert.match(error.message, why)
    return true
  })
  // Nothing beside the folder that it was given.
  assert.deepEqual(readdirSync(folder).toSorted(), ['deep', 'evil.backup'])
  assert.deepEqual(readdirSync(join(folder, 'deep')), ['inside'])
  assert.ok(!existsSync('/tmp/carapace-escaped'))
}

describe('a hostile backup', () => {
  const escapes = [
    '/tmp/carapace-escaped',
    '../escaped',
    'state/../../escaped',
    'state/..',
    'state/./x',
    'state//x',
    'state/x/../../../escaped',
    String.raw`state\..\..\escaped`,
    'C:/escaped',
    'state/\u0000x',
    'state/\u202Ex',
    'state/carapace.db',
    'state/carapace.db-wal',
    'state/gateway.lock',
    'state/restore/plan.json',
    'state/logs/gateway.log',
    'state/a/b/c/d',
    `state/${'x'.repeat(95)}`,
    'database/other.db',
    'config/../x',
    '',
  ]
  it('names no place outside of what a backup holds', async () => {
    for (const name of escapes) {
      assert.ok(!isMemberPath(name), JSON.stringify(name))
      const member = { name, content: 'x' }
      await refused(gzipSync(tar([manifestOf([member]), member])), /its manifest names what no backup holds/)
      // Announced as something harmless.
      await refused(gzipSync(tar([manifestOf([{ name: 'state/note', content: 'x' }]), member])), /does not hold what its manifest says|is damaged/)
    }
  })

  it('holds no link, device, folder or extension', async () => {
    const member = { name: 'state/note', content: 'x' }
    for (const type of ['1', '2', '3', '4', '5', '6', '7', 'x', 'g', 'L', 'K', '\0']) {
      const evil = { ...member, header: (block: Buffer) => void block.write(type, 156, 'latin1') }
      await refused(gzipSync(tar([manifestOf([member]), evil])), /no regular file/)
    }
    const linked = { ...member, header: (block: Buffer) => void block.write('/etc/passwd', 157) }
    await refused(gzipSync(tar([manifestOf([member]), linked])), /a link/)
    const prefixed = { ...member, header: (block: Buffer) => void block.write('../../..', 345) }
    await refused(gzipSync(tar([manifestOf([member]), prefixed])), /too long/)
  })

  it('says nothing twice, and nothing that its manifest does not say', async () => {
    const one = { name: 'state/note', content: 'x' }
    for (const twin of [one, { ...one, name: 'state/NOTE' }]) await refused(gzipSync(tar([manifestOf([one, twin]), one, twin])), /a name twice/)
    const below = { name: 'state/note/deeper', content: 'x' }
    await refused(gzipSync(tar([manifestOf([one, below]), one, below])), /a file and a folder/)
    await refused(gzipSync(tar([manifestOf([one]), one, { ...one, name: 'state/more' }])), /more than its manifest says|is damaged/)
    await refused(gzipSync(tar([manifestOf([one]), one], Buffer.concat([END, Buffer.alloc(512)]))), /more than its manifest says/)
    await refused(gzipSync(tar([one])), /does not begin with a manifest/)
    await refused(gzipSync(tar([manifestOf([one]), { ...one, content: 'y' }])), /not what it was/)
    await refused(gzipSync(tar([manifestOf([one]), { ...one, content: 'xx' }])), /does not hold what its manifest says/)
    await refused(gzipSync(tar([manifestOf([one], { format: 2 }), one])), /a newer carapace made it/)
  })

  it('fills no disk and no memory', async () => {
    const huge = { name: 'state/note', content: '', size: 2 ** 52 }
    await refused(gzipSync(tar([manifestOf([huge])])), /more than there is room for/)
    const many = Array.from({ length: 50_001 }, (_, index) => ({ name: `state/n${index}`, content: '' }))
    await refused(gzipSync(tar([manifestOf(many)])), /names what no backup holds \(members\)/)
    const wide = { name: 'manifest.json', content: ' '.repeat(17 * 1024 * 1024) }
    await refused(gzipSync(tar([wide])), /does not begin with a manifest/)
    // 256 MB of nothing behind a small member, in 256 kB.
    const one = { name: 'state/note', content: 'x' }
    await refused(gzipSync(tar([manifestOf([one]), one], Buffer.concat([END, Buffer.alloc(256 * 1024 * 1024)]))), /more than its manifest says/)
  })

  it('is no backup at all', async () => {
    await refused(Buffer.alloc(0), /no backup of carapace/)
    await refused(Buffer.from('PK\u0003\u0004 a zip'), /no backup of carapace/)
    await refused(Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3]), /damaged|end is missing/)
    await refused(gzipSync(Buffer.alloc(100)), /end is missing/)
    await refused(gzipSync(Buffer.alloc(2048, 0x41)), /damaged/)
  })
})

describe('a backup', () => {
  let source: Home
  const plain = join(root, 'plain.backup')
  const sealed = join(root, 'sealed.backup')
  before(async () => {
    source = await lived('source', 'the first note')
    await backUp(source.env, source.paths, { output: plain, keys: false, password: null })
    await backUp(source.env, source.paths, { output: sealed, keys: true, password: PASSWORD })
  })

  const restored = (target: Home, file: string, more: { readonly force?: boolean; readonly dryRun?: boolean; readonly password?: string } = {}) =>
    restore(target.env, target.paths, { file, force: more.force ?? false, dryRun: more.dryRun ?? false, password: async () => more.password ?? PASSWORD })

  async function noteOf({ paths }: Home): Promise<string | undefined> {
    const store = await openStore({ path: paths.database, synchronous: 'normal' })
    const note = await store.memory.read('note')
    await store.close()
    return note?.value
  }

  it('comes back as it was, readable by its owner alone', async () => {
    for (const [name, file] of [
      ['plainly', plain],
      ['sealed', sealed],
    ] as const) {
      assert.equal(statSync(file).mode & 0o777, 0o600)
      const target = home(name)
      await restored(target, file)
      assert.equal(await noteOf(target), 'the first note')
      assert.match(readFileSync(target.paths.configFile, 'utf8'), /the first note/)
      for (const path of readdirSync(target.paths.stateDir, { recursive: true, encoding: 'utf8' })) {
        const facts = statSync(join(target.paths.stateDir, path))
        assert.equal(facts.mode & 0o077, 0, path)
      }
      assert.ok(!existsSync(join(target.paths.stateDir, 'restore')))
    }
  })

  it('replaces nothing unasked, and nothing of it when it is refused', async () => {
    const target = await lived('kept', 'my own note')
    const refusals = [
      [plain, {}, 'file/exists'],
      [sealed, { force: true, password: 'another password' }, 'backup/invalid'],
      [cut(plain), { force: true }, 'backup/invalid'],
    ] as const
    for (const [file, more, code] of refusals) {
      await assert.rejects(restored(target, file, more), (error) => error instanceof AppError && error.code === code, code)
      assert.equal(await noteOf(target), 'my own note')
      assert.ok(!existsSync(join(target.paths.stateDir, 'restore')))
    }
    const dry = await restored(target, sealed, { dryRun: true })
    assert.ok(dry.members.some(({ path }) => path === 'database/carapace.db'))
    assert.equal(await noteOf(target), 'my own note')
    await restored(target, plain, { force: true })
    assert.equal(await noteOf(target), 'the first note')
  })

  function cut(file: string): string {
    const shorter = `${file}.cut`
    writeFileSync(shorter, readFileSync(file).subarray(0, -30))
    return shorter
  }

  it('opens with no other password, and not when a byte of it is changed, cut, added or moved', async () => {
    const bytes = readFileSync(sealed)
    assert.ok(bytes.subarray(0, MAGIC.length).equals(MAGIC))
    assert.ok(!bytes.includes('the first note'))
    const target = home('tampered')
    const file = join(root, 'tampered.backup')
    const places = [MAGIC.length + 3, MAGIC.length + 60, 120, bytes.length >> 1, bytes.length - 1]
    const changed = [
      ...places.map((at) => {
        const copy = Buffer.from(bytes)
        copy[at] = (copy[at] ?? 0) ^ 1
        return copy
      }),
      ...[1, 16, 100, bytes.length >> 1].map((length) => bytes.subarray(0, -length)),
      Buffer.concat([bytes, Buffer.from('x')]),
      Buffer.concat([bytes, bytes.subarray(-4096)]),
    ]
    for (const [index, each] of changed.entries()) {
      writeFileSync(file, each)
      await assert.rejects(restored(target, file), (error) => error instanceof AppError && error.code === 'backup/invalid', `change ${index}`)
    }
    assert.deepEqual(
      readdirSync(target.paths.stateDir).filter((name) => name !== 'gateway.lock'),
      [],
    )
  })

  it('of pieces that were swapped or dropped does not open', async () => {
    const large = await lived('large', 'x')
    writeFileSync(join(large.paths.stateDir, 'keep.bin'), Buffer.from(Array.from({ length: 400_000 }, () => Math.floor(Math.random() * 256))), { mode: 0o600 })
    const file = join(root, 'large.backup')
    await backUp(large.env, large.paths, { output: file, keys: true, password: PASSWORD })
    const bytes = readFileSync(file)
    const start = bytes.indexOf(10, MAGIC.length) + 1
    const pieces: Buffer[] = []
    for (let at = start; at < bytes.length;) {
      const end = at + 4 + (bytes.readUInt32BE(at) & 0x7fff_ffff)
      pieces.push(bytes.subarray(at, end))
      at = end
    }
    assert.ok(pieces.length > 4, `${pieces.length} pieces`)
    const [one, two, ...others] = pieces
    const last = others.at(-1)
    assert.ok(one !== undefined && two !== undefined && last !== undefined)
    const ended = Buffer.from(two)
    ended.writeUInt32BE((ended.readUInt32BE(0) | 0x8000_0000) >>> 0)
    for (const arranged of [
      [two, one, ...others],
      [one, ...others],
      [one, two, last],
      [one, ended],
    ]) {
      writeFileSync(file, Buffer.concat([bytes.subarray(0, start), ...arranged]))
      await assert.rejects(restored(home('swapped'), file), (error) => error instanceof AppError && error.code === 'backup/invalid')
    }
  })

  it('cannot be made to end early, whatever lies under the seal', async () => {
    const source = async function* () {
      yield Buffer.alloc(200_000, 7)
    }
    const chunks: Buffer[] = []
    for await (const chunk of sealStream(source(), PASSWORD)) chunks.push(chunk)
    const [start, first, second] = chunks
    assert.ok(start !== undefined && first !== undefined && second !== undefined && chunks.length > 4)
    const ended = Buffer.from(second)
    ended.writeUInt32BE((ended.readUInt32BE(0) | 0x8000_0000) >>> 0)
    const openAll = async (pieces: readonly Buffer[]): Promise<number> => {
      let bytes = 0
      const given = async function* () {
        yield* pieces
      }
      for await (const piece of openStream(given(), PASSWORD)) bytes += piece.length
      return bytes
    }
    assert.equal(await openAll(chunks), 200_000)
    for (const pieces of [[start, first, ended], [start, first, second], [start]])
      await assert.rejects(openAll(pieces), (error) => error instanceof AppError && error.code === 'backup/invalid')
  })

  it('holds the keys only where that was chosen, and no process of this machine', async () => {
    const namesOf = (file: string) => gunzipSync(readFileSync(file)).toString('latin1')
    assert.doesNotMatch(namesOf(plain), /state\/keys|\.sealed/)
    assert.doesNotMatch(namesOf(plain), /gateway\.lock|gateway\.json|state\/logs/)
    const open = join(root, 'with-keys.backup')
    const { lacks } = await backUp(source.env, source.paths, { output: open, keys: true, password: null })
    assert.ok(!lacks.some((each) => each.startsWith('the keys')))
  })
})
