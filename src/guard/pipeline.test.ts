import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import * as z from 'zod'
import type { EgressRequest } from '../contracts/egress.ts'
import { AppError } from '../contracts/errors.ts'
import { OWNER, type Origin } from '../contracts/origin.ts'
import type { ModelRequest } from '../contracts/provider.ts'
import type { AnyTool, ToolCall, ToolManifest } from '../contracts/tool.ts'
import type { InboundMessage } from '../contracts/turn.ts'
import { createSecretRegistry } from '../telemetry/secret-registry.ts'
import { createGuardedFetch } from './guarded-fetch.ts'
import { OutboundStream } from './outbound-stream.ts'
import { NO_WORD, type AnswerToCall } from './approvals/owners-word.ts'
import { argument, egress, inbound, outbound, prompt, toolCall, toolResult } from './pipeline.ts'
import { Evidence } from './provenance/evidence.ts'
import { clear, clearNow, isCleared, type Decision } from './run-checkpoint.ts'
import type { CheckpointReport, Stage } from './stage.ts'
import { NO_CODE } from './text/code.ts'
import type { ToolCallContext, TracedResult } from './stages/tool/facts.ts'

const SECRET = 'sk-canary-0123456789abcdef'
const secrets = createSecretRegistry()
secrets.add(SECRET)
const quiet = () => undefined
const peer: Origin = { author: { kind: 'peer', channel: 'test', id: '7' }, trust: 'untrusted', private: false }

function refusedBy(decision: Decision<object>): string | null {
  return decision.ok ? null : decision.refusal.stage
}

describe('the runner', () => {
  const stage = (name: string, check: Stage<{ text: string }, null>['check']): Stage<{ text: string }, null> => ({ name, check })
  const run = (...stages: Stage<{ text: string }, null>[]) => {
    const reports: CheckpointReport[] = []
    return { decision: clearNow({ name: 'test', stages }, { text: 'in' }, null, (report) => reports.push(report)), reports }
  }
  const pass = stage('passes', () => ({ verdict: 'pass' }))

  it('clears what every stage passed, and only that object', () => {
    const { decision } = run(pass)
    assert.ok(decision.ok)
    assert.equal(isCleared(decision.value), true)
    assert.equal(isCleared({ ...decision.value }), false)
  })

  it('hands a rewritten value to the next stage', () => {
    let seen = ''
    const { decision } = run(
      stage('rewrites', () => ({ verdict: 'rewrite', value: { text: 'out' }, why: 'because' })),
      stage('looks', ({ text }) => {
        seen = text
        return { verdict: 'pass' }
      }),
    )
    assert.ok(decision.ok)
    assert.deepEqual([seen, decision.value.text], ['out', 'out'])
  })

  it('blocks when a stage throws, and does not show what it threw', () => {
    const { decision, reports } = run(
      stage('breaks', () => {
        throw new Error('detail 4711')
      }),
      pass,
    )
    assert.equal(refusedBy(decision), 'breaks')
    assert.doesNotMatch(JSON.stringify(decision), /4711/)
    assert.equal(reports[0]?.verdict, 'fault')
  })

  it('blocks when a stage answers nothing, rejects, or holds', async () => {
    const broken: Stage<{ text: string }, null> = JSON.parse('{"name":"silent"}')
    assert.equal(refusedBy(run(broken).decision), 'silent')
    const rejects = { name: 'rejects', check: () => Promise.reject(new Error('no')) }
    const decision = await clear({ name: 'test', stages: [rejects] }, { text: 'in' }, null, quiet, AbortSignal.timeout(1000))
    assert.equal(refusedBy(decision), 'rejects')
    const held = run(stage('holds', () => ({ verdict: 'hold', why: 'outside', evidence: 'x', unlock: 'ask' })))
    assert.equal(refusedBy(held.decision), 'holds')
  })

  it('reports every decision itself', () => {
    const startedAt = performance.now()
    const { reports } = run(pass)
    const took = performance.now() - startedAt
    assert.deepEqual(
      reports.map(({ checkpoint, stage: name, verdict }) => [checkpoint, name, verdict]),
      [['test', null, 'pass']],
    )
    assert.ok(reports.every(({ ms }) => ms >= 0 && ms <= took))
  })
})

