/** Runs what was agreed to: binds it again, refuses it where anything differs, and gives the sandbox copies of what it would otherwise read anew. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../contracts/errors.ts'
import type { JsonValue } from '../../contracts/json.ts'
import type { PinnedFile, SandboxOutcome, SandboxRun } from '../../contracts/sandbox.ts'
import type { ToolResult } from '../../contracts/tool.ts'
import { canonicalJson } from '../../std/canonical-json.ts'
import { bindCommand } from './bind-command.ts'
import type { CommandBinding, ExecInput } from './input.ts'
import { SEARCH_PATH, isOfSystem } from './programs.ts'
import type { ExecSettings, HostProxy } from './settings.ts'

const MEBIBYTE = 1024 * 1024
/** Characters of each stream that the model sees: the beginning and the end. */
const SHOWN = 24_000

export async function runCommand(input: ExecInput, agreed: JsonValue, settings: ExecSettings, signal: AbortSignal): Promise<ToolResult> {
  const binding = await bindCommand(input, settings, signal)
  if (canonicalJson(agreed) !== canonicalJson(binding)) {
    throw new AppError('sandbox/changed', undefined, { hint: 'A file, folder or program is not what it was; call again to ask anew' })
  }
  const copies = join(settings.copies, randomUUID())
  let proxy: HostProxy | null = null
  try {
    const sandbox = await settings.sandbox()
    const pinned = await pin(binding, copies)
    proxy = binding.hosts.length === 0 ? null : await settings.openProxy(binding.hosts)
    const limits = limitsOf(input, settings)
    return report(await sandbox.run(describeRun(input, binding, pinned, proxy, settings, limits), signal), limits)
  } finally {
    proxy?.close()
    await rm(copies, { recursive: true, force: true })
  }
}

function describeRun(
  input: ExecInput,
  { program, cwd, writable }: CommandBinding,
  pinned: readonly PinnedFile[],
  proxy: HostProxy | null,
  { readFolders }: ExecSettings,
  limits: SandboxRun['limits'],
): SandboxRun {
  const [home = cwd.path] = writable
  return {
    program: program.path,
    args: input.argv.slice(1),
    env: { ...environment(home), ...(proxy === null ? {} : proxyEnvironment), ...input.env },
    cwd: cwd.path,
    writable,
    readable: readFolders,
    pinned,
    stdin: input.stdin ?? '',
    connect: proxy?.take ?? null,
    limits,
  }
}

function environment(home: string): Readonly<Record<string, string>> {
  return { PATH: SEARCH_PATH.join(':'), HOME: home, LANG: 'C.UTF-8', TZ: 'UTC', TERM: 'dumb', GIT_CONFIG_NOSYSTEM: '1' }
}

const PROXY = 'http://127.0.0.1:3128'
const proxyEnvironment = { http_proxy: PROXY, https_proxy: PROXY, HTTP_PROXY: PROXY, HTTPS_PROXY: PROXY }

function limitsOf({ timeoutMs }: ExecInput, settings: ExecSettings): SandboxRun['limits'] {
  return {
    timeoutMs: Math.min(timeoutMs ?? settings.timeoutMs, settings.timeoutMs),
    memoryBytes: settings.memoryMb * MEBIBYTE,
    maxProcesses: settings.maxProcesses,
    maxOutputBytes: settings.maxOutputBytes,
    maxFileBytes: settings.maxFileMb * MEBIBYTE,
    maxDiskBytes: settings.maxDiskMb * MEBIBYTE,
  }
}

/** Copies of what somebody could still exchange: a program outside of the system, and the script of an interpreter. */
async function pin({ program, files }: CommandBinding, folder: string): Promise<readonly PinnedFile[]> {
  const wanted = [...(isOfSystem(program.file) ? [] : [{ path: program.file, sha256: program.sha256 }]), ...files.filter(({ isScript }) => isScript)]
  if (wanted.length === 0) return []
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return Promise.all(
    wanted.map(async ({ path, sha256 }, index) => {
      const bytes = await readFile(path)
      if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw new AppError('sandbox/changed')
      const copy = join(folder, String(index))
      await writeFile(copy, bytes, { mode: 0o500, flag: 'wx' })
      return { path, copy, sha256 }
    }),
  )
}

function report({ ended, exitCode, signal, stdout, stderr }: SandboxOutcome, limits: SandboxRun['limits']): ToolResult {
  const why: Readonly<Record<SandboxOutcome['ended'], string>> = {
    exit: exitCode === null ? `ended by ${signal ?? 'a signal'}` : `exit code ${exitCode}`,
    time: `ended: it took longer than ${limits.timeoutMs} ms`,
    memory: `ended: it used more than ${limits.memoryBytes / MEBIBYTE} MiB of memory`,
    processes: `ended: more than ${limits.maxProcesses} processes`,
    output: `ended: more than ${limits.maxOutputBytes} bytes of output`,
    disk: `ended: it wrote more than ${limits.maxDiskBytes / MEBIBYTE} MiB`,
    cancelled: 'ended: the turn was cancelled',
  }
  const parts = [why[ended], ...(stdout === '' ? [] : [shorten(stdout)]), ...(stderr === '' ? [] : ['[standard error]', shorten(stderr)])]
  return { output: parts.join('\n'), ...(ended === 'exit' && exitCode === 0 ? {} : { isError: true }) }
}

function shorten(text: string): string {
  if (text.length <= SHOWN) return text
  const half = SHOWN / 2
  return `${text.slice(0, half).toWellFormed()}\n[${text.length - SHOWN} characters left out]\n${text.slice(-half).toWellFormed()}`
}
