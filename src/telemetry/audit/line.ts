/**
 * A line of the trail: canonical JSON of seq, at, kind, facts, prev and hash. `hash` covers all members but itself and `sig`; `prev` is the hash of the line before. What is
 * written at once is a chunk: its last line carries `sig`, which by the chain covers all lines before it.
 */
import { hash } from 'node:crypto'
import * as z from 'zod/mini'
import type { Receipt } from '../../contracts/audit.ts'
import { canonicalJson } from '../../std/canonical-json.ts'

export const GENESIS = '0'
/** Longer ones are none of ours. */
export const MAX_LINE_BYTES = 16_384

const MAX_FACT = 512

/** Where the chain is: the line that was written last. */
export interface Place {
  readonly seq: number
  readonly hash: string
}

const fact = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())])
const lineSchema = z.catchall(
  z.object({ seq: z.int().check(z.gte(1)), at: z.number(), kind: z.string(), prev: z.string(), hash: z.string(), sig: z.optional(z.string()) }),
  fact,
)
export type Line = z.infer<typeof lineSchema>

export interface Dated {
  readonly at: number
  readonly receipt: Receipt
}

/** Without its end of line. Signed where `sign` is given. */
export function makeLine({ at, receipt }: Dated, after: Place, sign: ((text: string) => string) | null): { readonly text: string; readonly place: Place } {
  const facts: Record<string, unknown> = { ...receipt, at, prev: after.hash, seq: after.seq + 1 }
  for (const [name, value] of Object.entries(facts)) if (typeof value === 'string' && value.length > MAX_FACT) facts[name] = `${value.slice(0, MAX_FACT)}…`
  const digest = hash('sha256', flatJson(facts), 'base64url')
  facts['hash'] = digest
  if (sign !== null) facts['sig'] = sign(signedText(digest))
  return { text: flatJson(facts), place: { seq: after.seq + 1, hash: digest } }
}

/** Null when the text is not exactly what `makeLine` writes. */
export function readLine(text: string): Line | null {
  const parsed = lineSchema.safeParse(parseJson(text))
  if (!parsed.success || canonicalJson(parsed.data) !== text) return null
  const { hash: digest, sig: _, ...facts } = parsed.data
  return hash('sha256', canonicalJson(facts), 'base64url') === digest ? parsed.data : null
}

/** What looks like a line, sound or not. */
export function lineShape(value: unknown): Line | null {
  const parsed = lineSchema.safeParse(value)
  return parsed.success ? parsed.data : null
}

/** The claimed number, whether or not the line is sound. */
export function claimedSeq(text: string): number | null {
  const parsed = z.looseObject({ seq: z.int() }).safeParse(parseJson(text))
  return parsed.success ? parsed.data.seq : null
}

export function signedText(digest: string): string {
  return `carapace audit line v1 ${digest}`
}

/** The same as `canonicalJson` for members that are no objects, at a third of its price. */
function flatJson(members: Readonly<Record<string, unknown>>): string {
  const sorted: Record<string, unknown> = {}
  for (const name of Object.keys(members).sort()) sorted[name] = members[name]
  return JSON.stringify(sorted)
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
