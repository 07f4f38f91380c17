/** The program as a process of its own, in a folder of its own, with nothing of this machine in its environment. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { after } from 'node:test'
import { createServices } from '../../src/app/services.ts'
import type { GatewayClient } from '../../src/net/gateway-client.ts'
import { assertNoSecretIn, secretsOf } from './canaries.ts'

const MAIN = resolve(import.meta.dirname, '../../src/app/main.ts')
const READY = /^carapace ready on (http:\S+) .*\n/

const running = new Set<ChildProcess>()
// A test that failed leaves its programs behind, and the file of tests would wait for them.
if (process.env['NODE_TEST_CONTEXT'] !== undefined) after(() => running.forEach((child) => child.kill('SIGKILL')))

export type Environment = Readonly<Record<string, string>>

/** What a process gets when nobody set anything up: state, configuration and home lie in `folder`. */
export function cleanEnvironment(folder: string, more: Environment = {}): Environment {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    CARAPACE_STATE_DIR: join(folder, 'state'),
    CARAPACE_CONFIG_PATH: join(folder, 'carapace.json5'),
    ...more,
  }
}

export interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly out: string
  readonly err: string
}

export interface Program {
  readonly child: ChildProcess
  readonly env: Environment
  /** Everything printed so far. */
  out(): string
  err(): string
  readonly ended: Promise<Ended>
  /** Resolves with the address of the gateway; rejects when the process ends before. */
  ready(): Promise<string>
  /** A client with the token of the state folder. */
  connect(): Promise<GatewayClient>
  /** SIGKILL unless it has ended. */
  kill(): Promise<Ended>
}

/** `cara …ARGUMENTS`. */
export function runProgram(args: readonly string[], env: Environment): Program {
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let out = ''
  let err = ''
  const isReady = Promise.withResolvers<string>()
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
    const url = READY.exec(out)?.[1]
    if (url !== undefined) isReady.resolve(url)
  })
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const ended = once(child, 'close').then(() => {
    running.delete(child)
    assertNoSecretIn(env['CARAPACE_STATE_DIR'], secretsOf(env))
    return { code: child.exitCode, signal: child.signalCode, out, err }
  })
  void ended.then(({ code, signal }) => isReady.reject(new Error(`it ended before it was ready (${code ?? signal}): ${err}`)))
  isReady.promise.catch(() => undefined)
  return {
    child,
    env,
    out: () => out,
    err: () => err,
    ended,
    ready: () => isReady.promise,
    connect: () => createServices(env).connect({}),
    async kill() {
      child.kill('SIGKILL')
      return ended
    },
  }
}

export function startProgram(env: Environment, ...args: readonly string[]): Program {
  return runProgram(['start', '--port', '0', ...args], env)
}
