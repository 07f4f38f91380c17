/** Says what a sandbox keeps, by a program that tries to take it. */
import { existsSync } from 'node:fs'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import * as z from 'zod/mini'
import { AppError } from '../contracts/errors.ts'
import type { Sandbox } from '../contracts/sandbox.ts'
import type { ProbeInput } from './probe.ts'
import { programFile } from './program-file.ts'

export interface BreakOut {
  /** What could not be reached, and what could. */
  readonly closed: readonly string[]
  readonly open: readonly string[]
}

const PROBE_MS = 20_000
const MEBIBYTE = 1024 * 1024
const answer = z.array(z.strictObject({ name: z.string(), isOpen: z.boolean() })).check(z.minLength(1))

export async function tryToBreakOut(sandbox: Sandbox, input: ProbeInput, signal: AbortSignal): Promise<BreakOut> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'carapace-probe-')))
  try {
    const probe = await realpath(programFile(import.meta.url, 'probe.ts', 'sandbox-probe.js'))
    const program = await realpath(process.execPath)
    const { stdout, stderr, ended } = await sandbox.run(
      {
        program,
        args: ['--no-warnings', probe, 'probe', JSON.stringify(input)],
        env: { PATH: '/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8', TERM: 'dumb' },
        cwd: folder,
        writable: [folder],
        readable: [program, dirname(probe), ...packageFileOf(probe)],
        pinned: [],
        stdin: '',
        connect: null,
        limits: { timeoutMs: PROBE_MS, memoryBytes: 512 * MEBIBYTE, maxProcesses: 64, maxOutputBytes: 65_536, maxFileBytes: MEBIBYTE, maxDiskBytes: MEBIBYTE },
      },
      signal,
    )
    const ways = answer.safeParse(parse(stdout))
    if (!ways.success)
      throw new AppError('sandbox/unavailable', `the probe did not answer (${ended}): ${stderr.trim().split('\n').at(-1)?.slice(0, 200) ?? ''}`)
    const names = (isOpen: boolean) => ways.data.filter((way) => way.isOpen === isOpen).map(({ name }) => name)
    return { closed: names(false), open: names(true) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The runtime looks for it above every module, and takes a refusal for a fault. */
function packageFileOf(file: string): readonly string[] {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const path = join(folder, 'package.json')
    if (existsSync(path)) return [path]
    if (folder === dirname(folder)) return []
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