describe('the pipeline', () => {
  it('keeps its stages in order', () => {
    const order = [inbound, prompt, argument, toolCall, toolResult, outbound, egress].map(({ name, stages }) =>
      [name, ...stages.map((stage) => stage.name)].join(' '),
    )
    assert.deepEqual(order, [
      'inbound sizeWithinLimit trustAssigned secretsRedacted injectionScanned',
      'prompt systemPromptSound untrustedMarked withinWindow',
      'argument secretsRedacted',
      'toolCall toolKnown policyAllows inputValid pathsInsideRoots destinationsKnown ruleOfTwo consentPerCall ownerApproved',
      'toolResult originMarked secretsRedacted sizeWithinLimit injectionScanned',
      'outbound secretsRedacted piiRedacted marksApart markupSafe linksSafe',
      'egress schemeAllowed hostAllowed resolvesToPublic credentialsSameOrigin secretsForHost',
    ])
  })
})

describe('inbound', () => {
  const message = (more: Partial<InboundMessage> = {}): InboundMessage => ({
    door: 'test',
    sender: { kind: 'owner' },
    sessionKey: 'main',
    parts: [{ type: 'text', text: 'hi', origin: OWNER }],
    options: {},
    ...more,
  })
  const check = (value: InboundMessage) => clearNow(inbound, value, { secrets, injection: 'mark' }, quiet)

  it('passes what the owner says', () => assert.equal(check(message()).ok, true))

  it('refuses what no agent can carry, and nothing below', () => {
    const text = (length: number) => ({ type: 'text', text: 'x'.repeat(length), origin: OWNER }) as const
    const image = (length: number) => ({ type: 'image', mediaType: 'image/png', data: 'A'.repeat(length), origin: OWNER }) as const
    const earlier = (count: number) => ({ options: { context: Array.from({ length: count }, () => ({ role: 'user', parts: [] }) as const) } })
    for (const [most, more] of [
      [{ parts: [text(1_048_576)] }, { parts: [text(1_048_577)] }],
      [{ parts: Array.from({ length: 64 }, () => text(1)) }, { parts: Array.from({ length: 65 }, () => text(1)) }],
      [{ parts: [image(8 * 1024 * 1024)] }, { parts: [image(8 * 1024 * 1024 + 1)] }],
      [earlier(4000), earlier(4001)],
    ] as const) {
      assert.equal(check(message(most)).ok, true)
      assert.equal(refusedBy(check(message(more))), 'sizeWithinLimit')
    }
  })

  it('refuses a stranger who claims to be the owner', () => {
    assert.equal(refusedBy(check(message({ sender: { kind: 'peer', channel: 'test', id: '7' } }))), 'trustAssigned')
  })

  it('distrusts what somebody else wrote, whatever the door says', () => {
    const decision = check(message({ parts: [{ type: 'text', text: 'trust me', origin: { ...peer, trust: 'trusted' } }] }))
    assert.ok(decision.ok)
    assert.equal(decision.value.parts[0]?.origin.trust, 'untrusted')
    const result = {
      type: 'tool-result',
      callId: 'c',
      tool: 't',
      output: 'x',
      isError: false,
      origin: { author: { kind: 'tool', name: 't' }, trust: 'trusted', private: false },
    } as const
    const earlier = check(message({ options: { context: [{ role: 'tool', parts: [result] }] } }))
    assert.ok(earlier.ok)
    assert.match(JSON.stringify(earlier.value.options.context), /"trust":"untrusted"/)
  })

  it('takes known secrets out, also out of earlier messages', () => {
    const part = { type: 'text', text: `key ${SECRET}`, origin: OWNER } as const
    const result = { type: 'tool-result', callId: 'c', tool: 't', output: SECRET, isError: false, origin: peer } as const
    const context = [
      { role: 'user', parts: [part] },
      { role: 'tool', parts: [result] },
    ] as const
    const decision = check(message({ parts: [part], options: { context } }))
    assert.ok(decision.ok)
    assert.doesNotMatch(JSON.stringify(decision.value), /canary/)
  })
})

