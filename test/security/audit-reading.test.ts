/** What people see of the trail: `cara doctor` checks it, `cara audit show` tells the story of one turn. */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createServices } from '../../src/app/services.ts'
import { configuredGateway, type ConfiguredGateway } from '../doubles/configured-gateway.ts'
import { chatReply } from '../doubles/openai-wire.ts'

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
