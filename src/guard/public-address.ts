/**
 * Which addresses belong to the public internet. Two independent opinions must agree: the library's, that an address is plain unicast, and our own table of everything that
 * the registries set apart or that carries another address inside. Loaded when the first public host is reached.
 */
import ipaddr from 'ipaddr.js'

type Range = ReturnType<typeof ipaddr.parseCIDR>

/** Registry of special-purpose IPv4 addresses, multicast and reserved space, and one public address that clouds answer at inside. */
const NOT_PUBLIC_V4 = ranges([
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carrier-grade NAT, and the metadata service of one cloud
  '127.0.0.0/8', // loopback
  '168.63.129.16/32', // virtual machine agent of one cloud
  '169.254.0.0/16', // link-local, and the metadata services
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.31.196.0/24', // AS112
  '192.52.193.0/24', // multicast tunnels
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '192.175.48.0/24', // AS112
  '198.18.0.0/15', // benchmarking
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
])

/** Only this part of IPv6 is given out. Loopback, mapped, compatible, translated, unique local, link-local, site-local and multicast addresses lie outside. */
const GIVEN_OUT_V6 = ranges(['2000::/3'])
const NOT_PUBLIC_V6 = ranges([
  '2001::/23', // protocol assignments: Teredo, benchmarking, ORCHID
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4
  '2620:4f:8000::/48', // AS112
  '3ffe::/16', // an experiment that has ended
  '3fff::/20', // documentation
])

/** False for what is no address in its usual form. */
export function isPublicAddress(address: string): boolean {
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) {
    const v4 = ipaddr.IPv4.parse(address)
    return v4.range() === 'unicast' && !isIn(NOT_PUBLIC_V4, v4)
  }
  if (address.includes('%') || !ipaddr.IPv6.isValid(address)) return false
  const v6 = ipaddr.IPv6.parse(address)
  return v6.range() === 'unicast' && isIn(GIVEN_OUT_V6, v6) && !isIn(NOT_PUBLIC_V6, v6) && !carriesAnother(v6.parts)
}

/** ISATAP: the last four bytes are an IPv4 address, and a router on the way may deliver to it. */
function carriesAnother(parts: readonly number[]): boolean {
  return parts[5] === 0x5efe && (parts[4] === 0 || parts[4] === 0x200)
}

function ranges(texts: readonly string[]): readonly Range[] {
  return texts.map((text) => ipaddr.parseCIDR(text))
}

function isIn(list: readonly Range[], address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return list.some((range) => address.match(range))
}
