/** The audit trail: whoever changes it without the key is found, and nothing that acts happens without its receipt. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import * as fc from 'fast-check'
import * as z from 'zod'
import type { Receipt } from '../../src/contracts/audit.ts'
import { loadAuditKeys, loadAuditVerifier } from '../../src/secrets/audit-keys.ts'
import { createVault } from '../../src/secrets/vault.ts'
import { leaveReceipt } from '../../src/telemetry/audit/inbox.ts'
import { makeLine, readLine } from '../../src/telemetry/audit/line.ts'
import { newestReceipts } from '../../src/telemetry/audit/newest.ts'
import { openTrail, type OpenTrail, type TrailOptions } from '../../src/telemetry/audit/trail.ts'
import { verifyTrail, type AuditVerdict, type VerifyOptions } from '../../src/telemetry/audit/verify.ts'
import { recordedLog } from '../doubles/recorded-log.ts'

const root = mkdtempSync(join(tmpdir(), 'carapace-audit-'))
after(() => rmSync(root, { recursive: true, force: true }))

interface State {
  readonly dir: string
  readonly audit: string
  open(more?: Partial<TrailOptions>): OpenTrail
  verify(options?: VerifyOptions): AuditVerdict
  lines(file?: string): string[]
  write(lines: readonly string[], file?: string): void
}

function state(dir = mkdtempSync(join(root, 'state-'))): State {
  const audit = join(dir, 'audit')
  const path = (file: string) => join(audit, file)
  return {
    dir,
    audit,
    open: (more = {}) =>
      openTrail({
        folder: audit,
        maxFileBytes: 1_000_000,
        keepFiles: 20,
        keys: loadAuditKeys(createVault(dir), dir),
        log: recordedLog().log,
        now: () => 1_700_000_000_000,
        ...more,
      }),
    verify(options) {
      const verifier = loadAuditVerifier(dir)
      assert.ok(verifier !== null)
      return verifyTrail(audit, verifier, options)
    },
    lines: (file = 'receipts.jsonl') => readFileSync(path(file), 'utf8').split('\n').slice(0, -1),
    write: (lines, file = 'receipts.jsonl') => writeFileSync(path(file), lines.map((line) => `${line}\n`).join('')),
  }
}

const changed = (index: number): Receipt => ({ kind: 'config-changed', path: `key.${index}`, action: 'set' })

/** Two starts; chunks of several lines and of one. */
async function filled(): Promise<State> {
  const kept = state()
  for (const start of [1, 2]) {
    const trail = kept.open()
    for (let index = 0; index < 5; index++) trail.note(changed(start * 10 + index))
    await trail.keep(changed(start * 10 + 5))
    for (let index = 6; index < 9; index++) trail.note(changed(start * 10 + index))
    trail.close()
  }
  assert.partialDeepStrictEqual(kept.verify(), { fault: null, warnings: [], lines: 19 })
  return kept
}

