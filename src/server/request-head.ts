/** Reads the head of a request in one pass over the raw headers, so that a repeated header cannot be read two ways. */
import type { IncomingMessage } from 'node:http'
import type { Scope } from '../contracts/scope.ts'
import type { ForwardedHead, RequestHead } from '../guard/request.ts'
import { readSessionCookie } from './cookies.ts'

const PROXY_HEADER = /^(?:forwarded|x-forwarded(?:-.*)?|x-real-ip|x-client-ip|x-cluster-client-ip|true-client-ip|cf-connecting-ip|via)$/

/** What the router knows of the target. */
export interface RequestTarget {
  readonly path: string | null
  readonly scope: Scope
  readonly isAttempt: boolean
  readonly isUpgrade: boolean
}

export function readHead(request: IncomingMessage, target: RequestTarget): RequestHead {
  let host: string | null = null
  let origin: string | null = null
  let authorization: string | null = null
  let protocols: string | null = null
  let cookies: string | null = null
  let csrfToken: string | null = null
  let fetchSite: string | null = null
  let length: string | null = null
  let forwarded: Forwarding | null = null
  const { rawHeaders } = request
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    const value = rawHeaders[index + 1] ?? ''
    // A second host, origin or credential makes all of them worthless.
    if (name === 'host') host = host === null ? value.toLowerCase() : ''
    else if (name === 'origin') origin = origin === null ? value : 'invalid'
    else if (name === 'authorization') authorization = authorization === null ? value : ''
    else if (name === 'sec-websocket-protocol') protocols = protocols === null ? value : ''
    else if (name === 'cookie') cookies = cookies === null ? value : `${cookies}; ${value}`
    else if (name === 'x-csrf-token') csrfToken = csrfToken === null ? value : ''
    else if (name === 'sec-fetch-site') fetchSite = value.toLowerCase()
    else if (name === 'content-length') length = value
    else if (PROXY_HEADER.test(name)) (forwarded ??= new Forwarding(name)).take(name, value)
  }
  return {
    method: request.method ?? '',
    ...target,
    address: request.socket.remoteAddress ?? '',
    host,
    origin,
    fetchSite,
    forwarded,
    token: authorization !== null ? bearer(authorization) : target.isUpgrade ? protocolToken(protocols) : null,
    session: cookies === null ? null : readSessionCookie(cookies),
    csrfToken,
    contentLength: length === null ? null : Number(length),
  }
}

/** The name that `tailscale serve` writes; null where there is none, or several. */
export function readTailnetLogin({ rawHeaders }: IncomingMessage): string | null {
  const found = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'tailscale-user-login')
  return found.length === 1 ? (found[0] ?? null) : null
}

/** The headers of proxies, each once. */
class Forwarding implements ForwardedHead {
  readonly name: string
  for: string | null = null
  proto: string | null = null
  host: string | null = null
  readonly clients: string[] = []
  fault: string | null = null

  constructor(name: string) {
    this.name = name
  }

  take(name: string, value: string): void {
    if (name === 'x-forwarded-for') this.for = this.#once(name, this.for, value)
    else if (name === 'x-forwarded-proto') this.proto = this.#once(name, this.proto, value.toLowerCase())
    else if (name === 'x-forwarded-host') this.host = this.#once(name, this.host, value.toLowerCase())
    else if (name === 'forwarded') this.fault ??= 'Forwarded is not read: let the proxy send X-Forwarded-For'
    else if (name !== 'via' && !name.startsWith('x-forwarded')) this.clients.push(value)
  }

  #once(name: string, before: string | null, value: string): string {
    if (before !== null) this.fault ??= `${name} comes twice`
    return value
  }
}

function bearer(authorization: string): string {
  return /^bearer +([^\s,]{1,512})$/i.exec(authorization)?.[1] ?? ''
}

/** Browsers cannot set headers on a WebSocket: there the token travels as a protocol name, `bearer.TOKEN`. */
function protocolToken(protocols: string | null): string | null {
  const offered = protocols?.split(',').map((name) => name.trim()) ?? []
  const found = offered.filter((name) => name.startsWith('bearer.'))
  return found.length === 0 ? null : found.length === 1 ? (found[0]?.slice('bearer.'.length) ?? '') : ''
}
