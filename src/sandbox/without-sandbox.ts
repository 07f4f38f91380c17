/** The owner said `exec.sandbox: 'unsandboxed'`: only environment, time, output and, where prlimit(1) is there, limits of each process hold. */
import { existsSync } from 'node:fs'
import type { SandboxRun } from '../contracts/sandbox.ts'
import { AppError } from '../contracts/errors.ts'
import { PRLIMIT, processLimits, type Launch } from './launch.ts'

export function withoutSandbox(run: SandboxRun): Launch {
  if (run.connect !== null) {
    throw new AppError('sandbox/unavailable', 'without a sandbox a program reaches every host; none can be granted', {
      hint: 'Leave hosts out, or set exec.sandbox to required',
    })
  }
  const limits = existsSync(PRLIMIT) ? [PRLIMIT, ...Object.entries(processLimits(run)).map(([name, value]) => `--${name}=${value}`)] : []
  const [command = run.program, ...args] = [...limits, run.program, ...run.args]
  return { command, args, env: run.env, input: null, handsOutListener: false }
}
