/** Whether the trail is what was written: offline, by the public key alone, line by line in bounded memory. Stops at the first fault. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { allFiles, rawLines, type RawLine } from './files.ts'
import { headText, readHead, type Head } from './head.ts'
import { waitingReceipts } from './inbox.ts'
import { claimedSeq, GENESIS, readLine, signedText, type Line, type Place } from './line.ts'

export interface Verifier {
  readonly id: string
  verify(text: string, signature: string): boolean
}

export type FaultKind = 'changed' | 'missing' | 'reordered' | 'truncated' | 'forged-signature' | 'wrong-key'

export interface AuditFault {
  readonly kind: FaultKind
  readonly file: string
  /** Null where it is about the file as a whole. */
  readonly line: number | null
  readonly detail: string
}

export interface AuditVerdict {
  readonly fault: AuditFault | null
  readonly warnings: readonly string[]
  /** Receipts of other programs that no gateway has taken into the trail yet; one of the warnings says so. */
  readonly waiting: number
  readonly files: number
  readonly lines: number
  /** The last attested line. Written down elsewhere, it proves later that nothing before it was taken back. */
  readonly anchor: string | null
  /** Fingerprint of the key. */
  readonly key: string
}

export interface VerifyOptions {
  /** A line that must be there, as an earlier `anchor` named it. */
  readonly anchor?: Place
}

/** A gateway may be writing meanwhile: a fault counts only when the files have not changed under the reader. */
export function verifyTrail(folder: string, verifier: Verifier, options: VerifyOptions = {}): AuditVerdict {
  for (let attempt = 1; ; attempt++) {
    const before = stateOf(folder)
    try {
      const verdict = new Reading(folder, verifier, options).toEnd()
      if (verdict.fault === null || attempt === 5 || stateOf(folder) === before) return verdict
    } catch (error) {
      if (attempt === 5) throw error
    }
  }
}

function stateOf(folder: string): string {
  return allFiles(folder)
    .map((name) => `${name} ${statSync(join(folder, name), { throwIfNoEntry: false })?.size}`)
    .join('\n')
}

class Reading {
  readonly #folder: string
  readonly #verifier: Verifier
  readonly #head: Head | 'missing' | null
  readonly #anchor: Place | null
  readonly #warnings: string[] = []
  /** Where removed files ended, as the trail itself says. */
  readonly #pruned = new Map<number, string>()
  #fault: AuditFault | null = null
  #first: Line | null = null
  #last: Line | null = null
  #attested: Place | null = null
  #isHeadMet = false
  #isAnchorMet = false
  #lines = 0
  #unsigned = 0

  constructor(folder: string, verifier: Verifier, { anchor }: VerifyOptions) {
    this.#folder = folder
    this.#verifier = verifier
    this.#anchor = anchor ?? null
    this.#head = readHead(folder)
  }

