/** A real PostgreSQL of the system's packages in a temporary folder, on a free port of 127.0.0.1. It refuses to run as root: then it runs as its own user. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chownSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import postgres from 'postgres'
import { freePort } from './free-port.ts'
import { installPackages } from './install-packages.ts'

export interface PostgresServer {
  readonly port: number
  /** The URL of a new database: empty, or as the one of this URL, which nobody may be using. */
  create(template?: string): Promise<string>
  /** As an administrator, in the database of this URL. */
  run(url: string, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  stop(): Promise<void>
}

const START_MS = 60_000
const programs = (): string | null => {
  const found = globSync('/usr/lib/postgresql/*/bin/initdb').sort().at(-1)
  return found === undefined ? null : dirname(found)
}

/** Null when it is there, else why not. */
export function installPostgres(): string | null {
  if (programs() !== null) return null
  return installPackages(['pg_ctlcluster'], ['postgresql']) ?? (programs() === null ? 'postgresql: could not be installed' : null)
}

/** `isDurable`: it flushes to the disk as a server of people does; tests that cut no power need none of that. */
export async function startPostgres({ isDurable = false, settings = [] }: { isDurable?: boolean; settings?: readonly string[] } = {}): Promise<PostgresServer> {
  const bin = programs()
  if (bin === null) throw new Error('PostgreSQL is not installed')
  const folder = mkdtempSync(join(tmpdir(), 'cara-pg-'))
  const user = userToRun()
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const options = { ...user, cwd: folder, env: { PATH: process.env['PATH'] } }
  const made = spawnSync(join(bin, 'initdb'), ['-D', data, '-U', 'cara', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'], options)
  if (made.status !== 0) throw new Error(`initdb failed: ${String(made.stderr)}`)
  const port = await freePort()
  const given = ['max_connections=100', `fsync=${isDurable ? 'on' : 'off'}`, ...settings].flatMap((setting) => ['-c', setting])
  const server = spawn(join(bin, 'postgres'), ['-D', data, '-k', folder, '-h', '127.0.0.1', '-p', String(port), ...given], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  const lines = createInterface({ input: server.stderr })
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('PostgreSQL did not start in time')), START_MS)
    lines.on('line', (line) => {
      if (!line.includes('ready to accept connections')) return
      clearTimeout(timer)
      resolve()
    })
    void ended.then(() => reject(new Error('PostgreSQL ended while it started')))
  })
  const urlOf = (name: string) => `postgres://cara@127.0.0.1:${port}/${name}`
  const run: PostgresServer['run'] = async (url, sql) => {
    const connection = postgres(url, { max: 1, onnotice: () => undefined })
    try {
      return [...(await connection.unsafe(sql))]
    } finally {
      await connection.end()
    }
  }
  let count = 0
  let last: Promise<unknown> = Promise.resolve()
  return {
    port,
    async create(template) {
      const name = `cara_${++count}`
      const like = template === undefined ? '' : ` TEMPLATE ${new URL(template).pathname.slice(1)}`
      // One after the other: a template is nobody else's meanwhile.
      const made = last.then(() => run(urlOf('postgres'), `CREATE DATABASE ${name}${like}`))
      last = made.catch(() => undefined)
      await made
      return urlOf(name)
    },
    run,
    async stop() {
      server.kill('SIGINT')
      const timer = setTimeout(() => server.kill('SIGQUIT'), 5000)
      await ended
      clearTimeout(timer)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function userToRun(): { readonly uid: number; readonly gid: number } | Record<string, never> {
  if (process.getuid?.() !== 0) return {}
  const id = (which: string) => Number(execFileSync('id', [which, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}
