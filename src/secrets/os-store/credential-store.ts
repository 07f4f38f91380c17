/** The credential store of the system, by a process of its own for each request, which ends in bounded time. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as z from 'zod/mini'
import type { CredentialStore } from '../../contracts/credential-store.ts'
import { AppError } from '../../contracts/errors.ts'

/** Long enough to unlock a store that asks for its password. */
const ANSWER_MS = 15_000
/** What a library needs to find the store, and nothing of ours. */
const PASSED_ON = ['DBUS_SESSION_BUS_ADDRESS', 'XDG_RUNTIME_DIR', 'HOME', 'DISPLAY', 'WAYLAND_DISPLAY', 'SystemRoot', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA']
const NAMES: Readonly<Record<string, string>> = { linux: 'Secret Service', darwin: 'Keychain', win32: 'Credential Manager' }

type Environment = Readonly<Record<string, string | undefined>>

const answer = z.union([z.strictObject({ key: z.nullable(z.string()) }), z.strictObject({ problem: z.string() })])

/** Whether there may be one at all; whether it answers is seen when it is asked. */
export function mayHaveCredentialStore(env: Environment, platform: NodeJS.Platform = process.platform): boolean {
  if (platform === 'linux') return (env['DBUS_SESSION_BUS_ADDRESS'] ?? '') !== ''
  return platform === 'darwin' || platform === 'win32'
}

export function systemCredentialStore(env: Environment, answerMs: number = ANSWER_MS): CredentialStore {
  const ask = (request: object) => {
    const passed = Object.fromEntries(PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))
    const { stdout, error } = spawnSync(process.execPath, [childFile()], {
      input: JSON.stringify(request),
      env: passed,
      timeout: answerMs,
      killSignal: 'SIGKILL',
      maxBuffer: 65_536,
      stdio: ['pipe', 'pipe', 'ignore'],
      encoding: 'utf8',
    })
    if (error !== undefined) throw lost('code' in error && error.code === 'ETIMEDOUT' ? `it did not answer within ${answerMs / 1000} s` : 'it cannot be asked')
    const read = answer.safeParse(parsed(stdout))
    if (!read.success) throw lost('it cannot be asked: the package @napi-rs/keyring is not installed, or not for this machine')
    if ('problem' in read.data) throw lost(read.data.problem.slice(0, 200))
    return read.data.key
  }
  return {
    name: NAMES[process.platform] ?? 'credential store',
    read(account) {
      const text = ask({ action: 'read', account })
      return text === null ? null : Buffer.from(text, 'base64url')
    },
    write(account, key) {
      ask({ action: 'write', account, key: key.toString('base64url') })
      if (this.read(account)?.equals(key) !== true) throw lost('it did not keep what it was given')
    },
    delete(account) {
      ask({ action: 'delete', account })
    },
  }
}

function lost(why: string): AppError {
  return new AppError('secrets/store-lost', why, {
    hint: 'Start from a session that has it (log in, unlock it, pass DBUS_SESSION_BUS_ADDRESS on); there, `cara secrets rotate --to file` does without it from now on',
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Beside the source in a checkout, in `dist/` in the bundle. */
function childFile(): string {
  const source = new URL('./child.ts', import.meta.url)
  const bundled = new URL('./credential-store-child.js', import.meta.url)
  return fileURLToPath(existsSync(source) ? source : bundled)
}
