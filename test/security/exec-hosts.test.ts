/** A sandboxed program reaches the hosts that the owner agreed to, through our proxy, and nothing else: not the gateway, not the local network, not by another way. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { NamedSecrets } from '../../src/contracts/named-secret.ts'
import { Secret } from '../../src/contracts/secret.ts'
import { loggedWords } from '../../src/guard/logged-words.ts'
import { openHostProxy } from '../../src/net/host-proxy.ts'
import { createSecretRegistry } from '../../src/telemetry/secret-registry.ts'
import { installBubblewrap } from '../doubles/install-packages.ts'
import { openCommands } from '../doubles/commands.ts'
import { configuredGateway } from '../doubles/configured-gateway.ts'
import { INTERNAL, PUBLIC, startPublicWeb, type Site } from '../doubles/public-web.ts'
import { recordedLog } from '../doubles/recorded-log.ts'

const skip = installBubblewrap() ?? (existsSync('/usr/bin/perl') ? false : 'these programs are written in perl')
const VALUE = 'canary-of-a-named-secret-55d1'
const secretsAt = (port: number): NamedSecrets => ({
  site: { value: new Secret(VALUE), hosts: [`api.site.example:${port}`], header: 'authorization', prefix: 'Bearer ' },
})
const sayHeaders: Site = ({ at, request }, response) => void response.end(JSON.stringify({ at, headers: request.headers }))

async function start() {
  const known = createSecretRegistry()
  known.add(VALUE)
  const web = await startPublicWeb({
    answers: (name, count) => (name.startsWith('rebind') && count > 0 ? [INTERNAL] : name.startsWith('inner') ? [INTERNAL] : [PUBLIC]),
    site: sayHeaders,
    secrets: secretsAt,
  })
  const { log, lines } = recordedLog()
  const commands = await openCommands({
    openProxy: (hosts) =>
      openHostProxy({ hosts, tunnel: web.tunnel, fetch: web.fetch, redact: (text) => known.redact(text), logged: (name) => loggedWords(name, known), log }),
    secretsFor: (hosts) => (hosts.includes(`api.site.example:${web.port}`) ? ['site'] : []),
  })
  const host = (name: string) => `${name}.site.example:${web.port}`
  /** Sends these lines to the proxy and prints what comes back; `%` in the text is the port. */
  const ask = (head: string, hosts: readonly string[]) =>
    commands.run({ argv: ['perl', '-e', TALK, head.replaceAll('%', String(web.port))], hosts: [...hosts] })
  return {
    web,
    commands,
    lines,
    host,
    ask,
    async [Symbol.asyncDispose]() {
      await commands[Symbol.asyncDispose]()
      await web[Symbol.asyncDispose]()
    },
  }
}

const TALK =
  'use Socket; $SIG{ALRM} = sub { exit 3 }; alarm 5; socket(S, PF_INET, SOCK_STREAM, 0); connect(S, sockaddr_in(3128, inet_aton("127.0.0.1"))) or die "no proxy"; ' +
  '$| = 1; select S; $| = 1; select STDOUT; print S $ARGV[0] =~ s/\\n/\\r\\n/gr; while (<S>) { print }'

