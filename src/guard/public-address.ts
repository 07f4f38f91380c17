/**
 * Which addresses belong to the public internet: those that the library calls plain unicast (every special-purpose range of the registries has another name there), less
 * what it does not know. The test names every range with both of its ends. Loaded when the first public host is reached.
 */
import ipaddr from 'ipaddr.js'

/** A public address at which the machines of one cloud are told about themselves. */
const CLOUD_AGENT = ipaddr.IPv4.parseCIDR('168.63.129.16/32')
/** Only this part of IPv6 is given out, and what was in the second has been given back. */
const GIVEN_OUT = ipaddr.IPv6.parseCIDR('2000::/3')
const GIVEN_BACK = ipaddr.IPv6.parseCIDR('3ffe::/16')

/** False for what is no address in its usual form. An IPv4 address inside IPv6 is never public: who wants it can write it. */
export function isPublicAddress(address: string): boolean {
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) {
    const v4 = ipaddr.IPv4.parse(address)
    return v4.range() === 'unicast' && !v4.match(CLOUD_AGENT)
  }
  if (address.includes('%') || !ipaddr.IPv6.isValid(address)) return false
  const v6 = ipaddr.IPv6.parse(address)
  return v6.range() === 'unicast' && v6.match(GIVEN_OUT) && !v6.match(GIVEN_BACK) && !isTunnel(v6.parts)
}

/** ISATAP: the last four bytes are an IPv4 address, and a router on the way may deliver to it. */
function isTunnel(parts: readonly number[]): boolean {
  return parts[5] === 0x5efe && (parts[4] === 0 || parts[4] === 0x200)
}
