/**
 * One connection for one exchange with a public host, to addresses that were checked before. The name serves for TLS and `Host` only: nothing looks it up again, and a
 * connection that stands elsewhere is closed before a byte of the request leaves.
 */
import { isIP, type LookupFunction } from 'node:net'
import type { Client, buildConnector } from 'undici'
import { UNCHECKED_PEER } from './net-error.ts'

export interface PinnedOptions {
  readonly connectTimeoutMs: number
  /** Certificate authorities instead of the built-in ones. */
  readonly ca?: string
}

export async function openPinned(origin: string, pinned: readonly string[], { connectTimeoutMs, ca }: PinnedOptions): Promise<Client> {
  const [{ default: UndiciClient }, { default: build }] = await Promise.all([import('undici/lib/dispatcher/client.js'), import('undici/lib/core/connect.js')])
  const connector = build({
    timeout: connectTimeoutMs,
    allowH2: false,
    maxCachedSessions: 0,
    lookup: lookupOf(pinned),
    ...(ca === undefined ? {} : { ca }),
  })
  return new UndiciClient(origin, { connect: onlyTo(pinned, connector), pipelining: 1 })
}

function onlyTo(pinned: readonly string[], connector: buildConnector.connector): buildConnector.connector {
  const checked = new Set(pinned.map(canonical))
  const isChecked = (address: string | undefined) => address !== undefined && checked.has(canonical(address))
  return (options, callback) => {
    // For an address no lookup is asked, so it is compared here.
    const host = options.hostname.replace(/^\[|\]$/g, '')
    if (isIP(host) !== 0 && !isChecked(host)) return callback(uncheckedPeer(), null)
    connector(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null)
      if (isChecked(socket.remoteAddress)) return callback(null, socket)
      socket.destroy()
      return callback(uncheckedPeer(), null)
    })
  }
}

function lookupOf(pinned: readonly string[]): LookupFunction {
  const addresses = pinned.map((address) => ({ address, family: isIP(address) }))
  return (_, options, callback) => {
    const [first] = addresses
    if (first === undefined) return callback(uncheckedPeer(), '')
    if (options.all === true) return callback(null, addresses)
    return callback(null, first.address, first.family)
  }
}

/** Of two spellings of an IPv6 address, one. */
function canonical(address: string): string {
  return isIP(address) === 6 && URL.canParse(`http://[${address}]`) ? new URL(`http://[${address}]`).hostname : address
}

function uncheckedPeer(): Error {
  return Object.assign(new Error('the peer was not checked'), { code: UNCHECKED_PEER })
}
