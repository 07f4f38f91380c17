/** Secrets that are named and never seen: they reach their hosts, and nothing else ever holds them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AppError } from '../../src/contracts/errors.ts'
import type { NamedSecrets } from '../../src/contracts/named-secret.ts'
import { Secret } from '../../src/contracts/secret.ts'
import { createSecretRegistry } from '../../src/telemetry/secret-registry.ts'
import { webFetch } from '../../src/tools/web-fetch.ts'
import { runTool } from '../contracts/tool-contract.ts'
import { ELSEWHERE, PUBLIC, startPublicWeb, type Site } from '../doubles/public-web.ts'
import { calls, says, scriptedProvider } from '../doubles/scripted-provider.ts'
import { testGateway } from '../doubles/test-gateway.ts'

const VALUE = 'canary-7Hq2+/named=Zx81'
const OTHER = 'canary-other-secret-9931'

const secretsAt = (port: number): NamedSecrets => ({
  site: { value: new Secret(VALUE), hosts: [`www.site.example:${port}`], header: 'authorization', prefix: 'Bearer ' },
  keyed: { value: new Secret(OTHER), hosts: [`api.site.example:${port}`], header: 'x-api-key', prefix: '' },
  local: { value: new Secret('canary-local-4410'), hosts: [`127.0.0.1:${port}`], header: 'authorization', prefix: '' },
  broken: { value: new Secret('line\r\nx-injected: 1'), hosts: [`www.site.example:${port}`], header: 'authorization', prefix: '' },
})

async function site(serve: Site) {
  const web = await startPublicWeb({ answers: (name) => [name.startsWith('elsewhere') ? ELSEWHERE : PUBLIC], site: serve, secrets: secretsAt })
  const known = createSecretRegistry()
  for (const value of [VALUE, OTHER]) known.add(value)
  const tool = webFetch(web.fetch, { named: secretsAt(web.port), known })
  return { web, tool, [Symbol.asyncDispose]: () => web[Symbol.asyncDispose]() }
}

const sayHeaders: Site = ({ request }, response) => void response.writeHead(200, { 'content-type': 'text/plain' }).end(JSON.stringify(request.headers))

test('a named secret is put in for its host alone, where its owner said, and its echo is redacted', async () => {
  await using server = await site(sayHeaders)
  const { output, origin } = await runTool(server.tool, { url: server.web.url('www.site.example').href, secret: 'site' })
  assert.equal(server.web.visits[0]?.request.headers.authorization, `Bearer ${VALUE}`)
  assert.match(output, /"authorization":"Bearer \[secret\]"/)
  assert.equal(output.includes(VALUE), false)
  assert.equal(origin?.private, true, 'what a credential opens is private')
  await runTool(server.tool, { url: server.web.url('api.site.example').href, secret: 'keyed' })
  assert.equal(server.web.visits[1]?.request.headers['x-api-key'], OTHER)
  assert.equal(server.web.visits[1]?.request.headers.authorization, undefined)
  assert.equal(JSON.stringify(server.web.reports).includes(VALUE), false, 'no decision holds it')
})

test('for any other host, spelling, port, name or place it is refused before anything is connected', async () => {
  await using server = await site(sayHeaders)
  const { web, tool } = server
  const refused = async (run: Promise<unknown>, message: RegExp, hint?: RegExp) => {
    await assert.rejects(run, (error) => {
      assert.ok(error instanceof AppError && error.code === 'net/refused', String(error))
      assert.match(error.message, message)
      if (hint !== undefined) assert.match(error.hint ?? '', hint)
      assert.equal(error.message.includes(VALUE), false)
      return true
    })
  }
  for (const host of ['elsewhere.site.example', 'sub.www.site.example', 'www.site.example.elsewhere.site.example', PUBLIC, 'wwwxsite.example'])
    await refused(
      runTool(tool, { url: web.url(host).href, secret: 'site' }),
      /the secret site is not for https:/,
      new RegExp(`cara secrets allow site ${host.replaceAll('.', String.raw`\.`)}`),
    )
  await refused(runTool(tool, { url: 'https://www.site.example/', secret: 'site' }), /not for/)
  const get = (headers: Record<string, string>, path = '/', more = {}) => web.get(web.url('www.site.example', path), { headers, ...more })
  await refused(get({ authorization: '{{secret:nobody}}' }), /no secret of this name/)
  await refused(get({ authorization: '{{secret:constructor}}' }), /no secret of this name/)
  await refused(get({ authorization: '{{secret:{{secret:site}}}}' }), /.*/)
  await refused(get({ authorization: '{{secret:keyed}}{{secret:site}}' }), /keyed is not for/)
  await refused(get({ authorization: '{{secret:' }), /no form/)
  await refused(get({ authorization: '{{secret:broken}}' }), /no header can hold/)
  for (const path of ['/{{secret:site}}', '/?q={{secret:site}}', '/%7B%7Bsecret%3Asite%7D%7D']) await refused(get({}, path), /never stands in an address/)
  await refused(get({ authorization: VALUE }), /not a host for credentials/)
  await refused(get({}, '/', { credentials: { authorization: 'mine' } }), /put in here/)
  await refused(
    web.fetch(
      {
        method: 'GET',
        url: new URL(`http://127.0.0.1:${web.port}/`),
        headers: { authorization: '{{secret:local}}' },
        policy: { origins: [`http://127.0.0.1:${web.port}`] },
      },
      AbortSignal.timeout(5000),
    ),
    /is not for http:/,
  )
  assert.deepEqual(web.connections, [])
})

