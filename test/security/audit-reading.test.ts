/** What people see of the trail: `cara doctor` checks it, `cara audit show` tells the story of one turn. */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createServices } from '../../src/app/services.ts'
import { approvalsListResult } from '../../src/contracts/ws/approvals.ts'
import { configuredGateway, type ConfiguredGateway } from '../doubles/configured-gateway.ts'
import { chatReply } from '../doubles/openai-wire.ts'
import { startWebhookServer } from '../doubles/webhook-server.ts'

const servicesOf = ({ folder }: ConfiguredGateway) =>
  createServices({ HOME: folder, CARAPACE_STATE_DIR: join(folder, 'state'), CARAPACE_CONFIG_PATH: join(folder, 'carapace.json5') })
const trailFinding = async (cara: ConfiguredGateway) => (await servicesOf(cara).doctor()).find(({ name }) => name === 'audit trail')

describe('cara doctor', () => {
  it('verifies the trail and says which key, how many receipts and the anchor; warns of a file that others may read', async () => {
    await using cara = await configuredGateway()
    await cara.stop()
    const services = servicesOf(cara)
    const { lines, key, anchor } = await services.auditVerify(null)
    assert.deepEqual(await trailFinding(cara), {
      name: 'audit trail',
      status: 'pass',
      detail: `${lines} receipts in 1 file, key ${key}, anchor ${anchor}`,
    })
    // What a command left for the next gateway is no fault.
    await services.setConfig('agent.temperature', '0.5')
    assert.equal((await trailFinding(cara))?.status, 'pass')
    const file = join(cara.folder, 'state', 'audit', 'receipts.jsonl')
    chmodSync(file, 0o644)
    assert.partialDeepStrictEqual(await trailFinding(cara), { status: 'warn', next: `chmod -R go= '${join(cara.folder, 'state', 'audit')}'` })
    chmodSync(file, 0o600)
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replace('"gateway-started"', '"gateway-stopped"'))
    const found = await trailFinding(cara)
    assert.equal(found?.status, 'fail')
    assert.match(found?.detail ?? '', /^changed at receipts.jsonl:\d+:/)
  })
})

describe('cara audit show --turn', () => {
  it('tells allowed, failed, refused and held apart: what, where, by whom, through which door and under which rule', async () => {
    await using receiver = await startWebhookServer([{ status: 403 }])
    await using cara = await configuredGateway({
      tools: { policy: 'deny-list', list: ['config_read'] },
      messages: { destinations: { 'team-chat': { url: receiver.url.href }, other: { url: receiver.url.href } } },
    })
    const call = (id: string, name: string, input: object) => ({ id, name, arguments: JSON.stringify(input) })
    const calls = [
      call('c1', 'memory_write', { key: 'k', value: 'v' }),
      call('c2', 'message_send', { to: 'team-chat', text: 'hello' }),
      call('c3', 'config_read', {}),
      call('c4', 'message_send', { to: 'other', text: 'hello' }),
    ]
    cara.upstream.script(chatReply({ calls }), chatReply({ text: ['done'] }))
    await assert.rejects(cara.chat('Remember it, and send "hello" to team-chat'), /waits for the owner/)
    const [asked] = approvalsListResult.parse(await cara.client.call('approvals.list', { status: 'pending' })).approvals
    assert.ok(asked !== undefined)
    await cara.client.call('approvals.resolve', { answers: [{ id: asked.id, hash: asked.hash, decision: 'deny' }] })
    const turnId = asked.runId
    await cara.client.call('agent.wait', { runId: turnId })
    await cara.stop()
    const host = receiver.url.host
    const story = (await servicesOf(cara).auditShow({ limit: 100, kind: null, turn: turnId })).filter(({ kind }) => kind !== 'decision')
    assert.deepEqual(
      story.map(({ kind, tool, outcome, rule, status, code, destinations }) => [kind, tool, outcome ?? rule ?? status, code ?? destinations]),
      [
        ['turn-accepted', undefined, undefined, undefined],
        ['effect-intended', 'memory_write', 'ownerApproved', []],
        ['effect-completed', 'memory_write', 'ok', undefined],
        ['effect-intended', 'message_send', 'ownerApproved', [`team-chat (${host})`]],
        ['message-completed', undefined, 'failed', undefined],
        ['effect-completed', 'message_send', 'failed', undefined],
        ['effect-refused', 'config_read', 'policyAllows', 'guard/blocked'],
        ['approval-asked', 'message_send', undefined, undefined],
        ['approval-decided', undefined, 'denied', undefined],
        ['effect-refused', 'message_send', 'ownerApproved', 'approval/denied'],
        ['turn-finished', undefined, 'completed', undefined],
      ],
    )
    const calling = story.filter(({ tool }) => tool !== undefined)
    for (const { door, by } of calling) assert.match(`${String(door)} ${String(by)}`, /^ws token:\w+$/)
    assert.partialDeepStrictEqual(
      story.find(({ kind }) => kind === 'approval-asked'),
      { approval: asked.id, rules: ['destinationsKnown'] },
    )
    assert.partialDeepStrictEqual(
      story.find(({ kind }) => kind === 'approval-decided'),
      { approval: asked.id, by: 'owner', door: 'ws' },
    )
  })

  it('tells what one turn did and nothing of another', async () => {
    await using cara = await configuredGateway()
    const write = { id: 'c1', name: 'memory_write', arguments: '{"key":"k","value":"v"}' }
    cara.upstream.script(chatReply({ calls: [write] }), chatReply({ text: ['one'] }), chatReply({ text: ['two'] }))
    const first = await cara.chat('remember it')
    const second = await cara.chat('hello')
    await cara.stop()
    const kinds = async (turn: string) => (await servicesOf(cara).auditShow({ limit: 100, kind: null, turn })).map(({ kind }) => kind)
    assert.deepEqual(await kinds(first.turnId), ['turn-accepted', 'effect-intended', 'effect-completed', 'turn-finished'])
    assert.deepEqual(await kinds(second.turnId), ['turn-accepted', 'turn-finished'])
  })
})
