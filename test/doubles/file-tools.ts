/** The tools of files over a folder of their own, with a real log of what they replace; nothing else of the program. */
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createWrites, type Writes } from '../../src/app/writes.ts'
import { coreSections } from '../../src/config/schema.ts'
import type { AuditTrail, Receipt } from '../../src/contracts/audit.ts'
import type { JsonValue } from '../../src/contracts/json.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import type { Store } from '../../src/contracts/store.ts'
import type { AnyTool, ToolCall, ToolResult } from '../../src/contracts/tool.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { FileAccess } from '../../src/tools/file-access.ts'
import { createTools } from '../../src/tools/registry.ts'
import { cleared } from './cleared.ts'
import { sessionsInMemory } from './memory-store.ts'
import { taskBookOver } from './task-book.ts'

export interface FileTools extends AsyncDisposable {
  /** Real path of the folder that holds `root`, `outside` and `state`. */
  readonly base: string
  readonly root: string
  readonly outside: string
  readonly state: string
  readonly store: Store
  readonly writes: Writes
  readonly receipts: readonly Receipt[]
  /** Calls a tool as a run would, after the guard. Every call has an id of its own unless `more` says otherwise. */
  call(tool: string, input: JsonValue, more?: Partial<ToolCall>): Promise<ToolResult>
}

export async function fileTools(access: Partial<FileAccess> = {}, limits: Record<string, unknown> = {}, now: () => number = Date.now): Promise<FileTools> {
  const base = await realpath(await mkdtemp(join(tmpdir(), 'carapace-files-')))
  const [root, outside, state] = [join(base, 'root'), join(base, 'outside'), join(base, 'state')]
  for (const folder of [root, outside, state]) await mkdir(folder)
  const store = await openStore({ path: join(state, 'carapace.db'), synchronous: 'normal' })
  const receipts: Receipt[] = []
  const audit: AuditTrail = {
    note: (receipt) => void receipts.push(receipt),
    keep: async (receipt) => void receipts.push(receipt),
    mac: (text) => text,
    faults: () => [],
  }
  const writes = createWrites(store, { undo: join(state, 'undo') }, coreSections.undo.parse(limits), audit, now, taskBookOver(store, audit, now))
  const filesystem: FileAccess = {
    ...coreSections.filesystem.parse({ roots: [root], writeAccess: true }),
    protectedPaths: [state, join(base, 'carapace.json5')],
    ...access,
  }
  const tools = createTools({
    store: { memory: store.memory, sessions: sessionsInMemory([]) },
    settings: { redacted: () => ({}), get: () => null },
    filesystem,
    writes,
    fetch: () => Promise.reject(new Error('no network')),
    now,
    timeZone: 'UTC',
  })
  let count = 0
  return {
    base,
    root,
    outside,
    state,
    store,
    writes,
    receipts,
    async call(name, input, more = {}) {
      const tool = tools.find((each): each is AnyTool => each.name === name)
      if (tool === undefined) throw new Error(`${name} is not offered`)
      const id = String(++count)
      const call: ToolCall = { callId: `c${id}`, tool: name, input, turnId: 't1', sessionId: null, effectId: `e${id}`, binding: null, origin: OWNER, ...more }
      return tool.run(tool.input.parse(input), cleared(call), new AbortController().signal)
    },
    async [Symbol.asyncDispose]() {
      await store.close()
      await rm(base, { recursive: true, force: true })
    },
  }
}
