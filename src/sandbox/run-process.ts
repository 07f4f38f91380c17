/** Starts what a backend prepared, keeps its output within bounds, and ends all of it: by itself, by a limit, or by the caller. The only place that starts a process. */
import { spawn, type ChildProcess } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { AppError } from '../contracts/errors.ts'
import type { Ended, SandboxOutcome, SandboxRun, TakeConnection } from '../contracts/sandbox.ts'
import type { Launch } from './launch.ts'
import { watchProcesses } from './watch.ts'

/** For what is left of a killed group to disappear. */
const LAST_MS = 2000

export async function runProcess(launch: Launch, run: SandboxRun, signal: AbortSignal): Promise<SandboxOutcome> {
  signal.throwIfAborted()
  const child = spawn(launch.command, [...launch.args], {
    cwd: run.cwd,
    env: launch.env,
    // A session of its own: no terminal, and one group to end.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', launch.input === null ? 'ignore' : 'pipe', launch.handsOutListener ? 'ipc' : 'ignore'],
  })
  let ended: Ended = 'exit'
  const end = (why: Ended) => {
    if (ended === 'exit') ended = why
    killGroup(child)
  }
  const exited = new Promise<{ readonly exitCode: number | null; readonly signal: string | null }>((resolve, reject) => {
    child.once('error', (error) => reject(new AppError('sandbox/unavailable', `${launch.command} could not be started`, { cause: error })))
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
  })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const output = collect(child, run.limits.maxOutputBytes, () => end('output'))
  feed(child.stdio[3], launch.input)
  feed(child.stdin, run.stdin)
  const stopListening = run.connect === null ? () => undefined : takeListener(child, run.connect)
  const timer = setTimeout(() => end('time'), run.limits.timeoutMs)
  const abort = () => end('cancelled')
  signal.addEventListener('abort', abort, { once: true })
  const watch = child.pid === undefined ? null : watchProcesses(child.pid, run.limits, run.writable, end)
  try {
    const { exitCode, signal: by } = await exited
    // What the program left running ends with it.
    killGroup(child)
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, LAST_MS).unref())])
    return { ended, exitCode, signal: by, stdout: output.stdout(), stderr: output.stderr() }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    watch?.close()
    stopListening()
    for (const stream of child.stdio) stream?.destroy()
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nobody is left.
  }
}

function feed(stream: Readable | Writable | null | undefined, input: string | Uint8Array | null): void {
  if (input === null || stream === null || stream === undefined || !('end' in stream)) return
  // Whoever does not read it loses it.
  stream.on('error', () => undefined)
  stream.end(input)
}

function collect({ stdout, stderr }: ChildProcess, most: number, onFull: () => void): { readonly stdout: () => string; readonly stderr: () => string } {
  let left = most
  const gather = (stream: Readable | null) => {
    const chunks: Buffer[] = []
    stream?.on('error', () => undefined)
    stream?.on('data', (chunk: Buffer) => {
      chunks.push(chunk.subarray(0, left))
      if (chunk.length > left) onFull()
      left = Math.max(0, left - chunk.length)
    })
    return () => Buffer.concat(chunks).toString('utf8')
  }
  return { stdout: gather(stdout), stderr: gather(stderr) }
}

/** The listener inside arrives as a handle; what is accepted here are connections of the sandbox’s own loopback. */
function takeListener(child: ChildProcess, take: TakeConnection): () => void {
  let close = (): void => undefined
  child.once('message', (_message, handle) => {
    if (handle === undefined || !('close' in handle) || !('listening' in handle)) return
    handle.on('connection', take)
    handle.on('error', () => undefined)
    close = () => void handle.close()
    child.send('taken', () => undefined)
  })
  child.on('error', () => undefined)
  return () => close()
}
