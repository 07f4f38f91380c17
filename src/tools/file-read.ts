import * as z from 'zod'
import type { Tool, ToolResult } from '../contracts/tool.ts'
import { locate, openChecked, type FileAccess } from './file-access.ts'
import { reading } from './reading.ts'

const input = z.strictObject({
  path: z.string().min(1).max(4096),
  offset: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0).describe('Bytes'),
  limit: z.int().min(1).max(61_440).optional().describe('Bytes'),
})
/** Base64 costs a third more, and models read little from it. */
const MAX_BINARY_BYTES = 12_288

export function fileRead(access: FileAccess): Tool<z.infer<typeof input>> {
  return {
    name: 'file_read',
    description: 'Read a file in the configured folders.',
    input,
    manifest: reading({ trust: 'untrusted', private: true, curated: false, records: false }, ['path']),
    async run({ path, offset, limit = access.maxReadBytes }, _call, signal) {
      signal.throwIfAborted()
      const found = await locate(path, access)
      const { handle, stats } = await openChecked(found)
      try {
        signal.throwIfAborted()
        const buffer = Buffer.alloc(Math.min(limit, access.maxReadBytes, Math.max(0, stats.size - offset)))
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset)
        const output = describeBytes(buffer.subarray(0, bytesRead), offset, stats.size)
        return { output, origin: { author: { kind: 'file', path: found.path }, trust: 'untrusted', private: true } } satisfies ToolResult
      } finally {
        await handle.close()
      }
    },
  }
}

function describeBytes(bytes: Buffer, offset: number, size: number): string {
  if (bytes.length === 0) return size === 0 ? '[the file is empty]' : `[nothing here: the file has ${size} bytes]`
  const from = offset === 0 ? 0 : leadingRest(bytes)
  const until = offset + bytes.length < size ? bytes.length - unfinishedTail(bytes) : bytes.length
  const text = decode(bytes.subarray(from, until))
  if (text === null) {
    const part = bytes.subarray(0, MAX_BINARY_BYTES)
    return `[binary, base64, ${span(offset, offset + part.length, size)}]\n${part.toString('base64')}`
  }
  const whole = from === 0 && offset === 0 && until === size
  return whole ? text : `${text}\n[${span(offset + from, offset + until, size)}]`
}

function span(from: number, until: number, size: number): string {
  return `bytes ${from} to ${until} of ${size}${until < size ? `, go on with offset ${until}` : ''}`
}

/** Null for what is no UTF-8 text. */
function decode(bytes: Buffer): string | null {
  if (bytes.includes(0)) return null
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

const isContinuation = (byte: number | undefined) => byte !== undefined && (byte & 0xc0) === 0x80

/** Bytes at the start that end a character cut by the offset. */
function leadingRest(bytes: Buffer): number {
  let count = 0
  while (count < 3 && isContinuation(bytes[count])) count++
  return count
}

/** Bytes at the end that begin a character which goes on after them. */
function unfinishedTail(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length - 1); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if (isContinuation(byte)) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > back ? back : 0
  }
  return 0
}
