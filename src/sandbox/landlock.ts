/** Linux without bubblewrap: a launcher of our own takes every right from itself (Landlock, seccomp, limits, capabilities) and becomes the program. */
import { existsSync } from 'node:fs'
import { arch, platform } from 'node:process'
import { AppError } from '../contracts/errors.ts'
import type { SandboxRun } from '../contracts/sandbox.ts'
import type { LauncherInput } from './landlock-launcher.ts'
import { PRLIMIT, processLimits, type Launch } from './launch.ts'
import { programFile } from './program-file.ts'
import { isArchitecture } from './system-calls.ts'
import { systemFolders } from './system-folders.ts'

const DEVICES = ['/dev/zero', '/dev/full', '/dev/random', '/dev/urandom']

export function landlock(run: SandboxRun): Launch {
  if (platform !== 'linux' || !isArchitecture(arch)) throw new AppError('sandbox/unavailable', `no Landlock on ${platform} ${arch}`)
  if (run.connect !== null) {
    throw new AppError('sandbox/unavailable', 'Landlock cannot let a program reach one host alone', { hint: 'Install bubblewrap: apt-get install bubblewrap' })
  }
  if (!existsSync(PRLIMIT)) throw new AppError('sandbox/unavailable', `${PRLIMIT} is not installed`)
  const { readable } = systemFolders()
  const input: LauncherInput = {
    program: run.program,
    args: run.args,
    env: run.env,
    cwd: run.cwd,
    readable: [...readable, ...DEVICES, ...run.readable],
    writable: [...run.writable, '/dev/null'],
    pinned: run.pinned.map(({ path, sha256 }) => ({ path, sha256 })),
    limits: processLimits(run),
    architecture: arch,
  }
  return {
    command: process.execPath,
    args: ['--no-warnings', programFile(import.meta.url, 'landlock-launcher.ts', 'sandbox-launcher.js'), 'launch'],
    env: {},
    input: Buffer.from(JSON.stringify(input)),
    handsOutListener: false,
  }
}