describe('prompt', () => {
  const request = (more: Partial<ModelRequest> = {}): ModelRequest => ({ model: 'm', system: 'ours', messages: [], tools: [], ...more })
  const check = (value: ModelRequest, estimatedTokens = 10) =>
    clearNow(prompt, value, { systemPrompt: 'ours', windowTokens: 100, estimatedTokens, injection: 'mark' }, quiet)

  it('passes our own request', () => assert.equal(check(request()).ok, true))

  it('refuses a system prompt that is not ours, and untrusted text in a system message (K1)', () => {
    assert.equal(refusedBy(check(request({ system: 'theirs' }))), 'systemPromptSound')
    assert.equal(refusedBy(check(request({ messages: [{ role: 'system', parts: [{ type: 'text', text: 'obey', origin: peer }] }] }))), 'systemPromptSound')
  })

  it('refuses what the window cannot hold', () => assert.equal(refusedBy(check(request(), 101)), 'withinWindow'))
})

describe('tool call', () => {
  const manifest: ToolManifest = {
    effect: 'read',
    effectWithoutDestination: 'read',
    recovery: 'pure',
    destinations: [],
    targets: [],
    content: [],
    paths: [],
    consent: 'judged',
    returns: { trust: 'trusted', private: false, curated: false, records: false },
  }
  const tool = (name: string, more: Partial<ToolManifest> = {}): AnyTool => ({
    name,
    description: '',
    input: z.object({ path: z.string().optional() }),
    manifest: { ...manifest, ...more },
    run: async () => ({ output: '' }),
  })
  const tools = new Map(
    [
      tool('look'),
      tool('read', { paths: ['path'] }),
      tool('send', { effect: 'egress' }),
      tool('wipe', { effect: 'irreversible' }),
      tool('ask', { consent: 'every-call' }),
      tool('ask-outside', { effect: 'egress', consent: 'every-call' }),
    ].map((one) => [one.name, one]),
  )
  const call = (name: string, input: ToolCall['input'] = {}): ToolCall => ({
    callId: 'c',
    tool: name,
    input,
    turnId: 't',
    sessionId: null,
    effectId: 'e',
    binding: null,
    origin: OWNER,
  })
  const check = (value: ToolCall, more: Partial<ToolCallContext> = {}) =>
    clear(
      toolCall,
      value,
      { tools, policy: { policy: 'allow-all', list: [] }, roots: [], evidence: new Evidence(tools), word: NO_WORD, ...more },
      quiet,
      AbortSignal.timeout(1000),
    )

  it('passes a known, allowed, valid, harmless call', async () => assert.equal((await check(call('look'))).ok, true))

  it('refuses an unknown tool and arguments that do not fit', async () => {
    assert.equal(refusedBy(await check(call('nothing'))), 'toolKnown')
    assert.equal(refusedBy(await check(call('look', { path: 7 }))), 'inputValid')
  })

  it('keeps to the owner’s policy at the call, not only when tools are offered', async () => {
    assert.equal(refusedBy(await check(call('look'), { policy: { policy: 'deny-list', list: ['look'] } })), 'policyAllows')
    assert.equal(refusedBy(await check(call('look'), { policy: { policy: 'allow-list', list: ['read'] } })), 'policyAllows')
    assert.equal((await check(call('look'), { policy: { policy: 'allow-list', list: ['look'] } })).ok, true)
  })

  it('keeps paths inside the roots, links resolved (F1, F3)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cara-guard-'))
    try {
      const root = join(folder, 'root')
      mkdirSync(root)
      writeFileSync(join(root, 'in.txt'), 'in')
      writeFileSync(join(folder, 'out.txt'), 'out')
      symlinkSync(join(folder, 'out.txt'), join(root, 'link.txt'))
      const decide = async (path: string) => refusedBy(await check(call('read', { path }), { roots: [root] }))
      assert.equal(await decide(join(root, 'in.txt')), null)
      for (const path of [join(folder, 'out.txt'), join(root, '..', 'out.txt'), join(root, 'link.txt'), '/etc/passwd', `${root}x/in.txt`]) {
        assert.equal(await decide(path), 'pathsInsideRoots', path)
      }
      assert.equal(refusedBy(await check(call('read', { path: join(root, 'in.txt') }))), 'pathsInsideRoots', 'no roots, no files')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('holds what acts outside or cannot be undone', async () => {
    for (const name of ['send', 'wipe']) {
      const decision = await check(call(name))
      assert.equal(refusedBy(decision), 'destinationsKnown')
      assert.ok(!decision.ok && decision.held.length === 1, 'nothing but the owner’s word is missing')
    }
  })

  it('holds every call of a tool that always asks (consentPerCall)', async () => {
    assert.equal(refusedBy(await check(call('ask'))), 'consentPerCall')
  })

  it('tells all reasons at once, and a later block wins over them', async () => {
    const held = await check(call('ask-outside'))
    assert.deepEqual(held.ok ? [] : held.held.map(({ rule }) => rule), ['destinationsKnown', 'consentPerCall'])
    const faulty = {
      ...NO_WORD,
      answerTo: () => {
        throw new Error('the store is gone')
      },
    }
    const blocked = await check(call('ask-outside'), { word: faulty })
    assert.ok(!blocked.ok && blocked.held.length === 0)
    assert.equal(refusedBy(blocked), 'ownerApproved')
  })

  it('lets go what the owner allowed, and nothing that he refused or that has changed (ownerApproved)', async () => {
    const said = (answer: AnswerToCall) => ({ word: { ...NO_WORD, answerTo: () => answer } })
    const allowed = await check(call('ask-outside'), said({ kind: 'allowed', approvalId: 'apr_1' }))
    assert.ok(allowed.ok)
    assert.equal(allowed.released?.by, 'apr_1')
    assert.deepEqual(
      allowed.released?.holds.map(({ rule }) => rule),
      ['destinationsKnown', 'consentPerCall'],
    )
    for (const name of ['look', 'send']) {
      const denied = await check(call(name), said({ kind: 'refused', status: 'denied', note: 'never' }))
      assert.ok(!denied.ok && denied.held.length === 0)
      assert.deepEqual([denied.refusal.code, refusedBy(denied)], ['approval/denied', 'ownerApproved'])
      const changed = await check(call(name), said({ kind: 'changed' }))
      assert.ok(!changed.ok && changed.held.some(({ rule }) => rule === 'ownerApproved'))
    }
  })
})

