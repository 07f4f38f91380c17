/**
 * Programs that try to get out. Each is a real one, runs once without any sandbox, where it must succeed (or it would prove nothing), and once in each sandbox of this machine, where
 * it must not.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { describe, test } from 'node:test'
import type { Sandbox, SandboxOutcome } from '../../src/contracts/sandbox.ts'
import { openSandbox } from '../../src/sandbox/open-sandbox.ts'
import { installBubblewrap } from '../doubles/install-packages.ts'
import { files } from './escapes/files.ts'
import { limits } from './escapes/limits.ts'
import { network } from './escapes/network.ts'
import { processes } from './escapes/processes.ts'
import { makeWorld, saysSo, type Attempt, type World } from './escapes/world.ts'

const missing = process.platform === 'linux' ? installBubblewrap() : 'these attempts are written for Linux'
const isRoot = process.getuid?.() === 0
const groups = { files, network, processes, limits }
const MIB = 1024 * 1024

async function alone([program = '', ...args]: readonly string[], world: World): Promise<SandboxOutcome> {
  const child = spawn(program, args, {
    cwd: world.workspace,
    env: { ...process.env, CARAPACE_ESCAPE_CANARY: '1' },
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  const [exitCode, signal] = await new Promise<[number | null, string | null]>((resolve) => child.once('close', (...ends) => resolve(ends)))
  return { ended: 'exit', exitCode, signal, stdout: Buffer.concat(chunks).toString(), stderr: '' }
}

async function inside(sandbox: Sandbox, { argv, limits: more }: Attempt, world: World): Promise<SandboxOutcome> {
  const [program = '', ...args] = argv(world)
  const bounds = {
    timeoutMs: 8000,
    memoryBytes: 512 * MIB,
    maxProcesses: 32,
    maxOutputBytes: 256 * 1024,
    maxFileBytes: 64 * MIB,
    maxDiskBytes: 256 * MIB,
    ...more,
  }
  const env = { PATH: '/usr/bin:/bin', HOME: world.workspace, TERM: 'dumb' }
  const { workspace: cwd } = world
  return sandbox.run(
    { program, args, env, cwd, writable: [cwd], readable: [], pinned: [], stdin: '', connect: null, limits: bounds },
    AbortSignal.timeout(20_000),
  )
}

describe('without a sandbox', () => {
  for (const [group, attempts] of Object.entries(groups)) {
    for (const attempt of attempts) {
      test(`${group}: ${attempt.name}`, { skip: isRoot ? false : 'some of these need root to succeed' }, async () => {
        await using world = await makeWorld()
        const outcome = await alone(attempt.argv(world), world)
        assert.ok(await (attempt.escaped ?? saysSo)(world, outcome), JSON.stringify(outcome))
      })
    }
  }
})

for (const backend of ['bubblewrap', 'landlock'] as const) {
  describe(`in ${backend}`, () => {
    const skip = backend === 'bubblewrap' && missing !== null ? missing : false
    const opened = skip === false ? openSandbox({ sandbox: 'required', backend }) : null
    for (const [group, attempts] of Object.entries(groups)) {
      for (const attempt of attempts) {
        test(`${group}: ${attempt.name}`, { skip }, async () => {
          await using world = await makeWorld()
          // Closes what the world left open, as the first command of a gateway does.
          await openSandbox({ sandbox: 'unsandboxed', backend: 'auto' })
          assert.ok(opened !== null)
          const outcome = await inside(await opened, attempt, world)
          assert.notEqual(outcome.exitCode, 126, outcome.stderr)
          assert.equal(await (attempt.escaped ?? saysSo)(world, outcome), false, JSON.stringify(outcome))
        })
      }
    }
  })
}

test('there are at least thirty ways out to try', () => {
  assert.ok(Object.values(groups).flat().length >= 30)
})
