import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EgressRequest } from '../../../contracts/egress.ts'
import { AppError } from '../../../contracts/errors.ts'
import { Secret } from '../../../contracts/secret.ts'
import type { Verdict } from '../../stage.ts'
import { credentialsSameOrigin } from './credentials-same-origin.ts'
import type { EgressContext } from './facts.ts'
import { hostAllowed } from './host-allowed.ts'
import { resolvesToPublic } from './resolves-to-public.ts'
import { secretsForHost } from './secrets-for-host.ts'

const PUBLIC = { hosts: 'public' } as const
const request = (url: string, more: Partial<EgressRequest> = {}): EgressRequest => ({ method: 'GET', url: new URL(url), headers: {}, policy: PUBLIC, ...more })
const context: EgressContext = {
  resolve: async () => ['1.1.1.1'],
  isPublic: async (address) => !address.startsWith('10.'),
  firstOrigin: 'https://api.example',
}
const told = (verdict: Verdict<EgressRequest>) => (verdict.verdict === 'block' ? `${verdict.code}: ${verdict.why}` : verdict.verdict)
const signal = AbortSignal.timeout(60_000)

test('hostAllowed: named origins and no other, and never a credential in the address', () => {
  const policy = { origins: ['https://api.example', 'http://127.0.0.1:8080'] }
  const named = (url: string) => told(hostAllowed.check(request(url, { policy }), {}))
  assert.deepEqual([named('https://api.example/a?b'), named('http://127.0.0.1:8080/')], ['pass', 'pass'])
  for (const url of ['https://api.example:444/', 'http://api.example/', 'https://x.api.example/', 'http://127.0.0.1/'])
    assert.match(named(url), /^net\/refused: .* is not what this connection is for$/, url)
  for (const url of ['https://u@api.example/', 'https://:p@api.example/', 'https://u:p@api.example/']) {
    assert.equal(named(url), 'net/refused: credentials stand in the URL of api.example', url)
    assert.equal(told(hostAllowed.check(request(url), {})), 'net/refused: credentials stand in the URL of api.example', url)
  }
})

test('hostAllowed: public names, in the form that the web has, at a port of the web', () => {
  const open = (url: string) => told(hostAllowed.check(request(url), {}))
  const long = `${'a'.repeat(61)}.`.repeat(4)
  for (const url of [
    'a.example',
    'a_b.c-d.example',
    '1.1.1.1',
    '[2606:4700::1111]',
    'a.example:1024',
    'a.example:8443',
    'localhost.example',
    'mylocal.example',
    `${long}abcde`,
  ])
    assert.equal(open(`https://${url}/`), 'pass', url)
  for (const url of ['a.example:1023', 'a.example:22', 'a.example:80'])
    assert.match(open(`https://${url}/`), /^net\/refused: https:.*: no web server has this port$/, url)
  for (const url of [
    'intranet',
    'router',
    'localhost',
    'a.localhost',
    'a.local',
    'local.',
    'a.example.',
    'a..example',
    '-a.example',
    'a-.example',
    'a.internal',
    'metadata.google.internal',
    'metadata.goog',
    'x.metadata.goog',
    'a.svc',
    '1.168.192.in-addr.arpa',
    'a.onion',
    'a.home',
    'a.lan',
    `${'a'.repeat(64)}.example`,
    `${long}abcdefgh`,
  ])
    assert.match(open(`https://${url}/`), /^net\/refused: .* is not a public host name$/, url)
})

