/** Reads the head of a request in one pass over the raw headers, so that a repeated header cannot be read two ways. */
import type { IncomingMessage } from 'node:http'
import type { Scope } from '../contracts/scope.ts'
import type { RequestHead } from '../guard/request.ts'

const PROXY_HEADER = /^(?:forwarded|x-forwarded(?:-.*)?|x-real-ip|x-client-ip|x-cluster-client-ip|true-client-ip|cf-connecting-ip|via)$/

export function readHead(request: IncomingMessage, path: string | null, scope: Scope): RequestHead {
  let host: string | null = null
  let origin: string | null = null
  let authorization: string | null = null
  let protocols: string | null = null
  let fetchSite: string | null = null
  let proxyHeader: string | null = null
  let length: string | null = null
  const { rawHeaders } = request
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    const value = rawHeaders[index + 1] ?? ''
    // A second host, origin or credential makes all of them worthless.
    if (name === 'host') host = host === null ? value.toLowerCase() : ''
    else if (name === 'origin') origin = origin === null ? value : 'invalid'
    else if (name === 'authorization') authorization = authorization === null ? value : ''
    else if (name === 'sec-websocket-protocol') protocols = protocols === null ? value : ''
    else if (name === 'sec-fetch-site') fetchSite = value.toLowerCase()
    else if (name === 'content-length') length = value
    else if (PROXY_HEADER.test(name)) proxyHeader = name
  }
  return {
    method: request.method ?? '',
    path,
    address: request.socket.remoteAddress ?? '',
    host,
    origin,
    fetchSite,
    proxyHeader,
    token: authorization !== null ? bearer(authorization) : request.headers.upgrade === undefined ? null : protocolToken(protocols),
    scope,
    contentLength: length === null ? null : Number(length),
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