describe('a trail that somebody changed', () => {
  const attacked = async (change: (lines: string[], kept: State) => void): Promise<AuditVerdict> => {
    const kept = await filled()
    const lines = kept.lines()
    change(lines, kept)
    kept.write(lines)
    return kept.verify()
  }

  it('a changed, deleted, swapped, inserted or repeated line is found, wherever it is', async () => {
    const kept = await filled()
    const whole = kept.lines()
    const forged = makeLine({ at: 1, receipt: changed(99) }, { seq: 1, hash: 'x' }, null).text
    const at = fc.nat(whole.length - 1)
    const attack = fc.oneof(
      at.map((index) => ({ name: 'delete', lines: whole.toSpliced(index, 1) })),
      fc
        .tuple(at, at)
        .filter(([a, b]) => a !== b)
        .map(([a, b]) => ({ name: 'swap', lines: whole.with(a, whole[b] ?? '').with(b, whole[a] ?? '') })),
      fc.tuple(at, at).map(([from, to]) => ({ name: 'repeat', lines: whole.toSpliced(to, 0, whole[from] ?? '') })),
      fc.nat(whole.length).map((index) => ({ name: 'insert', lines: whole.toSpliced(index, 0, forged) })),
      at.map((index) => {
        // A hash made anew for this one line: without the key, only a line that was not signed can be tried.
        const line = readLine(whole[index] ?? '')
        assert.ok(line !== null)
        const made = makeLine({ at: line.at, receipt: changed(1000) }, { seq: line.seq - 1, hash: line.prev }, null).text
        return { name: 'rehash', lines: whole.with(index, made) }
      }),
      at.map((index) => ({ name: 'respell', lines: whole.with(index, (whole[index] ?? '').replace('{', '{ ')) })),
      fc.nat(whole.length - 1).map((length) => ({ name: 'truncate', lines: whole.slice(0, length) })),
      fc.tuple(at, fc.nat(400), fc.integer({ min: 32, max: 126 })).map(([index, column, code]) => {
        const text = whole[index] ?? ''
        const place = column % text.length
        return { name: 'mutate', lines: whole.with(index, text.slice(0, place) + String.fromCharCode(code) + text.slice(place + 1)) }
      }),
    )
    const seen = new Set<string>()
    fc.assert(
      fc.property(attack, ({ name, lines }) => {
        if (lines.join('\n') === whole.join('\n')) return
        seen.add(name)
        kept.write(lines)
        const { fault } = kept.verify()
        assert.ok(fault !== null, name)
      }),
      { numRuns: 600 },
    )
    assert.equal(seen.size, 8)
    kept.write(whole)
    assert.equal(kept.verify().fault, null)
  })

  it('says file, line and kind of the first fault', async () => {
    const fault = async (change: (lines: string[], kept: State) => void) => {
      const found = (await attacked(change)).fault
      return [found?.kind, found?.file, found?.line]
    }
    assert.deepEqual(await fault((lines) => (lines[4] = (lines[4] ?? '').replace('key.', 'kez.'))), ['changed', 'receipts.jsonl', 5])
    assert.deepEqual(await fault((lines) => lines.splice(4, 1)), ['missing', 'receipts.jsonl', 5])
    assert.deepEqual(await fault((lines) => lines.splice(4, 2, lines[5] ?? '', lines[4] ?? '')), ['reordered', 'receipts.jsonl', 5])
    assert.deepEqual(await fault((lines) => lines.splice(-1)), ['truncated', 'receipts.jsonl', 18])
    assert.deepEqual(await fault((lines) => lines.splice(7)), ['truncated', 'receipts.jsonl', 7])
    assert.deepEqual(await fault((lines) => lines.splice(0, 3)), ['missing', 'receipts.jsonl', 1])
    const pub = async (change: (kept: State) => void) => {
      const kept = await filled()
      change(kept)
      return kept.verify().fault?.kind
    }
    assert.equal(await pub(({ audit }) => rmSync(join(audit, 'head.json'))), 'missing')
    assert.equal(await pub(({ audit }) => writeFileSync(join(audit, 'head.json'), '{"hash":"x","seq":1,"sig":"AAAA"}')), 'changed')
    assert.equal(await pub(({ audit }) => rmSync(join(audit, 'receipts.jsonl'))), 'truncated')
    assert.equal(await pub(({ audit }) => rmSync(audit, { recursive: true })), 'missing')
    assert.equal(await pub(({ audit }) => writeFileSync(join(audit, 'receipts.jsonl'), '')), 'truncated')
    const cutBack = (kept: State) => {
      const end =
        4 +
        kept
          .lines()
          .slice(4)
          .findIndex((line) => readLine(line)?.sig !== undefined)
      kept.write(kept.lines().slice(0, end + 1))
      const last = readLine(kept.lines()[end] ?? '')
      assert.ok(last?.sig !== undefined)
      writeFileSync(join(kept.audit, 'head.json'), JSON.stringify({ seq: last.seq, hash: last.hash, sig: last.sig }))
    }
    assert.equal(await pub(cutBack), 'forged-signature')
    const other = state()
    other.open().close()
    assert.equal(await pub(({ dir }) => copyFileSync(join(other.dir, 'keys/audit.pub'), join(dir, 'keys/audit.pub'))), 'wrong-key')
  })

  it('hashes made anew without the key are found, also with another key', async () => {
    const stranger = state()
    stranger.open().close()
    const strangers = loadAuditKeys(createVault(stranger.dir), stranger.dir)
    for (const sign of [null, strangers.sign]) {
      for (const from of [3, 12]) {
        const { fault } = await attacked((lines) => {
          let place = { seq: 0, hash: '0' }
          for (const [index, text] of lines.entries()) {
            const line = readLine(text)
            assert.ok(line !== null)
            if (index < from) {
              place = line
              continue
            }
            const made = makeLine({ at: line.at, receipt: changed(1000 + index) }, place, line.sig === undefined ? null : sign)
            const keepsSignature = sign === null && line.sig !== undefined
            lines[index] = keepsSignature ? sorted({ ...z.record(z.string(), z.unknown()).parse(JSON.parse(made.text)), sig: line.sig }) : made.text
            place = made.place
          }
        })
        assert.equal(fault?.kind, 'forged-signature')
      }
    }
  })

  it('a trail cut short stays so after the next start, with and without its head', async () => {
    for (const alsoHead of [false, true]) {
      const kept = await filled()
      kept.write(kept.lines().slice(0, 8))
      if (alsoHead) rmSync(join(kept.audit, 'head.json'))
      const { log, lines } = recordedLog()
      kept.open({ log }).close()
      assert.match(JSON.stringify(lines), /audit.lines-missing/)
      assert.equal(kept.verify().fault?.kind, 'missing')
      kept.open().close()
      assert.equal(kept.verify().fault?.kind, 'missing')
    }
  })

  it('an anchor kept elsewhere finds a trail and head that were both taken back', async () => {
    const kept = await filled()
    const old = join(root, 'taken-back')
    cpSync(kept.audit, old, { recursive: true })
    const trail = kept.open()
    trail.note(changed(1))
    trail.close()
    const { anchor } = kept.verify()
    const [seq, hash] = (anchor ?? '').split(':')
    const known = { anchor: { seq: Number(seq), hash: hash ?? '' } }
    assert.equal(kept.verify(known).fault, null)
    rmSync(kept.audit, { recursive: true })
    renameSync(old, kept.audit)
    assert.equal(kept.verify().fault, null)
    assert.equal(kept.verify(known).fault?.kind, 'truncated')
  })
})

