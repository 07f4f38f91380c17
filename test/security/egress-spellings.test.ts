/** H1: an address inside is refused however it is written, and nothing of it leaves: no lookup, no connection. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { EgressRequest } from '../../src/contracts/egress.ts'
import { AppError } from '../../src/contracts/errors.ts'
import { createGuardedFetch } from '../../src/guard/guarded-fetch.ts'

/** What a resolver of a hostile or an honest network would say. */
const names: Readonly<Record<string, readonly string[]>> = {
  'example.com': ['93.184.216.34'],
  'www.example.com': ['93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946'],
  'xn--mnchen-3ya.example': ['8.8.8.8'],
  'under_score.example.com': ['8.8.8.8'],
  'localhost.example.com': ['8.8.8.8'],
  'internal.example.com': ['8.8.8.8'],
  '127.0.0.1.nip.example': ['127.0.0.1'],
  'a9fea9fe.example': ['169.254.169.254'],
  'six.example': ['::1'],
  'mapped.example': ['::ffff:10.0.0.1'],
  'nat64.example': ['64:ff9b::a9fe:a9fe'],
  'mixed.example': ['93.184.216.34', '10.0.0.1'],
  'text.example': ['not an address'],
  'zone.example': ['fe80::1%eth0'],
  'none.example': [],
  'flood.example': Array.from({ length: 65 }, (_, index) => `8.8.8.${index}`),
  'many.example': Array.from({ length: 64 }, (_, index) => `8.8.8.${index}`),
}

interface Sent {
  readonly asked: readonly string[]
  readonly left: readonly EgressRequest[]
  readonly error: AppError | null
}

async function send(url: URL): Promise<Sent> {
  const asked: string[] = []
  const left: EgressRequest[] = []
  const fetch = createGuardedFetch(
    async (request) => {
      left.push(request)
      return { status: 200, headers: {}, body: (async function* () {})() }
    },
    () => undefined,
    {
      resolve: async (hostname) => {
        asked.push(hostname)
        // Names that the guard must not even ask for would be answered by something public.
        return names[hostname] ?? ['8.8.8.8']
      },
    },
  )
  try {
    await fetch({ method: 'GET', url, headers: {}, policy: { hosts: 'public' } }, AbortSignal.timeout(5000))
    return { asked, left, error: null }
  } catch (error) {
    assert.ok(error instanceof AppError, String(error))
    return { asked, left, error }
  }
}

const addresses = [
  'https://127.0.0.1/',
  'https://127.0.0.1./',
  'https://127.1/',
  'https://127.0.1/',
  'https://127.255.255.254/',
  'https://2130706433/',
  'https://2130706433./',
  'https://0x7f000001/',
  'https://0X7F000001/',
  'https://017700000001/',
  'https://0x7f.0.0.1/',
  'https://0x7f.1/',
  'https://0177.0.0.1/',
  'https://0177.0.0.01/',
  'https://00000177.0x0.0.1/',
  'https://127.0x0.0.1/',
  'https://127.65535/',
  'https://%31%32%37.0.0.1/',
  'https://127%2e0%2e0%2e1/',
  'https://127。0。0。1/',
  'https://127．0．0．1/',
  'https://１２７.0.0.1/',
  'https://①②⑦.⓪.⓪.①/',
  'https://𝟏𝟐𝟕.𝟎.𝟎.𝟏/',
  'https://1２7.0.0.1/',
  'https://0/',
  'https://0.0.0.0/',
  'https://0x0/',
  'https://10.0.0.1/',
  'https://10.1/',
  'https://167772161/',
  'https://172.16.0.1/',
  'https://172.31.255.255/',
  'https://192.168.1.1/',
  'https://0300.0250.1.1/',
  'https://100.64.0.1/',
  'https://100.100.100.200/latest/meta-data',
  'https://169.254.169.254/latest/meta-data',
  'https://2852039166/latest/meta-data',
  'https://0xA9FEA9FE/latest/meta-data',
  'https://0251.0376.0251.0376/',
  'https://169.254.43518/',
  'https://168.63.129.16/',
  'https://192.0.0.192/',
  'https://198.18.0.1/',
  'https://203.0.113.7/',
  'https://224.0.0.1/',
  'https://255.255.255.255/',
  'https://[::]/',
  'https://[::1]/',
  'https://[0:0:0:0:0:0:0:1]/',
  'https://[0000:0000:0000:0000:0000:0000:0000:0001]/',
  'https://[::127.0.0.1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::ffff:7f00:1]/',
  'https://[::FFFF:7F00:0001]/',
  'https://[0:0:0:0:0:ffff:10.0.0.1]/',
  'https://[::ffff:8.8.8.8]/',
  'https://[::ffff:0:127.0.0.1]/',
  'https://[64:ff9b::127.0.0.1]/',
  'https://[64:ff9b::8.8.8.8]/',
  'https://[64:ff9b:1::a9fe:a9fe]/',
  'https://[2002:7f00:1::]/',
  'https://[2002:a9fe:a9fe::1]/',
  'https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/',
  'https://[2001:db8::1]/',
  'https://[3fff::1]/',
  'https://[100::1]/',
  'https://[fc00::1]/',
  'https://[fd00:ec2::254]/latest/meta-data',
  'https://[fe80::1]/',
  'https://[fec0::1]/',
  'https://[ff02::1]/',
  'https://[2a00::5efe:10.0.0.1]/',
  'https://user@127.0.0.1/',
  'https:127.0.0.1/',
  'https:/\\127.0.0.1/',
  'https://127.0.0.1:8443/',
  'https://\t127.0.0.1/',
]

