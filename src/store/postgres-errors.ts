/** What PostgreSQL and the way to it may say, in our words. Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
import { AppError } from '../contracts/errors.ts'

/** Another try may find the server again. */
const LOST = /^(?:08...|57P0[1-4]|53300|CONNECTION_\w+|CONNECT_TIMEOUT|ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOENT|EAI_AGAIN|ENOTFOUND)$/
/** The connection itself is gone, perhaps with words of ours in it: the client (3.4.9) sends no more over what takes its place. */
const BROKEN = /^(?:CONNECTION_CLOSED|CONNECT_TIMEOUT|ECONNRESET|EPIPE|ETIMEDOUT)$/
/** The server took the whole transaction back, and asks to try it again. */
const AGAIN = /^(?:40001|40P01)$/

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

export const isLost = (error: unknown): boolean => LOST.test(codeOf(error))
export const isBroken = (error: unknown): boolean => BROKEN.test(codeOf(error))
export const isToRepeat = (error: unknown): boolean => AGAIN.test(codeOf(error))

/** The client's own error carries the statement with its values: texts of people. It goes no further. */
export function translated(error: unknown): unknown {
  if (error instanceof AppError) return error
  const code = codeOf(error)
  if (code === '') return error
  const cause = new Error(`${code} ${error instanceof Error ? error.message : ''}`)
  const unavailable = (detail: string, hint?: string) => new AppError('store/unavailable', detail, { cause, ...(hint === undefined ? {} : { hint }) })
  if (code.startsWith('23')) return new AppError('store/conflict', undefined, { cause })
  if (isLost(error)) return unavailable('the server cannot be reached', 'Check that the database of store.url runs and answers')
  if (code.startsWith('28')) return unavailable('the server refused our user or password', 'Check the user and the password in store.url')
  if (code === '3D000') return unavailable('the server has no such database', 'Create it: createdb NAME')
  if (code === '42501') return unavailable('our user may not do that', 'Give it the rights on the database: GRANT ALL ON SCHEMA public TO …')
  if (code === '53100') return unavailable('the disk is full', 'Free some space on the server, then try again')
  if (code.startsWith('53')) return unavailable('the server is short of something')
  if (code === '25006') return unavailable('the server only reads', 'Point store.url to the primary')
  if (code === '55P03' || code === '57014') return unavailable('the server was too slow')
  if (code.startsWith('XX00')) return new AppError('store/corrupt', undefined, { cause, hint: 'Restore a backup of the database' })
  // The server's own words may repeat a value.
  return new Error(`the database refused a statement (${code})`, { cause: code.startsWith('42') ? cause : undefined })
}
