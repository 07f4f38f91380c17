/** The passages themselves: what a checkpoint makes of its verdicts, how far the owner's word reaches in it, and what the guarded ways let through. */
import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import * as z from 'zod'
import type { Grant } from '../../src/contracts/approval.ts'
import type { Destination } from '../../src/contracts/destination.ts'
import type { EgressResponse, Transport } from '../../src/contracts/egress.ts'
import { AppError } from '../../src/contracts/errors.ts'
import { OWNER } from '../../src/contracts/origin.ts'
import type { AnyTool, ToolManifest } from '../../src/contracts/tool.ts'
import { callHash } from '../../src/guard/approvals/call-hash.ts'
import { NO_WORD, type AnswerToCall, type OwnersWord } from '../../src/guard/approvals/owners-word.ts'
import { grantOf } from '../../src/guard/approvals/unlocks.ts'
import { createGuardedFetch } from '../../src/guard/guarded-fetch.ts'
import { guardDestinations } from '../../src/guard/guarded-messages.ts'
import { createGuardedTunnel } from '../../src/guard/guarded-tunnel.ts'
import { clear, clearNow, isCleared } from '../../src/guard/run-checkpoint.ts'
import type { CheckpointReport, Held, Verdict } from '../../src/guard/stage.ts'
import { ownerApproved } from '../../src/guard/stages/tool/owner-approved.ts'
import { isOffered } from '../../src/guard/stages/tool/policy-allows.ts'
import { createSecretRegistry } from '../../src/telemetry/secret-registry.ts'
import { Conversation, tools } from '../doubles/conversation.ts'

const quiet = () => undefined
const soon = () => AbortSignal.timeout(5000)
const ANN = 'ann@example.org'

describe('a checkpoint', () => {
  interface Box {
    readonly text: string
  }
  const stage = (name: string, verdict: unknown) => ({ name, check: () => z.custom<Verdict<Box>>().parse(verdict) })
  const hold = (name: string) => stage(name, { verdict: 'hold', why: 'w', evidence: 'e', unlock: 'u' })
  const run = async (...stages: readonly ReturnType<typeof stage>[]) => {
    const reports: CheckpointReport[] = []
    const now = clearNow({ name: 'x', stages }, { text: 'a' }, {}, (report) => reports.push(report))
    const later = await clear({ name: 'x', stages }, { text: 'a' }, {}, quiet, soon())
    return { now, later, verdicts: reports.map(({ verdict }) => verdict) }
  }

  it('without stages lets nothing through', async () => {
    const { now, later, verdicts } = await run()
    assert.deepEqual([now.ok ? null : now.refusal.stage, later.ok ? null : later.refusal.stage, verdicts], ['missing', 'missing', ['fault']])
  })

  it('tells of a rewrite unless it is what the stage is for', async () => {
    const rewrite = (isRoutine?: boolean) =>
      stage('s', { verdict: 'rewrite', value: { text: 'b' }, why: 'w', ...(isRoutine === undefined ? {} : { isRoutine }) })
    assert.deepEqual((await run(rewrite())).verdicts, ['rewrite', 'pass'])
    assert.deepEqual((await run(rewrite(false))).verdicts, ['rewrite', 'pass'])
    const { now, verdicts } = await run(rewrite(true))
    assert.deepEqual([now.ok && now.value.text, verdicts], ['b', ['pass']])
  })

  it('lets go of the holds that a word names, and of no other', async () => {
    const release = (...rules: readonly string[]) => stage('s', { verdict: 'release', rules, by: 'g', why: 'w' })
    const { later: part } = await run(hold('one'), hold('two'), release('two'))
    assert.deepEqual([part.ok, part.ok ? null : part.held.map(({ rule }) => rule)], [false, ['one']])
    const { later: whole } = await run(hold('one'), hold('two'), release('one', 'two'))
    assert.deepEqual(whole.ok ? [whole.released?.by, whole.released?.holds.map(({ rule }) => rule)] : null, ['g', ['one', 'two']])
    const { later: apart } = await run(hold('one'), hold('two'), release('two'), release('one'))
    assert.deepEqual(apart.ok ? apart.released?.holds.map(({ rule }) => rule) : null, ['one'])
  })

  it('where nobody can be asked, ends at the first hold', async () => {
    const { now, verdicts } = await run(hold('one'), hold('two'))
    assert.deepEqual([now.ok, verdicts], [false, ['hold']])
  })

  it('mints nothing out of nothing', async () => {
    const nothing = stage('s', { verdict: 'rewrite', value: 'text', why: 'w' })
    assert.throws(() => clearNow({ name: 'x', stages: [nothing] }, { text: 'a' }, {}, quiet), /a check left nothing/)
  })

  it('handles the end of a promise where nobody waits', () => {
    let isHandled = false
    const handle = () => {
      isHandled = true
      return Promise.resolve()
    }
    const promise = Object.assign(Promise.resolve(), { catch: handle })
    const decision = clearNow({ name: 'x', stages: [stage('s', promise)] }, { text: 'a' }, {}, quiet)
    assert.equal(decision.ok ? null : decision.refusal.stage, 's')
    assert.ok(isHandled)
  })
})

