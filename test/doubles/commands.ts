/** The tool `exec` over a real sandbox, in folders of its own; a test says what differs. */
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonValue } from '../../src/contracts/json.ts'
import type { SandboxBackend } from '../../src/contracts/sandbox.ts'
import type { ToolResult } from '../../src/contracts/tool.ts'
import { openSandbox } from '../../src/sandbox/open-sandbox.ts'
import { exec } from '../../src/tools/exec/exec.ts'
import type { ExecInput } from '../../src/tools/exec/input.ts'
import type { ExecSettings } from '../../src/tools/exec/settings.ts'
import { cleared } from './cleared.ts'
import type { ToolCall } from '../../src/contracts/tool.ts'
import { OWNER } from '../../src/contracts/origin.ts'

export interface Commands extends AsyncDisposable {
  readonly folder: string
  readonly workspace: string
  readonly tool: ReturnType<typeof exec>
  bind(input: ExecInput): Promise<JsonValue>
  /** With what it is bound to now, unless another binding is given. */
  run(input: ExecInput, binding?: JsonValue): Promise<ToolResult>
  shape(input: ExecInput): Promise<JsonValue>
  describe(input: ExecInput): Promise<string>
}

export async function openCommands(more: Partial<ExecSettings> = {}, backend: 'auto' | SandboxBackend = 'auto'): Promise<Commands> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'carapace-exec-')))
  const workspace = join(folder, 'state', 'workspace')
  await mkdir(workspace, { recursive: true, mode: 0o700 })
  const opened = openSandbox(backend === 'none' ? { sandbox: 'unsandboxed', backend: 'auto' } : { sandbox: 'required', backend })
  const tool = exec({
    workspace,
    writableRoots: [],
    readFolders: [],
    protectedPaths: [join(folder, 'state'), join(folder, 'carapace.json5')],
    copies: join(folder, 'state', 'exec'),
    timeoutMs: 10_000,
    memoryMb: 512,
    maxProcesses: 32,
    maxOutputBytes: 256 * 1024,
    maxFileMb: 64,
    maxDiskMb: 256,
    sandbox: () => opened,
    secretsFor: () => [],
    openProxy: () => Promise.reject(new Error('there is no proxy here')),
    ...more,
  })
  const signal = () => AbortSignal.timeout(60_000)
  const bind = async (input: ExecInput): Promise<JsonValue> => (await tool.bind?.(tool.input.parse(input), signal())) ?? null
  return {
    folder,
    workspace,
    tool,
    bind,
    async run(input, binding) {
      const call: ToolCall = {
        callId: 'c',
        tool: 'exec',
        input: JSON.parse(JSON.stringify(input)),
        turnId: 't',
        sessionId: null,
        effectId: 'e',
        binding: binding === undefined ? await bind(input) : binding,
        origin: OWNER,
      }
      return tool.run(tool.input.parse(input), cleared<ToolCall>(call), signal())
    },
    shape: async (input) => tool.shape?.(tool.input.parse(input), await bind(input)) ?? null,
    describe: async (input) => tool.describe?.(tool.input.parse(input), await bind(input)).join('\n') ?? '',
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}