describe('rotation and pruning', () => {
  it('keep the chain, files within their size and number, and the oldest end named', async () => {
    const kept = state()
    const trail = kept.open({ maxFileBytes: 4000, keepFiles: 4 })
    for (let index = 0; index < 120; index++) await trail.keep(changed(index))
    trail.close()
    for (let start = 0; start < 4; start++) {
      const next = kept.open({ maxFileBytes: 4000, keepFiles: 4 })
      for (let index = 0; index < 10; index++) next.note(changed(index))
      next.close()
    }
    const files = readdirSync(kept.audit).filter((name) => name.endsWith('.jsonl'))
    assert.equal(files.length, 4)
    for (const file of files) assert.ok(statSync(join(kept.audit, file)).size <= 4000, file)
    const verdict = kept.verify()
    assert.deepEqual([verdict.fault, verdict.files], [null, 4])
    assert.ok(newestReceipts(kept.audit, 100, 'pruned').length > 0)
    const full = files.filter((name) => name !== 'receipts.jsonl').sort()
    const [oldest = '', second = ''] = full
    // Each removal, exchange and change of a full file is found.
    for (const attack of [
      () => rmSync(join(kept.audit, oldest)),
      () => rmSync(join(kept.audit, second)),
      () => truncateSync(join(kept.audit, second), statSync(join(kept.audit, second)).size - 1),
      () => kept.write(kept.lines(second).slice(0, -1), second),
      () => {
        const text = readFileSync(join(kept.audit, oldest))
        copyFileSync(join(kept.audit, second), join(kept.audit, oldest))
        writeFileSync(join(kept.audit, second), text)
      },
    ]) {
      const whole = join(root, 'whole')
      cpSync(kept.audit, whole, { recursive: true })
      attack()
      assert.notEqual(kept.verify().fault, null, attack.toString())
      rmSync(kept.audit, { recursive: true })
      renameSync(whole, kept.audit)
    }
    assert.equal(kept.verify().fault, null)
  })

  it('a start between the steps of a rotation goes on', async () => {
    const kept = await filled()
    renameSync(join(kept.audit, 'receipts.jsonl'), join(kept.audit, 'receipts-000001.jsonl'))
    kept.open().close()
    assert.partialDeepStrictEqual(kept.verify(), { fault: null, files: 2 })
    renameSync(join(kept.audit, 'receipts.jsonl'), join(kept.audit, 'receipts-000002.jsonl'))
    writeFileSync(join(kept.audit, 'receipts.jsonl'), '')
    const trail = kept.open()
    trail.note(changed(1))
    trail.close()
    assert.partialDeepStrictEqual(kept.verify(), { fault: null, files: 3 })
  })
})