  toEnd(): AuditVerdict {
    const files = allFiles(this.#folder)
    for (const [index, file] of files.entries()) {
      this.#readFile(file, index === files.length - 1)
      if (this.#fault !== null) break
    }
    if (this.#fault === null) this.#checkEnd(files)
    const waiting = waitingReceipts(this.#folder).length
    if (waiting > 0) this.#warnings.push(`${waiting} receipts of other programs wait for the gateway to take them into the trail`)
    return {
      fault: this.#fault,
      warnings: this.#warnings,
      waiting,
      files: files.length,
      lines: this.#lines,
      anchor: this.#attested === null ? null : `${this.#attested.seq}:${this.#attested.hash}`,
      key: this.#verifier.id,
    }
  }

  #readFile(file: string, isNewest: boolean): void {
    const lines = rawLines(this.#folder, file)
    let number = 0
    for (let next = lines.next(); next.done !== true && this.#fault === null;) {
      const raw = next.value
      number = raw.number
      next = lines.next()
      if (raw.isComplete) this.#readLine(raw, next.done === true ? null : next.value, file)
      else if (!isNewest) this.#say('truncated', file, number, 'the last line has no end')
      else this.#torn(raw, file)
    }
    if (this.#fault === null && this.#unsigned > 0) this.#say('truncated', file, number, `its last ${this.#unsigned} lines are not signed`)
  }

  /** A write that a crash cut: what there is of it attests nothing. */
  #torn(raw: RawLine, file: string): void {
    this.#warnings.push(
      `${file} ends within a write, after line ${raw.number - 1 - this.#unsigned}: ${this.#unsigned} whole lines and ${Buffer.byteLength(raw.text)} bytes are not attested; the next start moves them aside`,
    )
    this.#lines -= this.#unsigned
    this.#unsigned = 0
  }

  #readLine(raw: RawLine, next: RawLine | null, file: string): void {
    const line = readLine(raw.text)
    if (line === null) return this.#say('changed', file, raw.number, 'it is not as it was written')
    const expected = this.#last === null ? null : this.#last.seq + 1
    if (expected === null) this.#first = line
    else if (line.seq !== expected) return this.#misplaced(line, expected, raw.number, next, file)
    else if (line.prev !== this.#last?.hash) return this.#say('changed', file, Math.max(1, raw.number - 1), `line ${raw.number} follows another one`)
    const isStart = raw.number === 1
    if (isStart !== (line.kind === 'file-started')) {
      return this.#say(isStart ? 'missing' : 'reordered', file, raw.number, isStart ? 'the beginning of the file is gone' : 'a file begins inside a file')
    }
    if (isStart && line['key'] !== this.#verifier.id) return this.#say('wrong-key', file, raw.number, `it was written with the key ${String(line['key'])}`)
    this.#accept(line, raw.number, file)
  }

  #misplaced(line: Line, expected: number, number: number, next: RawLine | null, file: string): void {
    if (line.seq < expected) return this.#say('reordered', file, number, `it is number ${line.seq}, and ${expected} was to come`)
    const isSwapped = next !== null && claimedSeq(next.text) === expected
    if (isSwapped) return this.#say('reordered', file, number, `numbers ${expected} and ${line.seq} are exchanged`)
    const many = line.seq - expected
    this.#say('missing', file, number, many === 1 ? `number ${expected} is gone before it` : `numbers ${expected} to ${line.seq - 1} are gone before it`)
  }

  #accept(line: Line, number: number, file: string): void {
    this.#lines++
    this.#unsigned++
    this.#last = line
    const head = this.#head
    if (head !== null && head !== 'missing' && head.seq === line.seq) {
      if (head.hash !== line.hash) return this.#say('changed', file, number, 'the head knows another line with this number')
      this.#isHeadMet = true
    }
    if (this.#anchor?.seq === line.seq) {
      if (this.#anchor.hash !== line.hash) return this.#say('changed', file, number, 'the given anchor is another line with this number')
      this.#isAnchorMet = true
    }
    if (line.sig === undefined) return
    if (!this.#verifier.verify(signedText(line.hash), line.sig)) return this.#say('forged-signature', file, number, 'the signature is not by our key')
    this.#unsigned = 0
    this.#attested = { seq: line.seq, hash: line.hash }
    if (line.kind === 'pruned') this.#pruned.set(Number(line['lastSeq']), String(line['lastHash']))
    if (line.kind === 'recovered')
      this.#warnings.push(`${file}:${number}: the write before it was not finished; ${String(line['cutBytes'])} bytes were moved aside`)
    if (line.kind === 'receipts-lost') this.#warnings.push(`${file}:${number}: ${String(line['count'])} receipts could not be written`)
  }

  #checkEnd(files: readonly string[]): void {
    const newest = files.at(-1) ?? 'receipts.jsonl'
    const oldest = files[0] ?? newest
    const first = this.#first
    const start = first === null ? null : first.seq - 1
    if (first !== null && start !== null && (start === 0 ? first.prev !== GENESIS : this.#pruned.get(start) !== first.prev)) {
      return this.#say('missing', oldest, 1, `what was before number ${first.seq} is gone`)
    }
    const head = this.#head
    if (head === 'missing') return this.#say('missing', 'head.json', null, 'there is none')
    if (head === null) return this.#say('changed', 'head.json', null, 'it is not as it was written')
    if (!this.#verifier.verify(headText(head), head.sig)) return this.#say('forged-signature', 'head.json', null, 'the signature is not by our key')
    if ((this.#attested?.seq ?? 0) < head.seq) {
      return this.#say(
        'truncated',
        newest,
        this.#lines === 0 ? null : this.#lastNumber(newest),
        `it ends with number ${this.#attested?.seq ?? 0}, and ${head.seq} was written`,
      )
    }
    if (!this.#isHeadMet && head.seq > (start ?? 0)) return this.#say('missing', newest, null, `number ${head.seq} is gone`)
    if (this.#anchor !== null && !this.#isAnchorMet && this.#anchor.seq > (start ?? 0)) {
      this.#say('truncated', newest, null, `number ${this.#anchor.seq} of the given anchor is not there`)
    }
  }

  #lastNumber(file: string): number {
    let number = 0
    for (const raw of rawLines(this.#folder, file)) number = raw.number
    return number
  }

  #say(kind: FaultKind, file: string, line: number | null, detail: string): void {
    this.#fault ??= { kind, file, line, detail }
  }
}