describe('tool result', () => {
  const tool = (returns: ToolManifest['returns']): AnyTool => ({
    name: 'look',
    description: '',
    input: z.object({}),
    manifest: {
      effect: 'read',
      effectWithoutDestination: 'read',
      recovery: 'pure',
      consent: 'judged',
      destinations: [],
      targets: [],
      content: [],
      paths: [],
      returns,
    },
    run: async () => ({ output: '' }),
  })
  const check = (result: Partial<TracedResult>, returns: ToolManifest['returns'] = { trust: 'untrusted', private: true, curated: false, records: false }) => {
    const decision = clearNow(toolResult, { output: 'x', isError: false, origin: null, ...result }, { tool: tool(returns), secrets, injection: 'mark' }, quiet)
    assert.ok(decision.ok)
    return decision.value
  }

  it('gives every result an origin, and never more trust or less privacy than the manifest', () => {
    assert.deepEqual(check({}).origin, { author: { kind: 'tool', name: 'look' }, trust: 'untrusted', private: true })
    assert.deepEqual(check({ origin: OWNER }).origin, { author: { kind: 'owner' }, trust: 'untrusted', private: true })
    assert.equal(check({ origin: peer }, { trust: 'trusted', private: false, curated: false, records: false }).origin?.trust, 'untrusted')
  })

  it('takes secrets out before it cuts, so that no half of one stays', () => {
    assert.equal(check({ output: `a ${SECRET} b` }).output, 'a [secret] b')
    const output = check({ output: `${'x'.repeat(64 * 1024 - 10)}${SECRET}${'y'.repeat(100)}` }).output
    assert.doesNotMatch(output, /sk-ca/)
    assert.match(output, /\[cut: \d+ more characters\]$/)
  })
})

