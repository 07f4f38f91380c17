/**
 * What a trusted proxy says about the client behind it. Only the owner's list makes a peer a proxy; its word is taken where it is one word: a header that comes twice, or two that
 * disagree, are refused, since nobody can tell which of them the proxy wrote. Loaded where proxies are configured.
 */
import ipaddr from 'ipaddr.js'
import type { ForwardedHead } from './stages/request/facts.ts'

export type Forwarded = { readonly address: string; readonly isSecure: boolean; readonly host: string | null } | { readonly fault: string }
export type ReadForwarded = (peer: string, head: ForwardedHead) => Forwarded

type Address = ipaddr.IPv4 | ipaddr.IPv6
const MAX_HOPS = 32

/** `cidrs` are checked when the configuration is read. */
export function trustProxies(cidrs: readonly string[]): ReadForwarded {
  const ranges = cidrs.map((cidr) => ipaddr.parseCIDR(cidr.includes('/') ? cidr : `${cidr}/${cidr.includes(':') ? 128 : 32}`))
  const isTrusted = (address: Address) => ranges.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits))
  return (peer, { name, for: chain, proto, host, clients, fault }) => {
    const from = parse(peer)
    if (from === null || !isTrusted(from)) return { fault: `${name}: the peer is not one of gateway.trustedProxies` }
    if (fault !== null) return { fault }
    if (chain === null) return { fault: `${name}: X-Forwarded-For is missing` }
    const hops = chain.split(',', MAX_HOPS + 1).map((hop) => parse(hop.trim()))
    if (hops.length > MAX_HOPS || hops.includes(null)) return { fault: 'X-Forwarded-For is no list of addresses' }
    const known = hops.filter((hop) => hop !== null)
    const client = known.findLast((hop) => !isTrusted(hop)) ?? known[0]
    if (client === undefined) return { fault: 'X-Forwarded-For is empty' }
    const address = client.toString()
    if (clients.some((other) => parse(other.trim())?.toString() !== address)) return { fault: 'headers name different clients' }
    if (proto !== null && proto !== 'http' && proto !== 'https') return { fault: 'X-Forwarded-Proto is neither http nor https' }
    if (host !== null && !/^[a-z0-9.:[\]_-]{1,255}$/.test(host)) return { fault: 'X-Forwarded-Host is no host' }
    return { address, isSecure: proto === 'https', host }
  }
}

/** One spelling of an address only: no ports, no zones, no short forms. An IPv4 address inside IPv6 is that address. */
function parse(text: string): Address | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text)
  if (text.includes('%') || !ipaddr.IPv6.isValid(text)) return null
  const v6 = ipaddr.IPv6.parse(text)
  return v6.isIPv4MappedAddress() ? v6.toIPv4Address() : v6
}
