import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { isPublicAddress } from './public-address.ts'

/** Both ends of each range, and the neighbours outside it: `null` where a neighbour is not public either. */
const RANGES: readonly (readonly [name: string, below: string | null, first: string, last: string, above: string | null])[] = [
  ['this network', null, '0.0.0.0', '0.255.255.255', '1.0.0.0'],
  ['private 10/8', '9.255.255.255', '10.0.0.0', '10.255.255.255', '11.0.0.0'],
  ['carrier-grade NAT', '100.63.255.255', '100.64.0.0', '100.127.255.255', '100.128.0.0'],
  ['loopback', '126.255.255.255', '127.0.0.0', '127.255.255.255', '128.0.0.0'],
  ['agent of a cloud', '168.63.129.15', '168.63.129.16', '168.63.129.16', '168.63.129.17'],
  ['link-local and metadata', '169.253.255.255', '169.254.0.0', '169.254.255.255', '169.255.0.0'],
  ['private 172.16/12', '172.15.255.255', '172.16.0.0', '172.31.255.255', '172.32.0.0'],
  ['protocol assignments', '191.255.255.255', '192.0.0.0', '192.0.0.255', '192.0.1.0'],
  ['documentation 1', '192.0.1.255', '192.0.2.0', '192.0.2.255', '192.0.3.0'],
  ['AS112 1', '192.31.195.255', '192.31.196.0', '192.31.196.255', '192.31.197.0'],
  ['multicast tunnels', '192.52.192.255', '192.52.193.0', '192.52.193.255', '192.52.194.0'],
  ['6to4 relays', '192.88.98.255', '192.88.99.0', '192.88.99.255', '192.88.100.0'],
  ['private 192.168/16', '192.167.255.255', '192.168.0.0', '192.168.255.255', '192.169.0.0'],
  ['AS112 2', '192.175.47.255', '192.175.48.0', '192.175.48.255', '192.175.49.0'],
  ['benchmarking', '198.17.255.255', '198.18.0.0', '198.19.255.255', '198.20.0.0'],
  ['documentation 2', '198.51.99.255', '198.51.100.0', '198.51.100.255', '198.51.101.0'],
  ['documentation 3', '203.0.112.255', '203.0.113.0', '203.0.113.255', '203.0.114.0'],
  ['multicast', '223.255.255.255', '224.0.0.0', '239.255.255.255', null],
  ['reserved', null, '240.0.0.0', '255.255.255.254', null],
  ['broadcast', null, '255.255.255.255', '255.255.255.255', null],

  ['unspecified', null, '::', '::', null],
  ['IPv6 loopback', null, '::1', '::1', null],
  ['v4-compatible', null, '::2', '::ffff:ffff', null],
  ['v4-compatible of a public address', null, '::8.8.8.8', '::8.8.8.8', null],
  ['v4-mapped', null, '::ffff:0:0', '::ffff:ffff:ffff', null],
  ['v4-mapped public address', null, '::ffff:8.8.8.8', '::ffff:8.8.8.8', null],
  ['v4-translated', null, '::ffff:0:0:0', '::ffff:0:ffff:ffff', null],
  ['NAT64', null, '64:ff9b::', '64:ff9b::ffff:ffff', null],
  ['local NAT64', null, '64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff', null],
  ['discard', null, '100::', '100::ffff:ffff:ffff:ffff', null],
  ['dummy prefix', null, '100:0:0:1::', '100:0:0:1:ffff:ffff:ffff:ffff', null],
  ['below what is given out', null, '200::', '1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2000::'],
  ['Teredo', '2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2001::', '2001:0:ffff:ffff:ffff:ffff:ffff:ffff', null],
  ['IPv6 benchmarking', null, '2001:2::', '2001:2:0:ffff:ffff:ffff:ffff:ffff', null],
  ['ORCHID', null, '2001:10::', '2001:2f:ffff:ffff:ffff:ffff:ffff:ffff', null],
  ['protocol assignments of IPv6', null, '2001::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', '2001:200::'],
  ['IPv6 documentation 1', '2001:db7:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db9::'],
  ['6to4', '2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2003::'],
  ['IPv6 AS112', '2620:4f:7fff:ffff:ffff:ffff:ffff:ffff', '2620:4f:8000::', '2620:4f:8000:ffff:ffff:ffff:ffff:ffff', '2620:4f:8001::'],
  ['an ended experiment', '3ffd:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '3ffe::', '3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff', null],
  ['IPv6 documentation 2', null, '3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', '3fff:1000::'],
  ['above what is given out', null, '4000::', 'fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', null],
  ['segment routing', null, '5f00::', '5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff', null],
  ['unique local', null, 'fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', null],
  ['metadata over IPv6', null, 'fd00:ec2::254', 'fd00:ec2::254', null],
  ['IPv6 link-local', null, 'fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', null],
  ['site-local', null, 'fec0::', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', null],
  ['IPv6 multicast', null, 'ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', null],
  ['ISATAP', null, '2a00:1450::5efe:10.0.0.1', '2a00:1450::200:5efe:10.0.0.1', null],
]

describe('public addresses', () => {
  for (const [name, below, first, last, above] of RANGES) {
    it(`H1 ${name}: refused from ${first} to ${last}, and only there`, () => {
      assert.equal(isPublicAddress(first), false, first)
      assert.equal(isPublicAddress(last), false, last)
      for (const neighbour of [below, above]) if (neighbour !== null) assert.equal(isPublicAddress(neighbour), true, neighbour)
    })
  }

  it('passes what the public internet consists of', () => {
    for (const address of ['1.1.1.1', '8.8.8.8', '93.184.216.34', '2606:4700:4700::1111', '2a00:1450:4001:82a::200e', '2001:4860:4860::8888']) {
      assert.equal(isPublicAddress(address), true, address)
    }
  })

  it('takes no other spelling for an address', () => {
    const spellings = [
      '',
      '2130706433',
      '0x7f.1',
      '127.1',
      '0177.0.0.1',
      '8.8.8',
      '8.8.8.8.',
      ' 8.8.8.8',
      '08.8.8.8',
      '0x8.8.8.8',
      '8.8.8.8/32',
      '2606:4700::1%1',
      '[2606:4700::1]',
      'example.com',
      '256.1.1.1',
      '8.8.8.8\n',
    ]
    for (const spelling of spellings) assert.equal(isPublicAddress(spelling), false, spelling)
  })

  it('agrees with itself on every address of IPv4, private or not', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const [first = 0, second = 0] = address.split('.').map(Number)
        const isKnownPrivate = [0, 10, 127].includes(first) || first >= 224 || (first === 192 && second === 168) || (first === 172 && second >> 4 === 1)
        if (isKnownPrivate) assert.equal(isPublicAddress(address), false)
        // Inside IPv6 none of them is reached, in whatever way they are put there.
        for (const carried of [
          `::ffff:${address}`,
          `::${address}`,
          `64:ff9b::${address}`,
          `64:ff9b:1::${address}`,
          `::ffff:0:${address}`,
          `fe80::${address}`,
        ]) {
          assert.equal(isPublicAddress(carried), false, carried)
        }
      }),
    )
  })

  it('knows a tunnel by all of its mark', () => {
    for (const [carried, isPublic] of [
      ['2606:4700::5efe:808:808', false],
      ['2606:4700::200:5efe:808:808', false],
      ['2606:4700::1:5efe:808:808', true],
      ['2606:4700::5eff:808:808', true],
    ] as const)
      assert.equal(isPublicAddress(carried), isPublic, carried)
  })

  it('answers for any text', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.ipV6()), (text) => typeof isPublicAddress(text) === 'boolean'))
  })
})