describe('the owner’s word', () => {
  const known = (name: string): AnyTool => tools.get(name) ?? assert.fail(name)
  const changed = (name: string, more: Partial<ToolManifest>): AnyTool => ({ ...known(name), manifest: { ...known(name).manifest, ...more } })
  const mail = known('send_mail')
  const call = (tool: string, input = { to: [ANN], text: 'hi' }) =>
    ({ callId: 'c', tool, input, turnId: 't', sessionId: 's', effectId: 'e', binding: null, origin: OWNER }) as const
  const held = (...rules: readonly string[]): readonly Held[] => rules.map((rule) => ({ rule, why: 'w', evidence: 'e', unlock: 'u' }))
  const grant = (id: string, to: string, unlock: Grant['unlock'] = 'session'): Grant => ({
    id,
    approvalId: 'a',
    createdAt: 0,
    ...grantOf(unlock, call('send_mail', { to: [to], text: 'x' }), mail),
  })
  const check = (word: Partial<OwnersWord>, holds: readonly Held[], tool: AnyTool | null = mail) => {
    const context = {
      tools: new Map(tool === null ? [] : [['send_mail', tool]]),
      policy: { policy: 'allow-all', list: [] },
      roots: [],
      evidence: new Conversation().evidence,
      word: { ...NO_WORD, ...word },
    } as const
    const verdict = ownerApproved.check(call('send_mail'), context, soon(), holds)
    assert.ok(!(verdict instanceof Promise))
    return verdict
  }
  const released = (verdict: Verdict<object>) => (verdict.verdict === 'release' ? [verdict.by, ...verdict.rules] : verdict.verdict)

  it('is not needed where nothing is held, and not there where nobody was asked', () => {
    assert.equal(NO_WORD.answerTo(call('send_mail')), null)
    assert.equal(released(check({ grants: [grant('g', ANN)] }, [])), 'pass')
    assert.equal(released(check({}, held('destinationsKnown'))), 'pass')
    assert.equal(released(check({}, held('destinationsKnown'), null)), 'block')
  })

  it('of a grant covers its own calls, as far as it speaks of the reasons', () => {
    assert.deepEqual(released(check({ grants: [grant('g', ANN)] }, held('destinationsKnown'))), ['g', 'destinationsKnown'])
    assert.deepEqual(released(check({ grants: [grant('g', ANN)] }, held('destinationsKnown', 'ruleOfTwo'))), ['g', 'destinationsKnown'])
    assert.deepEqual(released(check({ grants: [grant('g', ANN, 'always')] }, held('destinationsKnown', 'ruleOfTwo'))), ['g', 'destinationsKnown', 'ruleOfTwo'])
    assert.equal(released(check({ grants: [grant('g', 'bob@example.org')] }, held('destinationsKnown'))), 'pass')
    assert.deepEqual(released(check({ grants: [grant('no', 'bob@example.org'), grant('g', ANN)] }, held('destinationsKnown'))), ['g', 'destinationsKnown'])
    const both = [grant('part', ANN), grant('whole', ANN, 'always')]
    assert.deepEqual(released(check({ grants: both }, held('destinationsKnown', 'ruleOfTwo'))), ['whole', 'destinationsKnown', 'ruleOfTwo'])
    assert.deepEqual(released(check({ grants: both.slice(0, 1) }, held('ruleOfTwo'))), ['part', 'destinationsKnown'])
    const told = (...rules: readonly string[]) => {
      const verdict = check({ grants: both }, held(...rules))
      return verdict.verdict === 'release' ? [verdict.by, verdict.why] : null
    }
    assert.deepEqual(told('destinationsKnown'), ['part', 'a grant of the owner covers it'], 'the narrower word is enough')
    assert.deepEqual(told('destinationsKnown', 'ruleOfTwo'), ['whole', 'a grant of the owner covers it'])
  })

  it('is not waited for in shadow mode, but where a tool always asks or cannot be undone', () => {
    const shadow = (tool: AnyTool, mode: OwnersWord['mode'] = 'shadow') => released(check({ mode }, held('ruleOfTwo'), tool))
    assert.deepEqual(shadow(mail), ['shadow', 'ruleOfTwo'])
    assert.equal(shadow(mail, 'ask'), 'pass')
    assert.equal(shadow(changed('send_mail', { consent: 'every-call' })), 'pass')
    assert.equal(shadow(changed('send_mail', { effect: 'irreversible' })), 'pass')
  })

  it('that was no is told as it was', () => {
    const refused = (answer: AnswerToCall) => {
      const verdict = check({ answerTo: () => answer, grants: [grant('g', ANN, 'always')] }, [])
      return verdict.verdict === 'block' ? [verdict.code, verdict.why] : null
    }
    assert.deepEqual(refused({ kind: 'refused', status: 'denied', note: null }), ['approval/denied', 'send_mail'])
    assert.deepEqual(refused({ kind: 'refused', status: 'denied', note: 'never' }), ['approval/denied', 'send_mail. He says: never'])
    assert.deepEqual(refused({ kind: 'refused', status: 'expired', note: null }), ['approval/expired', 'send_mail'])
    assert.deepEqual(refused({ kind: 'refused', status: 'cancelled', note: 'x' }), ['approval/expired', 'send_mail'])
  })

  it('is bound to the tool, its arguments and what it is bound to', () => {
    const hashes = [
      callHash({ tool: 'a', input: { x: 1 }, binding: null }),
      callHash({ tool: 'b', input: { x: 1 }, binding: null }),
      callHash({ tool: 'a', input: { x: 2 }, binding: null }),
      callHash({ tool: 'a', input: { x: 1 }, binding: 'v1' }),
    ]
    assert.equal(new Set(hashes).size, 4)
  })

  it('about tools holds for each list', () => {
    const offered = (policy: 'allow-all' | 'allow-list' | 'deny-list') => [isOffered('a', policy, ['a']), isOffered('b', policy, ['a'])]
    assert.deepEqual(
      [offered('allow-all'), offered('allow-list'), offered('deny-list')],
      [
        [true, true],
        [true, false],
        [false, true],
      ],
    )
  })
})

