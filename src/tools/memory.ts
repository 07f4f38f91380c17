/** The owner's notes. A record keeps the origin of the conversation that wrote it for good, and hands it on to every conversation that reads it. */
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { canonicalJson } from '../std/canonical-json.ts'
import type { Origin } from '../contracts/origin.ts'
import type { MemoryRecord, MemoryStore } from '../contracts/store.ts'
import type { AnyTool, Tool } from '../contracts/tool.ts'
import type { RememberedValue, UndoLog } from '../contracts/undo.ts'
import { cut, listing } from './listing.ts'
import { reading } from './reading.ts'

const manifest = reading({ trust: 'trusted', private: true, curated: false, records: false })
const key = z
  .string()
  .min(1)
  .refine((text) => Buffer.byteLength(text) <= 1024, 'at most 1 KiB')
const value = z.string().refine((text) => Buffer.byteLength(text) <= 65_536, 'at most 64 KiB')
const limit = z.int().min(1).max(100)
/** Of one record when several are shown. */
const SHOWN_CHARACTERS = 2000

export function memoryTools(memory: MemoryStore, undo: UndoLog, now: () => number): readonly AnyTool[] {
  return [memoryWrite(memory, undo, now), memoryRead(memory), memoryList(memory), memorySearch(memory)]
}

const writeInput = z.strictObject({ key, value })
function memoryWrite(memory: MemoryStore, undo: UndoLog, now: () => number): Tool<z.infer<typeof writeInput>> {
  return {
    name: 'memory_write',
    description: 'Remember a fact for later conversations; replaces what the key held.',
    input: writeInput,
    manifest: {
      ...manifest,
      effect: 'write',
      effectWithoutDestination: 'write',
      recovery: 'probe',
      content: ['key', 'value'],
      returns: { trust: 'trusted', private: false, curated: false, records: false },
    },
    async probe(record, call) {
      const step = await undo.find(call)
      if (step?.change.kind !== 'memory') return 'not'
      if (step.undoneAt !== null) return 'happened'
      const held = await memory.read(record.key)
      const now = held === null ? null : hashOfRecord(held)
      if (now === step.change.after) return 'happened'
      return now === (step.change.before === null ? null : hashOfRecord(step.change.before)) ? 'not' : 'unknown'
    },
    async run(record, call, signal) {
      signal.throwIfAborted()
      const held = await memory.read(record.key)
      const before = held === null ? null : { value: held.value, origin: held.origin }
      const after = hashOfRecord({ value: record.value, origin: call.origin })
      const isSame = before !== null && hashOfRecord(before) === after
      if (!isSame) await undo.keep(call, `${before === null ? 'remembered' : 'replaced'} ${record.key}`, { kind: 'memory', key: record.key, before, after })
      await memory.write({ ...record, origin: call.origin, now: now() })
      return { output: 'Saved' }
    },
  }
}

const readInput = z.strictObject({ key })
function memoryRead(memory: MemoryStore): Tool<z.infer<typeof readInput>> {
  return {
    name: 'memory_read',
    description: 'What is remembered under a key.',
    input: readInput,
    manifest,
    async run(wanted, _call, signal) {
      signal.throwIfAborted()
      const record = await memory.read(wanted.key)
      if (record === null) return { output: 'Nothing is remembered under this key; memory_search may find it', isError: true }
      return { output: record.value, origin: worstOrigin([record]) }
    },
  }
}

const listInput = z.strictObject({ prefix: z.string().max(1024).optional(), limit: limit.default(50) })
function memoryList(memory: MemoryStore): Tool<z.infer<typeof listInput>> {
  return {
    name: 'memory_list',
    description: 'Keys of what is remembered.',
    input: listInput,
    manifest,
    async run({ prefix, limit }, _call, signal) {
      signal.throwIfAborted()
      const records = await memory.list({ ...(prefix === undefined ? {} : { prefix }), limit })
      const items = records.map((record) => ({ key: record.key, characters: record.value.length, updated: new Date(record.updatedAt).toISOString() }))
      return { output: listing(items, 'Nothing is remembered'), origin: worstOrigin(records) }
    },
  }
}

const searchInput = z.strictObject({ query: z.string().min(1).max(1024), limit: limit.default(10) })
function memorySearch(memory: MemoryStore): Tool<z.infer<typeof searchInput>> {
  return {
    name: 'memory_search',
    description: 'Full-text search in what is remembered.',
    input: searchInput,
    manifest,
    async run({ query, limit }, _call, signal) {
      signal.throwIfAborted()
      const records = await memory.search(query, limit)
      const items = records.map((record) => ({ key: record.key, value: cut(record.value, SHOWN_CHARACTERS) }))
      return { output: listing(items, 'Nothing was found'), origin: worstOrigin(records) }
    },
  }
}

/** Hex SHA-256 of what is remembered and of who wrote it. */
export function hashOfRecord({ value, origin }: RememberedValue): string {
  return createHash('sha256').update(canonicalJson({ value, origin })).digest('hex')
}

/** Untrusted as soon as one record is, and then by its author. What is remembered is private. */
function worstOrigin(records: readonly MemoryRecord[]): Origin {
  const author: Origin['author'] = { kind: 'tool', name: 'memory' }
  const untrusted = records.find((record) => record.origin.trust === 'untrusted')
  return { author: untrusted?.origin.author ?? records[0]?.origin.author ?? author, trust: untrusted === undefined ? 'trusted' : 'untrusted', private: true }
}
