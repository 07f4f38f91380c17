/** What lies around a sandbox: folders of the owner, servers and a process outside, all real. A fresh one for every attempt; `escaped` of an attempt looks at what happened here. */
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { closeSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SandboxLimits, SandboxOutcome } from '../../../src/contracts/sandbox.ts'

export const SECRET = 'the-owner-s-secret-7f3a'
const ENVIRONMENT_SECRET = 'environment-secret-91c2'

export interface World {
  readonly folder: string
  readonly home: string
  readonly state: string
  readonly workspace: string
  /** A file that the owner alone may read. */
  readonly secret: string
  /** Process that runs outside, with a secret in its environment. */
  readonly victim: number
  /** A descriptor of the secret file that this process would leave open to its children. */
  readonly descriptor: number
  readonly tcpPort: number
  readonly udpPort: number
  readonly socketPath: string
  /** Without the zero byte. */
  readonly abstractName: string
  /** Connections and datagrams that arrived. */
  reached(): number
}

export interface Attempt {
  readonly name: string
  readonly argv: (world: World) => readonly string[]
  /** Whether it got what it wanted; by default, whether it said so. */
  readonly escaped?: (world: World, outcome: SandboxOutcome) => boolean | Promise<boolean>
  readonly limits?: Partial<SandboxLimits>
}

/** What an attempt prints when it got through. */
const ESCAPED = 'ESCAPED'

export function saysSo(_world: World, { stdout }: SandboxOutcome): boolean {
  return stdout.includes(ESCAPED)
}

export const tellsSecret = (_world: World, { stdout }: SandboxOutcome): boolean => stdout.includes(SECRET)
export const tellsEnvironment = (_world: World, { stdout }: SandboxOutcome): boolean => stdout.includes(ENVIRONMENT_SECRET)
export const hasReached = (world: World): boolean => world.reached() > 0

export const shell = (line: string): readonly string[] => ['/bin/sh', '-c', line]
export const perl = (line: string): readonly string[] => ['/usr/bin/perl', '-e', line]

// It warns every process that it is new.
process.removeAllListeners('warning')
const libc = process.getBuiltinModule('node:ffi').dlopen(null, { open: { arguments: ['string', 'i32'], return: 'i32' } }).functions

export async function makeWorld(): Promise<World & AsyncDisposable> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'carapace-escape-')))
  const home = join(folder, 'home')
  const state = join(folder, 'state')
  const workspace = join(state, 'workspace')
  await mkdir(home)
  await mkdir(workspace, { recursive: true })
  const secret = join(home, 'secret')
  await writeFile(secret, SECRET, { mode: 0o600 })
  await writeFile(join(state, 'gateway-token.sealed'), SECRET, { mode: 0o600 })
  await writeFile(join(folder, 'carapace.json5'), SECRET, { mode: 0o600 })
  const victim = spawn('/bin/sleep', ['1000'], { env: { TOKEN: ENVIRONMENT_SECRET }, cwd: home, stdio: 'ignore' })
  if (victim.pid === undefined) throw new Error('no process could be started')
  const { pid } = victim
  // Started is not yet the program.
  for (let tries = 0; tries < 200 && !readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('/bin/sleep'); tries++)
    await new Promise((done) => setTimeout(done, 5))
  let arrived = 0
  const listen = async (place: number | string): Promise<Server> => {
    const server = createServer((socket) => {
      arrived++
      socket.on('error', () => undefined)
      socket.end()
    })
    if (typeof place === 'number') server.listen(place, '127.0.0.1')
    else server.listen(place)
    await once(server, 'listening')
    return server
  }
  const socketPath = join(home, 'agent.sock')
  const abstractName = `carapace-escape-${pid}`
  const servers = [await listen(0), await listen(socketPath), await listen(`\0${abstractName}`)]
  const udp = createSocket('udp4', () => arrived++)
  udp.bind(0, '127.0.0.1')
  await once(udp, 'listening')
  const address = servers[0]?.address()
  // As a careless parent leaves it: without close-on-exec.
  const descriptor = libc.open(secret, 0)
  return {
    folder,
    home,
    state,
    workspace,
    secret,
    victim: pid,
    descriptor,
    tcpPort: typeof address === 'object' && address !== null ? address.port : 0,
    udpPort: udp.address().port,
    socketPath,
    abstractName,
    reached: () => arrived,
    async [Symbol.asyncDispose]() {
      closeSync(descriptor)
      victim.kill('SIGKILL')
      udp.close()
      for (const server of servers) server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The field of `/proc/PID/stat` with this number, as proc(5) counts. */
export function statOf(pid: number, field: number): number {
  const line = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[field - 3])
}

export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
  } catch {
    return false
  }
}
