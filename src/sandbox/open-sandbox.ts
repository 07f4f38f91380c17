/** Finds the best sandbox that works here, by running something in it. What does not work is not used, and without one nothing runs, unless the owner said so. */
import { existsSync } from 'node:fs'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { platform } from 'node:process'
import { AppError, exposed } from '../contracts/errors.ts'
import type { Sandbox, SandboxBackend, SandboxRun } from '../contracts/sandbox.ts'
import { bubblewrap } from './bubblewrap.ts'
import { keepDescriptorsHere } from './close-descriptors.ts'
import { landlock } from './landlock.ts'
import type { Prepare } from './launch.ts'
import { runProcess } from './run-process.ts'
import { seatbelt } from './seatbelt.ts'
import { withoutSandbox } from './without-sandbox.ts'

export interface SandboxChoice {
  readonly sandbox: 'required' | 'unsandboxed'
  readonly backend: 'auto' | Exclude<SandboxBackend, 'none'>
}

const backends: Readonly<Record<Exclude<SandboxBackend, 'none'>, { readonly prepare: Prepare; readonly on: NodeJS.Platform; readonly hasNetwork: boolean }>> = {
  bubblewrap: { prepare: bubblewrap, on: 'linux', hasNetwork: true },
  landlock: { prepare: landlock, on: 'linux', hasNetwork: false },
  seatbelt: { prepare: seatbelt, on: 'darwin', hasNetwork: false },
}
/** The strongest first. */
const ORDER = ['bubblewrap', 'landlock', 'seatbelt'] as const

export async function openSandbox({ sandbox, backend }: SandboxChoice): Promise<Sandbox> {
  keepDescriptorsHere()
  if (sandbox === 'unsandboxed') return { backend: 'none', hasNetwork: false, run: (run, signal) => runProcess(withoutSandbox(run), run, signal) }
  const tried = backend === 'auto' ? ORDER.filter((id) => backends[id].on === platform) : [backend]
  const reasons: string[] = []
  for (const id of tried) {
    const { prepare, hasNetwork } = backends[id]
    const opened: Sandbox = { backend: id, hasNetwork, run: (run, signal) => runProcess(prepare(run), run, signal) }
    const fault = await tryOut(opened)
    if (fault === null) return opened
    reasons.push(`${id}: ${fault}`)
  }
  throw new AppError('sandbox/unavailable', reasons.length === 0 ? `none is known for ${platform}` : reasons.join('; '), { hint: HINT })
}

const HINT = 'Install bubblewrap (apt-get install bubblewrap), or run programs without protection: cara config set exec.sandbox unsandboxed'
const NOTHING = ['/bin/true', '/usr/bin/true']
const TRIAL_MS = 10_000

/** Null where it works. */
async function tryOut(sandbox: Sandbox): Promise<string | null> {
  const program = NOTHING.find((path) => existsSync(path))
  if (program === undefined) return 'there is no program to try it with'
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'carapace-sandbox-')))
  try {
    const { ended, exitCode, stderr } = await sandbox.run(trial(program, folder), AbortSignal.timeout(TRIAL_MS))
    return ended === 'exit' && exitCode === 0 ? null : (stderr.trim().split('\n').at(-1)?.slice(0, 200) ?? ended)
  } catch (error) {
    return exposed(error).message
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function trial(program: string, folder: string): SandboxRun {
  const mebibyte = 1024 * 1024
  const limits = {
    timeoutMs: TRIAL_MS,
    memoryBytes: 256 * mebibyte,
    maxProcesses: 16,
    maxOutputBytes: 4096,
    maxFileBytes: mebibyte,
    maxDiskBytes: mebibyte,
  }
  return { program, args: [], env: {}, cwd: folder, writable: [folder], readable: [], pinned: [], stdin: '', connect: null, limits }
}
