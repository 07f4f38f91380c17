/** Answers with the headers that every answer carries. */
import { STATUS_CODES, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { AppError } from '../contracts/errors.ts'

export const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
} as const

export function sendJson(response: ServerResponse, status: number, body: unknown, headers: OutgoingHttpHeaders = {}, mode: 'end' | 'linger' = 'end'): void {
  const text = JSON.stringify(body)
  response.writeHead(status, { ...securityHeaders, 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text), ...headers })
  if (mode === 'end') response.end(text)
  else response.write(text)
}

/** `{error: {message, type, param, code}}`, the shape that clients of `/v1` know; used for every route. */
export interface ErrorAnswer {
  readonly error: { readonly message: string; readonly type: string; readonly param: string | null; readonly code: string }
}

export function errorAnswer(error: AppError, param: string | null = null): ErrorAnswer {
  const message = error.hint === undefined ? error.message : `${error.message} (${error.hint})`
  return { error: { message, type: errorType(error.status), param, code: error.code } }
}

function errorType(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 404) return 'not_found_error'
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}

/** With `linger` the answer is complete, but the connection is left to the caller to close. */
export function sendError(response: ServerResponse, error: AppError, headers: OutgoingHttpHeaders = {}, mode: 'end' | 'linger' = 'end'): void {
  const all = { ...retryAfter(error), ...(error.retryable ? {} : { 'x-should-retry': 'false' }), ...headers }
  sendJson(response, error.status, errorAnswer(error, error instanceof InvalidParameter ? error.param : null), all, mode)
}

/** A request that names the part of it that is wrong. */
export class InvalidParameter extends AppError {
  readonly param: string

  constructor(param: string, detail: string) {
    super('request/invalid', detail)
    this.param = param
  }
}

/** Seconds, rounded up; 429 and 503 always say some. */
export function retryAfter(error: AppError): { 'retry-after'?: string } {
  const milliseconds = error.retryAfterMs ?? (error.status === 429 ? 1000 : error.status === 503 ? 5000 : null)
  return milliseconds === null ? {} : { 'retry-after': String(Math.max(1, Math.ceil(milliseconds / 1000))) }
}

/** The same as raw bytes, for sockets that have no response object: an upgrade that is refused. */
export function rawAnswer(error: AppError): string {
  const body = JSON.stringify(errorAnswer(error))
  const headers: Record<string, string | number> = {
    ...securityHeaders,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
    ...retryAfter(error),
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? 'Error'}\r\n${lines.join('')}\r\n${body}`
}

/** Answers an upgrade with plain HTTP and closes, whatever the other side does. */
export function refuseUpgrade(socket: Duplex, error: AppError): void {
  socket.end(rawAnswer(error), () => socket.destroy())
}