test('resolvesToPublic: every address is public, and the connection goes to one of them', async () => {
  const check = async (url: string, resolved: readonly string[] | Error, more: Partial<EgressRequest> = {}) => {
    const asked: string[] = []
    const resolve = async (name: string) => {
      asked.push(name)
      if (resolved instanceof Error) throw resolved
      return resolved
    }
    const verdict = await resolvesToPublic.check(request(url, more), { ...context, resolve }, signal, [])
    return { text: verdict.verdict === 'rewrite' ? `${verdict.value.pinned?.join()} for ${verdict.value.url.href}` : told(verdict), asked }
  }
  assert.deepEqual(await check('https://a.example/x', ['1.1.1.1', '9.9.9.9']), { text: '1.1.1.1,9.9.9.9 for https://a.example/x', asked: ['a.example'] })
  assert.deepEqual(await check('https://8.8.8.8/', []), { text: '8.8.8.8 for https://8.8.8.8/', asked: [] })
  assert.deepEqual(await check('https://[2606:4700::1]/', []), { text: '2606:4700::1 for https://[2606:4700::1]/', asked: [] })
  assert.equal((await check('https://10.0.0.1/', [])).text, 'net/refused: https://10.0.0.1 is not on the public internet')
  for (const mixed of [['10.0.0.1'], ['1.1.1.1', '10.0.0.1'], ['10.0.0.1', '1.1.1.1'], Array.from({ length: 65 }, () => '1.1.1.1')])
    assert.equal((await check('https://a.example/', mixed)).text, 'net/refused: https://a.example is not on the public internet')
  assert.match(
    (
      await check(
        'https://a.example/',
        Array.from({ length: 64 }, () => '1.1.1.1'),
      )
    ).text,
    /^1\.1\.1\.1,/,
  )
  assert.equal((await check('https://a.example/', [])).text, 'net/unreachable: https://a.example has no address')
  assert.equal((await check('https://a.example/x', new AppError('net/timeout'))).text, 'net/timeout: https://a.example')
  await assert.rejects(check('https://a.example/', new TypeError('a defect')), TypeError)
  const policy = { origins: ['https://a.example'] }
  assert.deepEqual(await check('https://a.example/', ['10.0.0.1'], { policy }), { text: 'pass', asked: [] }, 'the owner named it')
  assert.equal((await check('https://a.example/', [], { policy, pinned: ['1.1.1.1'] })).text.split(':')[0], 'net/refused')
})

test('credentialsSameOrigin: what may be a credential reaches the origin that it was meant for', () => {
  const harmless = { Accept: 'a', 'Accept-Language': 'b', 'content-type': 'c', 'user-agent': 'd', Range: 'e', 'if-modified-since': 'f' }
  const check = async (url: string, more: Partial<EgressRequest>) => {
    const verdict = await credentialsSameOrigin.check(request(url, more), context, signal, [])
    return verdict.verdict === 'rewrite' ? { ...verdict.value.headers, url: verdict.value.url.href, why: verdict.why } : told(verdict)
  }
  const named = { policy: { origins: ['https://api.example', 'https://other.example'] } }
  return Promise.all(
    (
      [
        ['https://api.example/x', { ...named, headers: { authorization: 'x' }, body: 'b' }, 'pass'],
        ['https://api.example/', { headers: harmless, body: 'b' }, 'pass'],
        ['https://api.example/', { headers: { ...harmless, authorization: 'Bearer {{secret:one}}' } }, 'pass'],
        ['https://api.example/', { headers: { authorization: 'Bearer x' } }, 'net/refused: https://api.example is not a host for credentials'],
        ['https://api.example/', { headers: { a: '{{secret:one}}', b: 'x' } }, 'net/refused: https://api.example is not a host for credentials'],
        ['https://other.example/', { headers: harmless }, 'pass'],
        ['https://other.example/', { ...named, headers: harmless }, 'pass'],
        ['https://other.example/', { headers: {}, body: 'b' }, 'net/refused: https://api.example redirects what it was sent to https://other.example'],
        ['https://other.example/', { ...named, body: '' }, 'net/refused: https://api.example redirects what it was sent to https://other.example'],
        ...[PUBLIC, named.policy].map(
          (policy) =>
            [
              'https://other.example/y',
              { policy, headers: { Accept: 'a', authorization: '{{secret:one}}', 'x-key': 'k' } },
              { Accept: 'a', url: 'https://other.example/y', why: 'headers meant for https://api.example were dropped' },
            ] as const,
        ),
        [
          'https://api.example:444/',
          { headers: { cookie: 'c' } },
          { url: 'https://api.example:444/', why: 'headers meant for https://api.example were dropped' },
        ],
      ] as const
    ).map(async ([url, more, after]) => assert.deepEqual(await check(url, more), after, `${url} ${JSON.stringify(more)}`)),
  ).then(() => undefined)
})