test('a body is sent as it is written: only headers hold secrets', async () => {
  await using server = await site(({ request }, response) => void request.pipe(response))
  const response = await server.web.get(server.web.url('www.site.example'), {
    method: 'POST',
    body: 'a {{secret:site}} b',
    headers: { 'content-type': 'text/plain' },
  })
  let text = ''
  for await (const chunk of response.body) text += Buffer.from(chunk).toString()
  assert.equal(text, 'a {{secret:site}} b')
})

test('it follows no redirect to another origin, not even back, and leaves in no address', async () => {
  await using server = await site(({ request }, response) => {
    const { port, headers } = { port: request.socket.localPort, headers: request.headers }
    const to = (location: string) => void response.writeHead(302, { location }).end()
    if (request.url === '/away') to(`https://elsewhere.site.example:${port}/back`)
    else if (request.url === '/back') to(`https://www.site.example:${port}/end`)
    else if (request.url === '/within') to('/end')
    else if (request.url === '/leak') to(`https://elsewhere.site.example:${port}/?t=${encodeURIComponent(headers.authorization ?? '')}`)
    else response.writeHead(200, { 'content-type': 'text/plain' }).end(headers.authorization ?? 'none')
  })
  const sent = () => server.web.visits.map(({ request }) => [request.url, request.headers.authorization])
  const read = (path: string) => runTool(server.tool, { url: server.web.url('www.site.example', path).href, secret: 'site' })
  assert.match((await read('/away')).output, /none$/)
  assert.deepEqual(sent(), [
    ['/away', `Bearer ${VALUE}`],
    ['/back', undefined],
    ['/end', undefined],
  ])
  await read('/within')
  assert.deepEqual(sent().slice(3), [
    ['/within', `Bearer ${VALUE}`],
    ['/end', `Bearer ${VALUE}`],
  ])
  await assert.rejects(read('/leak'), { code: 'net/refused', message: /a secret stands in an address/ })
  assert.equal(server.web.visits.length, 6)
})

test('an answer that is cut through the secret gives no half of it away', async () => {
  const end = 'x'.repeat(2 * 1024 * 1024 - VALUE.length + 6)
  await using server = await site(({ request }, response) => {
    const body = request.url === '/short' ? `${'x'.repeat(100 - 12)}${VALUE} tail` : `${end}${VALUE}${'y'.repeat(100)}`
    response.writeHead(200, { 'content-type': 'text/plain' }).end(body)
  })
  const halves = (text: string) => [...Array(VALUE.length - 3).keys()].some((at) => text.includes(VALUE.slice(at, at + 4)))
  const short = await runTool(server.tool, { url: server.web.url('www.site.example', '/short').href, secret: 'site', maxCharacters: 100 })
  assert.equal(halves(short.output), false, short.output)
  // The whole text is longer than what is shown: what counts is that its end was not kept either.
  const { known, cutAt } = { known: createSecretRegistry(), cutAt: end.length + VALUE.length - 6 }
  known.add(VALUE)
  let kept = ''
  const spy = { redact: (text: string) => known.redact(text), heldBack: (text: string) => ((kept = text), known.heldBack(text)) }
  await runTool(webFetch(server.web.fetch, { named: secretsAt(server.web.port), known: spy }), { url: server.web.url('www.site.example', '/long').href })
  assert.equal(kept.length, cutAt)
  assert.equal(known.heldBack(kept), VALUE.length - 6)
})

test('through the whole gateway neither model, store, receipt nor log sees it', async () => {
  await using server = await site(sayHeaders)
  const url = server.web.url('www.site.example').href
  const provider = scriptedProvider('fake', [calls(['web_fetch', { url, secret: 'site' }]), says('done')])
  const gateway = await testGateway({ providers: [provider], fetch: server.web.fetch, namedSecrets: secretsAt(server.web.port), secrets: [VALUE, OTHER] })
  try {
    const { result, events } = await gateway.ask(`Fetch ${url} with my credential "site".`)
    assert.equal(server.web.visits[0]?.request.headers.authorization, `Bearer ${VALUE}`, JSON.stringify(result.toolCalls))
    const seen = JSON.stringify([provider.requests, events, result, gateway.reports, gateway.logged])
    assert.match(seen, /\[secret\]/)
    for (const text of [seen, readFileSync(join(gateway.folder, 'carapace.db'), 'latin1'), readFileSync(join(gateway.folder, 'carapace.db-wal'), 'latin1')])
      assert.equal(text.includes(VALUE), false)
    assert.match(JSON.stringify(provider.requests[0]?.tools), /"secret"/)
  } finally {
    await gateway.close()
  }
})

test('a model without secrets is told of none', () => {
  assert.equal(JSON.stringify(webFetch(() => assert.fail()).input).includes('secret'), false)
})