describe('a sandboxed program', { skip }, () => {
  test('reaches a granted host, and is told of no other', async () => {
    await using world = await start()
    const { output } = await world.ask('CONNECT a.site.example:% HTTP/1.1\nhost: a\n\nnot TLS\n\n', [world.host('a')])
    assert.match(output, /200 Connection established/)
    assert.deepEqual(world.web.connections, [PUBLIC])
    for (const name of [
      'b.site.example:%',
      'a.site.example:443',
      'a.site.example:22',
      'A.site.example.evil.example:%',
      '127.0.0.1:%',
      `${PUBLIC}:%`,
      '[::1]:%',
      'localhost:%',
      'a.site.example:%@evil.example:%',
    ]) {
      const refused = await world.ask(`CONNECT ${name} HTTP/1.1\nhost: a\n\n`, [world.host('a')])
      assert.match(refused.output, /403 Forbidden/, name)
    }
    assert.equal(world.web.connections.length, 1)
    assert.ok(
      world.lines.some((line) => line.includes('"refused"')),
      'the log tells of it',
    )
    await world.ask(`CONNECT ${VALUE.toUpperCase().replaceAll('-', '.')}.${'b'.repeat(2000)}.example:% HTTP/1.1\nhost: a\n\n`, [world.host('a')])
    const told = world.lines.at(-1) ?? ''
    assert.match(told, /"\[secret\]\.b+… \[\d+ more\]"/, 'of a name that the program chose, what it may hold')
    assert.ok(told.length < 500, told)
  })

  test('reaches nothing without the proxy, or without a grant', async () => {
    await using world = await start()
    const direct = `use Socket; socket(S, PF_INET, SOCK_STREAM, 0); print connect(S, sockaddr_in(${world.web.port}, inet_aton("${PUBLIC}"))) ? "REACHED" : "no"`
    for (const hosts of [[], [world.host('a')]]) assert.doesNotMatch((await world.commands.run({ argv: ['perl', '-e', direct], hosts })).output, /REACHED/)
    const { output } = await world.ask('CONNECT a.site.example:% HTTP/1.1\n\n', [])
    assert.match(output, /no proxy/)
    assert.equal(world.web.connections.length, 0)
  })

  test('reaches no address of this machine or its network, whatever was granted', async () => {
    await using world = await start()
    for (const name of ['inner.site.example', INTERNAL, '169.254.169.254', '10.0.0.1', 'metadata.google.internal']) {
      const at = `${name}:${world.web.port}`
      const { output } = await world.ask(`CONNECT ${at} HTTP/1.1\nhost: a\n\n`, [at])
      assert.match(output, /502 Bad Gateway/, name)
    }
    assert.deepEqual(world.web.connections, [])
  })

  test('is not led elsewhere by a name that changes its meaning', async () => {
    await using world = await start()
    const first = await world.ask('CONNECT rebind.site.example:% HTTP/1.1\nhost: a\n\nx\n\n', [world.host('rebind')])
    const second = await world.ask('CONNECT rebind.site.example:% HTTP/1.1\nhost: a\n\nx\n\n', [world.host('rebind')])
    assert.match(first.output, /200 Connection/)
    assert.match(second.output, /502/)
    assert.deepEqual(world.web.connections, [PUBLIC])
  })

  test('uses a secret that it names, and sees it nowhere', async () => {
    await using world = await start()
    const head = 'GET http://api.site.example:%/x HTTP/1.1\nhost: a\nauthorization: Bearer {{secret:site}}\nconnection: close\n\n'
    const { output } = await world.ask(head, [world.host('api')])
    assert.equal(world.web.visits[0]?.request.headers.authorization, `Bearer ${VALUE}`)
    assert.match(output, /Bearer \[secret\]/)
    assert.doesNotMatch(output, new RegExp(VALUE))
    const elsewhere = await world.ask(head.replace('api.site', 'a.site'), [world.host('a')])
    assert.match(elsewhere.output, /403/)
    assert.equal(world.web.visits.length, 1)
    assert.match(await world.commands.describe({ argv: ['true'], hosts: [world.host('api')] }), /without seeing them: site/)
  })

  test('keeps nothing of the way out: one run, one grant', async () => {
    await using world = await start()
    const { output } = await world.commands.run({ argv: ['sh', '-c', 'ls -l /proc/self/fd; env'], hosts: [world.host('a')] })
    assert.match(output, /exit code 0/)
    assert.doesNotMatch(output, /NODE_CHANNEL|-> \/work|-> \/root/)
    // 0, 1, 2 and the folder that is listed.
    assert.equal(output.match(/ -> /g)?.length, 4, output)
  })

  test('does not reach the doors of the gateway', async () => {
    await using gateway = await configuredGateway()
    await using world = await start()
    const doors = `use Socket; for my $ip ("127.0.0.1", "0.0.0.0") { socket(S, PF_INET, SOCK_STREAM, 0); print "REACHED" if connect(S, sockaddr_in(${gateway.port}, inet_aton($ip))) }`
    assert.doesNotMatch((await world.commands.run({ argv: ['perl', '-e', doors] })).output, /REACHED/)
    const at = `127.0.0.1:${gateway.port}`
    for (const head of [`CONNECT ${at} HTTP/1.1\nhost: a\n\n`, `GET http://${at}/health HTTP/1.1\nhost: a\nconnection: close\n\n`]) {
      assert.match((await world.ask(head, [at])).output, /HTTP\/1\.1 (403|502)/)
    }
    assert.equal((await world.commands.run({ argv: ['cat', `${gateway.folder}/state/gateway.json`] })).isError, true)
  })
})

test('without namespaces no host can be granted', async () => {
  await using commands = await openCommands({}, 'landlock')
  await assert.rejects(commands.bind({ argv: ['true'], hosts: ['api.example.com'] }), { code: 'sandbox/unavailable', message: /one host alone/ })
})
