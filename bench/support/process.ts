/** Programs that are measured: started alone, looked at from outside through `/proc`, and always ended. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const START_MS = 20_000
const STOP_MS = 10_000
const MAX_STDERR = 4000
/** Of a tick in `/proc/PID/stat`: `getconf CLK_TCK` is 100 on every Linux that Node supports. */
const TICK_MS = 10

export interface Program {
  readonly pid: number
  /** Milliseconds from before the spawn to the first answer. */
  readonly startedInMs: number
  readonly port: number
  readonly cpuMs: () => Promise<number>
  readonly residentMb: () => Promise<number>
  readonly stop: () => Promise<void>
}

export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly port: number
}

const running = new Set<ChildProcess>()
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')))

/** Resolves with the first 200 of `/health`. */
export async function launch({ command, args, env, port }: Launch): Promise<Program> {
  const startedAt = performance.now()
  const child = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  running.add(child)
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-MAX_STDERR)))
  const ended = once(child, 'exit').then(() => running.delete(child))
  const { pid } = child
  if (pid === undefined) throw new Error(`${command} cannot be started`)
  while (!(await isHealthy(port))) {
    if (!running.has(child) || performance.now() - startedAt > START_MS) throw new Error(`${command} ${args.join(' ')} did not come up: ${stderr}`)
    await sleep(0.5)
  }
  return {
    pid,
    port,
    startedInMs: performance.now() - startedAt,
    cpuMs: () => cpuMs(pid),
    residentMb: () => residentMb(pid),
    async stop() {
      child.kill('SIGTERM')
      const patience = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await ended
      clearTimeout(patience)
    },
  }
}

function isHealthy(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const probe = request({ host: '127.0.0.1', port, path: '/health', agent: false }, (response) => {
    resolve(response.statusCode === 200)
    response.resume()
  })
  probe.on('error', () => resolve(false))
  probe.end()
  return promise
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

/** User and system time of all threads. */
async function cpuMs(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The name in brackets may hold anything; `utime` and `stime` are the 14th and 15th field.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

async function residentMb(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? Number.NaN) / 1024
}