test('secretsForHost: a secret is put into a header, over https, for its own hosts, and never into an address', () => {
  const named = (value: string, ...hosts: readonly string[]) => ({ value: new Secret(value), hosts, header: 'authorization', prefix: '' })
  const secrets = {
    one: named('value-of-one', 'api.example'),
    two: named('value-of-two', 'api.example', 'other.example:8443'),
    eight: named('12345678', 'api.example'),
    odd: named('line\nend', 'api.example'),
    nested: named('{{secret:one}}', 'api.example'),
    spaced: named('a b/c d e', 'api.example'),
  }
  const check = (
    url: string,
    headers: Readonly<Record<string, string>>,
    more: Partial<EgressRequest> = {},
    known: EgressContext['secrets'] | null = secrets,
  ) => {
    const verdict = secretsForHost.check(request(url, { headers, ...more }), { ...context, secrets: known ?? undefined })
    if (verdict.verdict === 'rewrite') return { ...verdict.value.credentials, why: verdict.why, kept: verdict.value.headers }
    return verdict.verdict === 'block' ? `${verdict.why}${verdict.hint === undefined ? '' : ` (${verdict.hint})`}` : verdict.verdict
  }
  const API = 'https://api.example/x'
  const headers = { authorization: 'Bearer {{secret:one}}', 'x-two': '{{secret:two}}', accept: 'a' }
  assert.deepEqual(check(API, headers), {
    authorization: 'Bearer value-of-one',
    'x-two': 'value-of-two',
    why: 'put in for api.example: one, two',
    kept: headers,
  })
  const both = { a: '{{secret:one}}:{{secret:two}}' }
  assert.deepEqual(check(API, both), { a: 'value-of-one:value-of-two', why: 'put in for api.example: one, two', kept: both })
  assert.equal(check(API, { accept: 'a' }), 'pass')
  assert.equal(check(API, {}, {}, null), 'pass')
  const used = { a: '{{secret:two}}' }
  assert.deepEqual(check('https://other.example:8443/', used), { a: 'value-of-two', why: 'put in for other.example:8443: two', kept: used })
  for (const url of ['https://other.example/', 'https://x.api.example/', 'https://api.example:444/', 'http://api.example/']) {
    const { origin, host } = new URL(url)
    assert.equal(check(url, { a: '{{secret:one}}' }), `the secret one is not for ${origin} (If you want it to go there: cara secrets allow one ${host})`, url)
  }
  assert.match(JSON.stringify(check('https://other.example:8443/', { a: '{{secret:two}}{{secret:one}}' })), /the secret one is not for/)
  for (const name of ['none', 'constructor', '__proto__', 'toString'])
    assert.doesNotMatch(JSON.stringify(check(API, { a: `{{secret:${name}}}` })), /put in/, name)
  assert.equal(check(API, { a: '{{secret:none}}' }), 'there is no secret of this name (See the names with: cara secrets list)')
  assert.equal(check(API, { a: '{{secret:one}}' }, {}, null), 'there is no secret of this name (See the names with: cara secrets list)')
  assert.equal(check(API, { a: '{{secret:' }), 'a header names a secret in no form that is known')
  assert.equal(check(API, { a: '{{secret:nested}}' }), 'a header names a secret in no form that is known')
  assert.equal(check(API, { a: '{{secret:odd}}' }), 'the secret odd has characters that no header can hold')
  assert.equal(check(API, {}, { credentials: {} }), 'credentials are put in here, and nowhere else')
  for (const part of ['value-of-one', 'value%2Dof-one', '12345678', 'a%20b%2Fc%20d%20e', '%E0%A4%Aa%20b%2Fc%20d%20e', 'a%20b/c%20d%20e'])
    assert.equal(check(`https://api.example/?k=${part}`, {}), 'a secret stands in an address of https://api.example', part)
  assert.equal(check('https://api.example/?k=1234567', {}), 'pass')
  const policy = { origins: ['https://api.example'] }
  assert.equal(check('https://api.example/value-of-one', {}, { policy }), 'pass', 'the owner set this connection up')
  assert.equal(check('https://api.example/{{secret:one}}', {}), 'a secret never stands in an address (Name it in a header)')
})
