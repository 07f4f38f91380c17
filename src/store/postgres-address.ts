/** Where a PostgreSQL stands, out of its URL. Beyond this machine the connection is encrypted and the server's certificate checked, unless the URL says otherwise. */
import { AppError } from '../contracts/errors.ts'

export interface PostgresAddress {
  readonly host: string
  readonly port: number
  /** Of a socket file; then `host` and `port` do not count. */
  readonly path: string | undefined
  readonly database: string
  readonly user: string
  readonly password: string
  readonly ssl: false | 'require' | 'verify-full'
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1'])
const HINT = 'It looks like postgres://user:password@host:5432/database'

/** Throws `store/unavailable`, without repeating the URL: it may hold a password. */
export function postgresAddress(source: string): PostgresAddress {
  const url = URL.parse(source)
  if (url === null || (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:')) throw wrong('store.url is no address of a database')
  const unknown = [...url.searchParams.keys()].find((name) => name !== 'host' && name !== 'sslmode')
  if (unknown !== undefined) throw wrong(`store.url has a parameter that is not known: ${unknown}`)
  const named = url.searchParams.get('host') ?? (url.hostname === '' ? 'localhost' : url.hostname)
  const host = decodeURIComponent(named).replace(/^\[(.*)\]$/, '$1')
  const port = url.port === '' ? 5432 : Number(url.port)
  const database = decodeURIComponent(url.pathname.slice(1))
  const user = decodeURIComponent(url.username)
  if (database === '' || user === '') throw wrong('store.url names no database or no user')
  const path = host.startsWith('/') ? `${host}/.s.PGSQL.${port}` : undefined
  const isLocal = path !== undefined || LOOPBACK.has(host)
  return { host, port, path, database, user, password: decodeURIComponent(url.password), ssl: sslOf(url.searchParams.get('sslmode'), isLocal) }
}

function sslOf(mode: string | null, isLocal: boolean): PostgresAddress['ssl'] {
  if (mode === null) return isLocal ? false : 'verify-full'
  if (mode === 'disable') return false
  if (mode === 'require' || mode === 'verify-full') return mode
  throw wrong('store.url: sslmode is disable, require or verify-full')
}

function wrong(detail: string): AppError {
  return new AppError('store/unavailable', detail, { hint: HINT })
}