describe('the guarded ways out', () => {
  const url = new URL('https://site.example/a')
  const reach = { resolve: async () => ['93.184.216.34'], isPublic: async () => true }
  const empty = async function* (): AsyncGenerator<Uint8Array> {}
  const answers = (...all: readonly (readonly [status: number, headers: Readonly<Record<string, string>>])[]) => {
    const asked: string[] = []
    const transport: Transport = async (request) => {
      const [status, headers] = all[asked.length] ?? [200, {}]
      asked.push(request.url.pathname)
      return { status, headers, body: empty() }
    }
    return { asked, transport }
  }
  const get = (transport: Transport, more = {}, signal = soon()) =>
    createGuardedFetch(transport, quiet, reach)({ method: 'GET', url, headers: {}, policy: { hosts: 'public' }, ...more }, signal)

  it('follow a redirect, and only what is one', async () => {
    for (const [status, headers, paths] of [
      [302, { location: '/b' }, ['/a', '/b']],
      [302, {}, ['/a']],
      [200, { location: '/b' }, ['/a']],
    ] as const) {
      const { asked, transport } = answers([status, headers])
      await get(transport, { maxRedirects: 2 })
      assert.deepEqual(asked, paths)
    }
  })

  it('close a body that is left, ends or fails, and tell so', async () => {
    const body = (next: () => Promise<IteratorResult<Uint8Array>>, left: string[]): EgressResponse['body'] => ({
      [Symbol.asyncIterator]: () => ({
        next,
        return: async () => {
          left.push('left')
          return { done: true, value: undefined }
        },
      }),
    })
    /** Whether the caller's signal still reaches the transport's. */
    const open = async (next: () => Promise<IteratorResult<Uint8Array>>) => {
      const outer = new AbortController()
      const left: string[] = []
      const inner: AbortSignal[] = []
      const { body: read } = await get(
        async (_request, signal) => {
          inner.push(signal)
          return { status: 200, headers: {}, body: body(next, left) }
        },
        {},
        outer.signal,
      )
      const reaches = () => {
        outer.abort()
        return inner[0]?.aborted
      }
      return { iterator: read[Symbol.asyncIterator](), reaches, left }
    }
    const failing = await open(() => Promise.reject(new AppError('net/unreachable')))
    await assert.rejects(failing.iterator.next())
    assert.equal(failing.reaches(), false)
    const ended = await open(async () => ({ done: true, value: undefined }))
    assert.deepEqual(await ended.iterator.next(), { done: true, value: undefined })
    assert.equal(ended.reaches(), false)
    const chunk = async () => ({ done: false, value: new Uint8Array(1) }) as const
    const going = await open(chunk)
    await going.iterator.next()
    assert.equal(going.reaches(), true, 'until then an abort ends it')
    const gone = await open(chunk)
    assert.deepEqual(await gone.iterator.return?.(), { done: true, value: undefined })
    assert.deepEqual([gone.reaches(), gone.left], [false, ['left']])
  })

  it('connect a tunnel to what the checkpoint pinned, and to nothing that it refused', async () => {
    const asked: (readonly string[] | undefined)[] = []
    const tunnel = (isPublic: boolean) =>
      createGuardedTunnel(
        async (request) => {
          asked.push(request.pinned)
          return new PassThrough()
        },
        quiet,
        { ...reach, isPublic: async () => isPublic },
      )
    await tunnel(true)(url, soon())
    assert.deepEqual(asked, [['93.184.216.34']])
    await assert.rejects(tunnel(false)(url, soon()), { code: 'net/refused' })
    await assert.rejects(tunnel(true)(new URL('http://site.example'), soon()), AppError)
    await assert.rejects(tunnel(true)(url, AbortSignal.abort(new AppError('net/timeout'))), { code: 'net/timeout' })
    assert.equal(asked.length, 1)
  })

  it('find a destination by its name alone, and clear a text that their stages let pass', async () => {
    const chat: Destination = {
      name: 'chat',
      kind: 'webhook',
      format: 'text',
      host: 'chat.example',
      signed: false,
      keyed: false,
      traits: { maxText: 256, unit: 'utf-16', markup: 'plain' },
      deliver: async () => ({ kind: 'taken' }),
    }
    const secrets = createSecretRegistry()
    const { find, clear: clearText, all } = guardDestinations([chat], secrets, [], quiet)
    assert.deepEqual([find('chat'), all], [chat, [chat]])
    assert.throws(() => find('other'), { code: 'message/unknown-destination', hint: 'Known: chat' })
    assert.throws(() => guardDestinations([], secrets, [], quiet).find('other'), { code: 'message/unknown-destination', hint: /None is configured/ })
    assert.ok(isCleared(clearText('12345')))
    const broken = {
      ...secrets,
      redact: () => {
        throw new Error('broken')
      },
    }
    assert.throws(() => guardDestinations([chat], broken, [], quiet).clear('x'), { code: 'guard/blocked' })
  })
})
