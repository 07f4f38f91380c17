/**
 * An HTTP proxy for one command: to the hosts that the owner agreed to, and to no others. `CONNECT` makes a bare connection, by which a program speaks TLS itself. A plain
 * `http://host/…` request is sent on as https by the guarded fetch, so that named secrets can be put in: no program sees one.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { EgressFetch, EgressRequest, EgressTunnel } from '../contracts/egress.ts'
import { AppError, exposed } from '../contracts/errors.ts'
import type { Log } from '../contracts/log.ts'

export interface HostProxyOptions {
  /** `name:port` */
  readonly hosts: readonly string[]
  readonly tunnel: EgressTunnel
  readonly fetch: EgressFetch
  /** Takes every known secret out of a text: a host may send back what it was sent. */
  readonly redact: (text: string) => string
  /** What a line of the log may hold of a host that a program chose. */
  readonly logged: (host: string) => string
  readonly log: Log
}

export interface OpenHostProxy {
  take(connection: Duplex): void
  close(): void
}

const MAX_CONNECTIONS = 64
const MAX_BODY_BYTES = 8 * 1024 * 1024
const METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const
/** What concerns this connection only, or is made anew. */
const NOT_SENT_ON = new Set(['host', 'connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'content-length', 'accept-encoding'])

export async function openHostProxy(options: HostProxyOptions): Promise<OpenHostProxy> {
  const { createServer } = await import('node:http')
  const granted = new Set(options.hosts)
  const ending = new AbortController()
  const open = new Set<Duplex>()
  const keep = (connection: Duplex) => {
    open.add(connection)
    connection.on('error', () => undefined)
    connection.on('close', () => open.delete(connection))
  }
  const allowed = (url: URL): boolean => {
    const host = `${url.hostname}:${url.port === '' ? '443' : url.port}`
    const isGranted = granted.has(host)
    options.log.info('exec.connection', { host: options.logged(host), verdict: isGranted ? 'pass' : 'refused' })
    return isGranted
  }
  const server = createServer({ maxHeaderSize: 16 * 1024, keepAliveTimeout: 5000 }, (request, response) => {
    void sendOn(request, response, allowed, options, ending.signal).catch((error: unknown) => refuse(response, error))
  })
  server.on('connect', (request, connection, head) => {
    const url = addressOf(`https://${request.url ?? ''}/`)
    if (url === null || !allowed(url)) return void connection.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\nThis host was not agreed to\n')
    void join(url, connection, head)
  })
  const join = async (url: URL, connection: Duplex, head: Buffer): Promise<void> => {
    try {
      const upstream = await options.tunnel(url, ending.signal)
      keep(upstream)
      connection.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.write(head)
      upstream.pipe(connection).pipe(upstream)
      connection.on('close', () => upstream.destroy())
      upstream.on('close', () => connection.destroy())
    } catch {
      connection.end('HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\n\r\n')
    }
  }
  return {
    take(connection) {
      if (open.size >= MAX_CONNECTIONS) return void connection.destroy()
      keep(connection)
      server.emit('connection', connection)
      connection.resume()
    },
    close() {
      ending.abort(new AppError('turn/cancelled'))
      for (const connection of open) connection.destroy()
    },
  }
}

async function sendOn(
  incoming: IncomingMessage,
  response: ServerResponse,
  allowed: (url: URL) => boolean,
  { fetch, redact }: HostProxyOptions,
  signal: AbortSignal,
): Promise<void> {
  const url = addressOf((incoming.url ?? '').replace(/^http:/, 'https:'))
  const method = METHODS.find((name) => name === incoming.method)
  if (url === null || method === undefined) throw new AppError('request/invalid', 'a proxy takes GET, POST, PUT and DELETE of http:// addresses, and CONNECT')
  if (!allowed(url)) throw new AppError('net/refused', 'this host was not agreed to')
  const body = await readBounded(incoming)
  const answer = await fetch(requestOf(method, url, incoming, body), signal)
  const chunks: Uint8Array[] = []
  for await (const chunk of answer.body) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  const text = bytes.toString('utf8')
  const clean = redact(text)
  const headers = Object.entries(answer.headers).filter(([name]) => !NOT_SENT_ON.has(name))
  response.writeHead(answer.status, Object.fromEntries(headers.map(([name, value]) => [name, redact(value)])))
  response.end(clean === text ? bytes : clean)
}

function requestOf(method: EgressRequest['method'], url: URL, { headers }: IncomingMessage, body: Buffer): EgressRequest {
  const sent = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined || NOT_SENT_ON.has(name) || name.startsWith('proxy-') ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as const],
  )
  return {
    method,
    url,
    headers: Object.fromEntries(sent),
    ...(body.length === 0 ? {} : { body }),
    maxBodyBytes: MAX_BODY_BYTES,
    policy: { hosts: 'public' },
  }
}

async function readBounded(incoming: IncomingMessage): Promise<Buffer> {
  let length = 0
  incoming.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > MAX_BODY_BYTES) incoming.destroy(new AppError('request/too-large'))
  })
  return buffer(incoming)
}

function refuse(response: ServerResponse, error: unknown): void {
  const { status, message } = exposed(error)
  if (!response.headersSent) response.writeHead(status, { 'content-type': 'text/plain' })
  response.end(`${message}\n`)
}

function addressOf(text: string): URL | null {
  if (!text.startsWith('https://') || !URL.canParse(text)) return null
  const url = new URL(text)
  return url.username === '' && url.password === '' ? url : null
}
