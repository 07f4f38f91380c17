/**
 * Receipts of programs beside the gateway (`cara config set` while it runs): each a file of its own in `inbox/`, taken into the chain by the gateway, which is the only writer of
 * the trail. They are not attested before that, and may only be of kinds that need no attestation.
 */
import { randomBytes } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod/mini'
import type { Receipt } from '../../contracts/audit.ts'
import { AppError } from '../../contracts/errors.ts'
import { parseJson, type Dated } from './line.ts'

const MAX_BYTES = 4096
const MAX_FILES = 256

const receipt = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('config-changed'), path: z.string().check(z.maxLength(256)), action: z.enum(['set', 'unset']) }),
  z.strictObject({ kind: z.literal('token-made') }),
  z.strictObject({ kind: z.literal('password-changed'), action: z.enum(['set', 'removed']) }),
  z.strictObject({ kind: z.literal('token-rotated'), by: z.string().check(z.maxLength(64)) }),
  z.strictObject({ kind: z.literal('backup-made'), keys: z.boolean(), sealed: z.boolean() }),
  z.strictObject({ kind: z.literal('restored'), createdAt: z.int() }),
  z.strictObject({ kind: z.literal('secrets-rotated'), to: z.enum(['file', 'os', 'password']) }),
])
const waiting = z.strictObject({ at: z.int(), receipt })

export type OutsideReceipt = Extract<
  Receipt,
  { kind: 'config-changed' | 'token-made' | 'token-rotated' | 'secrets-rotated' | 'password-changed' | 'backup-made' | 'restored' }
>

const inboxOf = (folder: string) => join(folder, 'inbox')

/** Throws `audit/unwritable`. */
export function leaveReceipt(folder: string, receipt: OutsideReceipt, at: number): void {
  const name = join(inboxOf(folder), `${at}-${randomBytes(6).toString('hex')}`)
  try {
    mkdirSync(inboxOf(folder), { recursive: true, mode: 0o700 })
    writeFileSync(`${name}.tmp`, JSON.stringify({ at, receipt }), { flag: 'wx', mode: 0o600 })
    renameSync(`${name}.tmp`, `${name}.json`)
  } catch (error) {
    throw new AppError('audit/unwritable', inboxOf(folder), { cause: error })
  }
}

/** Names, oldest first. */
export function waitingReceipts(folder: string): readonly string[] {
  try {
    return readdirSync(inboxOf(folder))
      .filter((name) => name.endsWith('.json'))
      .sort()
      .slice(0, MAX_FILES)
  } catch {
    return []
  }
}

/** What cannot be read as a receipt is left where it is, renamed, so that it is not tried again. */
export function readWaiting(folder: string, name: string): Dated | null {
  const path = join(inboxOf(folder), name)
  try {
    const found = lstatSync(path)
    const parsed = !found.isFile() || found.size > MAX_BYTES ? null : waiting.safeParse(parseJson(readFileSync(path, 'utf8')))
    if (parsed?.success === true) return parsed.data
    renameSync(path, `${path}.refused`)
  } catch {
    // It is tried again with the next look.
  }
  return null
}

export function removeWaiting(folder: string, name: string): void {
  rmSync(join(inboxOf(folder), name), { force: true })
}