describe('a write that a crash cut', () => {
  it('is a warning, and is moved aside by the next start with its length told', async () => {
    const kept = await filled()
    const place = readLine(kept.lines().at(-1) ?? '')
    assert.ok(place !== null)
    const torn = `${makeLine({ at: 1, receipt: changed(1) }, place, null).text}\n{"action":"se`
    appendFileSync(join(kept.audit, 'receipts.jsonl'), torn)
    const found = kept.verify()
    assert.deepEqual([found.fault, found.lines, found.warnings.length], [null, 19, 1])
    assert.match(found.warnings[0] ?? '', /ends within a write, after line 19/)
    kept.open().close()
    const closed = kept.verify()
    assert.equal(closed.fault, null)
    assert.match(closed.warnings.join('\n'), new RegExp(`${torn.length} bytes were moved aside`))
    const aside = readdirSync(kept.audit).find((name) => name.startsWith('torn-')) ?? ''
    assert.equal(readFileSync(join(kept.audit, aside), 'utf8'), torn)
    assert.equal(newestReceipts(kept.audit, 1, 'recovered')[0]?.['cutBytes'], torn.length)
  })

  it('kill -9 of a writer at any moment leaves a trail that is sound after the next start', { timeout: 60_000 }, async () => {
    const kept = state()
    kept.open().close()
    const script = `
      const { loadAuditKeys } = await import('${new URL('../../src/secrets/audit-keys.ts', import.meta.url).href}')
      const { createVault } = await import('${new URL('../../src/secrets/vault.ts', import.meta.url).href}')
      const { openTrail } = await import('${new URL('../../src/telemetry/audit/trail.ts', import.meta.url).href}')
      const log = { debug() {}, info() {}, warn() {}, error() {}, child() { return log } }
      const dir = ${JSON.stringify(kept.dir)}
      const trail = openTrail({ folder: dir + '/audit', maxFileBytes: 20_000, keepFiles: 3, keys: loadAuditKeys(createVault(dir), dir), log, now: Date.now })
      for (let i = 0; ; i++) {
        trail.note({ kind: 'config-changed', path: 'x'.repeat(i % 300), action: 'set' })
        await trail.keep({ kind: 'config-changed', path: 'kept.' + i, action: 'set' })
        process.stdout.write('kept.' + i + '\\n')
      }`
    for (let round = 0; round < 6; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
      let said = ''
      const closed = once(child, 'close')
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString()
        if (said.split('\n').length > 20 + round * 23) child.kill('SIGKILL')
      })
      await closed
      const before = kept.verify()
      assert.equal(before.fault, null)
      kept.open().close()
      assert.equal(kept.verify().fault, null)
      const last = said.split('\n').at(-2) ?? ''
      assert.ok(
        newestReceipts(kept.audit, 60, 'config-changed').some((line) => line['path'] === last),
        last,
      )
    }
  })
})

describe('what waits for the gateway', () => {
  it('is taken into the chain once, and nothing else can be slipped in', async () => {
    const kept = await filled()
    leaveReceipt(kept.audit, { kind: 'config-changed', path: 'gateway.port', action: 'unset' }, 5)
    writeFileSync(join(kept.audit, 'inbox', '6-x.json'), JSON.stringify({ at: 6, receipt: { kind: 'gateway-stopped' } }))
    writeFileSync(join(kept.audit, 'inbox', '7-x.json'), 'x'.repeat(5000))
    assert.match(kept.verify().warnings.join(), /3 receipts of other programs wait/)
    kept.open().close()
    kept.open().close()
    assert.deepEqual(kept.verify().warnings, [])
    assert.equal(newestReceipts(kept.audit, 99, 'config-changed').filter((line) => line['path'] === 'gateway.port').length, 1)
    assert.equal(newestReceipts(kept.audit, 99, 'gateway-stopped').length, 0)
  })
})

/** As the trail writes it. */
function sorted(members: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1))))
}