const hosts = [
  'https://localhost/',
  'https://LOCALHOST/',
  'https://localhost./',
  'https://ｌｏｃａｌｈｏｓｔ/',
  'https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/',
  'https://l%6fcalhost/',
  'https://loc\u00ADalhost/',
  'https://www.localhost/',
  'https://localhost.localdomain/',
  'https://printer.local/',
  'https://router.lan/',
  'https://nas.home/',
  'https://nas.home.arpa/',
  'https://1.0.0.127.in-addr.arpa/',
  'https://wiki.corp/',
  'https://wiki.intranet/',
  'https://metadata.google.internal/computeMetadata/v1/',
  'https://METADATA.GOOGLE.INTERNAL./computeMetadata/v1/',
  'https://instance-data.ec2.internal/',
  'https://metadata.goog/',
  'https://metadata.packet.net/',
  'https://metadata/',
  'https://kubernetes/',
  'https://kubernetes.default.svc/',
  'https://kubernetes.default.svc.cluster.local/',
  'https://host.docker.internal/',
  'https://something.onion/',
  'https://example.com./',
  'https://a..example.com/',
  'https://-.example.com/',
  'https://example.com:22/',
  'https://example.com:25/',
  'https://example.com:80/',
  'https://user:hunter22@example.com/',
  'https://user@example.com/',
  'https://:hunter22@example.com/',
  'https://example.com:1023/',
  'https://host.private/',
  'https://metadata.platformequinix.com/',
  `https://${'abcdefg.'.repeat(32)}com/`,
  'https://example.com@127.0.0.1/',
  'http://example.com/',
  'http://127.0.0.1/',
  'http://localhost:8080/',
  'ftp://example.com/',
  'file:///etc/passwd',
  'gopher://example.com/',
  'data:text/plain,hi',
  'javascript:alert(1)',
  'ws://example.com/',
  'blob:https://example.com/1',
]

const resolved = [
  '127.0.0.1.nip.example',
  'a9fea9fe.example',
  'six.example',
  'mapped.example',
  'nat64.example',
  'mixed.example',
  'text.example',
  'zone.example',
  'flood.example',
]

describe('H1 addresses inside', () => {
  for (const spelling of addresses) {
    test(`H1 ${JSON.stringify(spelling)} is refused and not looked up`, async () => {
      if (!URL.canParse(spelling)) return assert.fail('URL takes this for no address; it belongs to the other list')
      const { asked, left, error } = await send(new URL(`${spelling}?key=hunter22`))
      assert.equal(error?.code, 'net/refused')
      assert.doesNotMatch(error.message, /hunter22|meta-data/)
      assert.deepEqual([asked, left], [[], []])
    })
  }

  for (const spelling of [
    'https://[fe80::1%25eth0]/',
    'https://[fe80::1%eth0]/',
    'https://256.1.1.1/',
    'https://127.0.0.0.1/',
    'https://0x100000000/',
    'https://08.0.0.1/',
    'https://[::1/',
    'https://exa mple.com/',
    'https://example.com%00.evil/',
    'https://%00/',
    'https://',
  ]) {
    test(`H1 ${JSON.stringify(spelling)} is no address at all`, () => assert.ok(!URL.canParse(spelling)))
  }
})

describe('H1 names and schemes', () => {
  for (const spelling of hosts) {
    test(`H1 ${JSON.stringify(spelling)} is refused and not looked up`, async () => {
      const { asked, left, error } = await send(new URL(spelling))
      assert.equal(error?.code, 'net/refused')
      assert.doesNotMatch(error.message, /hunter22|passwd|computeMetadata/)
      if (!spelling.startsWith('https:')) assert.match(error.message, /needs https$/)
      assert.deepEqual([asked, left], [[], []])
    })
  }

  test('H1 a name without an address is not reached', async () => {
    const { left, error } = await send(new URL('https://none.example/secret'))
    assert.equal(error?.code, 'net/unreachable')
    assert.deepEqual(left, [])
  })

  for (const name of resolved) {
    test(`H1 ${name} is refused for what it resolves to`, async () => {
      const { asked, left, error } = await send(new URL(`https://${name}/secret`))
      assert.equal(error?.code, 'net/refused')
      assert.match(error.message, /is not on the public internet$/)
      assert.deepEqual([asked, left], [[name], []])
    })
  }

  for (const [spelling, host, pinned] of [
    ['https://example.com/a?b#c', 'example.com', names['example.com']],
    ['https://EXAMPLE.com:8443/', 'example.com:8443', names['example.com']],
    ['https://example.com:1024/', 'example.com:1024', names['example.com']],
    ['https://site.wlan/', 'site.wlan', ['8.8.8.8']],
    ['https://www.example.com/', 'www.example.com', names['www.example.com']],
    ['https://münchen.example/', 'xn--mnchen-3ya.example', ['8.8.8.8']],
    ['https://under_score.example.com/', 'under_score.example.com', ['8.8.8.8']],
    ['https://localhost.example.com/', 'localhost.example.com', ['8.8.8.8']],
    ['https://internal.example.com/', 'internal.example.com', ['8.8.8.8']],
    ['https://many.example/', 'many.example', names['many.example']],
    ['https://8.8.8.8/', '8.8.8.8', ['8.8.8.8']],
    ['https://0x08080808/', '8.8.8.8', ['8.8.8.8']],
    ['https://[2606:4700:4700::1111]/', '[2606:4700:4700::1111]', ['2606:4700:4700::1111']],
  ] as const) {
    test(`${spelling} leaves, pinned to its addresses`, async () => {
      const { left, error } = await send(new URL(spelling))
      assert.equal(error, null)
      assert.equal(left[0]?.url.host, host)
      assert.deepEqual(left[0]?.pinned, pinned)
    })
  }
})