describe('outbound', () => {
  const leaving = { secrets, markup: 'plain', personal: [], links: null } as const

  it('takes secrets out, in every encoding that is known', () => {
    for (const form of [SECRET, Buffer.from(SECRET).toString('base64'), Buffer.from(SECRET).toString('hex')]) {
      const decision = clearNow(outbound, { text: `<${form}>`, before: '', left: '', earlier: '', code: NO_CODE }, leaving, quiet)
      assert.ok(decision.ok)
      assert.doesNotMatch(decision.value.text, new RegExp(form.slice(4, 16)))
    }
  })

  it('lets no half of a secret out, wherever the stream is cut', () => {
    const text = `before ${SECRET} after sk-canary-0123`
    const expected = 'before [secret] after sk-canary-0123'
    for (let first = 0; first <= text.length; first++) {
      for (let second = first; second <= text.length; second += 3) {
        const stream = new OutboundStream(leaving, quiet)
        const pieces = [stream.push(text.slice(0, first)), stream.push(text.slice(first, second)), stream.push(text.slice(second)), stream.end()]
        assert.equal(pieces.join(''), expected, `cut at ${first} and ${second}`)
      }
    }
  })

  it('keeps nothing back that cannot begin a secret', () => {
    const stream = new OutboundStream(leaving, quiet)
    assert.equal(stream.push('Hello, world'), 'Hello, world')
  })
})

describe('egress', () => {
  const request = (url: string, origins: readonly string[]): EgressRequest => ({ method: 'GET', url: new URL(url), headers: {}, policy: { origins } })
  const check = async (url: string, origins: readonly string[] = [new URL(url).origin]) => {
    const context = { resolve: () => Promise.reject(new Error('nothing is looked up')), isPublic: async () => false, firstOrigin: new URL(url).origin }
    return refusedBy(await clear(egress, request(url, origins), context, quiet, AbortSignal.timeout(1000)))
  }

  it('passes https to what the caller is for, and plain http to this machine', async () => {
    for (const url of ['https://api.example.com/v1', 'http://127.0.0.1:8080/v1', 'http://localhost:1/', 'http://[::1]:1/'])
      assert.equal(await check(url), null, url)
  })

  it('refuses plain http to anywhere else, other schemes, and addresses that only look like this machine', async () => {
    for (const url of [
      'http://api.example.com/',
      'http://127.0.0.1.evil.com/',
      'http://localhost.evil.com/',
      'http://10.0.0.1/',
      'ftp://127.0.0.1/',
      'file:///etc/passwd',
    ]) {
      assert.equal(await check(url), 'schemeAllowed', url)
    }
  })

  it('refuses other hosts, other ports and credentials in the URL', async () => {
    for (const url of ['https://evil.com/', 'https://api.example.com:8443/', 'https://api.example.com.evil.com/', 'https://user:pass@api.example.com/']) {
      assert.equal(await check(url, ['https://api.example.com']), 'hostAllowed', url)
    }
  })

  it('reaches what the owner named by its own name, not by an address of the caller’s choice', async () => {
    const pinned = { ...request('https://api.example.com/', ['https://api.example.com']), pinned: ['127.0.0.1'] }
    const context = { resolve: () => Promise.reject(new Error('nothing is looked up')), isPublic: async () => true, firstOrigin: 'https://api.example.com' }
    assert.equal(refusedBy(await clear(egress, pinned, context, quiet, AbortSignal.timeout(1000))), 'resolvesToPublic')
  })

  it('stands before every transport', async () => {
    let sent = 0
    const fetch = createGuardedFetch(async () => {
      sent++
      return { status: 200, headers: {}, body: (async function* () {})() }
    }, quiet)
    await assert.rejects(
      fetch(request('https://evil.com/path?key=1', []), AbortSignal.timeout(1000)),
      (error) => error instanceof AppError && error.code === 'net/refused' && !/path|key/.test(error.message),
    )
    assert.equal(sent, 0)
    await fetch(request('https://ok.example/', ['https://ok.example']), AbortSignal.timeout(1000))
    assert.equal(sent, 1)
  })
})
