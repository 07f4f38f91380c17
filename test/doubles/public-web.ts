/**
 * A small internet on loopback: servers at 127.0.0.2 and up stand for public ones, 127.0.0.1 for what must not be reached; names come from a real name server. All of it
 * behind the real guard and the real transport; only what counts as public is injected.
 */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { EgressFetch, EgressTunnel, EgressRequest, EgressResponse } from '../../src/contracts/egress.ts'
import type { NamedSecrets } from '../../src/contracts/named-secret.ts'
import { createGuardedFetch } from '../../src/guard/guarded-fetch.ts'
import { createGuardedTunnel } from '../../src/guard/guarded-tunnel.ts'
import type { CheckpointReport } from '../../src/guard/stage.ts'
import { openTunnel } from '../../src/net/tunnel.ts'
import { createTransport } from '../../src/net/transport.ts'
import { selfSigned } from './certificate.ts'
import { type Answers, startDnsServer } from './dns-server.ts'

export const INTERNAL = '127.0.0.1'
export const PUBLIC = '127.0.0.2'
export const ELSEWHERE = '127.0.0.3'
const servers = [INTERNAL, PUBLIC, ELSEWHERE]
const certificate = selfSigned(['*.site.example', ...servers])

/** One request as it arrived. */
export interface Visit {
  readonly at: string
  readonly request: IncomingMessage
  readonly servername: string
}

export interface PublicWeb extends AsyncDisposable {
  readonly port: number
  readonly visits: readonly Visit[]
  /** Addresses at which a connection arrived, whether a request followed or not. */
  readonly connections: readonly string[]
  readonly questions: readonly string[]
  readonly reports: readonly CheckpointReport[]
  readonly fetch: EgressFetch
  readonly tunnel: EgressTunnel
  readonly transport: ReturnType<typeof createTransport>
  url(host: string, path?: string): URL
  get(url: URL | string, more?: Partial<EgressRequest>, signal?: AbortSignal): Promise<EgressResponse>
}

export type Site = (visit: Visit, response: ServerResponse) => void

export interface PublicWebOptions {
  readonly answers: Answers
  readonly site?: Site
  readonly isPublic?: (address: string) => boolean
  /** What headers may name, given the port of the servers. */
  readonly secrets?: (port: number) => NamedSecrets
}

export async function startPublicWeb({
  answers,
  site = sayWhere,
  isPublic = (address) => address !== INTERNAL && servers.includes(address),
  secrets = () => ({}),
}: PublicWebOptions) {
  const visits: Visit[] = []
  const connections: string[] = []
  const reports: CheckpointReport[] = []
  const serve = (at: string): Server => {
    const server = createServer(certificate, (request, response) => {
      const visit = { at, request, servername: servernameOf(request) }
      visits.push(visit)
      site(visit, response)
    })
    server.on('connection', () => connections.push(at))
    return server
  }
  const { port, running } = await listenOnOnePort(serve)
  const dns = await startDnsServer(answers)
  const transport = createTransport({ ca: certificate.cert })
  const reach = { resolve: dns.resolve, isPublic: async (address: string) => isPublic(address), secrets: secrets(port) }
  const fetch = createGuardedFetch(transport, (report) => reports.push(report), reach)
  const web: PublicWeb = {
    port,
    visits,
    connections,
    questions: dns.questions,
    reports,
    fetch,
    tunnel: createGuardedTunnel(openTunnel, (report) => reports.push(report), reach),
    transport,
    url: (host, path = '/') => new URL(`https://${host}:${port}${path}`),
    get: (url, more = {}, signal = AbortSignal.timeout(10_000)) =>
      fetch({ method: 'GET', url: new URL(url), headers: {}, policy: { hosts: 'public' }, ...more }, signal),
    async [Symbol.asyncDispose]() {
      await transport.close()
      await Promise.all([dns.close(), ...running.map(closeServer)])
    },
  }
  return web
}

export async function textOf(response: EgressResponse): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of response.body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

function sayWhere({ at }: Visit, response: ServerResponse): void {
  response.end(`at ${at}`)
}

function servernameOf({ socket }: IncomingMessage): string {
  return 'servername' in socket && typeof socket.servername === 'string' ? socket.servername : ''
}

/** The system chooses a port at one address; at the others it may be taken, and then the choice is made again. */
async function listenOnOnePort(serve: (at: string) => Server): Promise<{ readonly port: number; readonly running: readonly Server[] }> {
  for (let attempt = 0; ; attempt++) {
    const running: Server[] = []
    try {
      let port = 0
      for (const at of servers) {
        const server = serve(at).listen(port, at)
        await once(server, 'listening')
        running.push(server)
        const address = server.address()
        if (address !== null && typeof address === 'object') ({ port } = address)
      }
      return { port, running }
    } catch (error) {
      await Promise.all(running.map(closeServer))
      if (attempt === 5) throw error
    }
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
