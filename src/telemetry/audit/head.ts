/** The head: a signed note, beside the files, of a line that was surely on the disk. It tells a trail that was cut off from one that ends there. */
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod/mini'
import { parseJson, type Place } from './line.ts'

const SIZE = 256
const headSchema = z.strictObject({ seq: z.int().check(z.gte(0)), hash: z.string(), sig: z.string() })
export type Head = z.infer<typeof headSchema>

export function headText({ seq, hash }: Place): string {
  return `carapace audit head v1 ${seq} ${hash}`
}

/** `missing` where there is none, null where it is damaged. */
export function readHead(folder: string): Head | 'missing' | null {
  let text: string
  try {
    text = readFileSync(join(folder, 'head.json'), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'missing'
    throw error
  }
  const parsed = headSchema.safeParse(parseJson(text))
  return parsed.success ? parsed.data : null
}

/** Always the same length, in one write: a crash leaves the old one or the new one. */
export function writeHead(folder: string, place: Place, sign: (text: string) => string): void {
  const head: Head = { seq: place.seq, hash: place.hash, sig: sign(headText(place)) }
  const flags = constants.O_WRONLY | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0)
  const descriptor = openSync(join(folder, 'head.json'), flags, 0o600)
  try {
    writeSync(descriptor, `${JSON.stringify(head).padEnd(SIZE - 1)}\n`, 0)
  } finally {
    closeSync(descriptor)
  }
}
