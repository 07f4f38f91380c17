import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AuditTrail, Receipt } from '../contracts/audit.ts'
import { countDecisions } from './count-decisions.ts'

function counting() {
  let time = 0
  const noted: Receipt[] = []
  const audit: AuditTrail = { note: (receipt) => void noted.push(receipt), keep: async () => undefined, mac: () => '', faults: () => [] }
  const counts = countDecisions(audit, () => time)
  const decide = (stage: string, verdict: 'pass' | 'rewrite' | 'block' = 'block') =>
    counts.report({ checkpoint: 'request', stage, verdict, why: 'secret', ms: 1 })
  return { counts, noted, decide, turn: (ms: number) => void (time += ms) }
}
const noted = (rule: string, count: number, verdict = 'block') => ({ kind: 'decision', checkpoint: 'request', rule, verdict, count, turn: null })

describe('decisions', () => {
  it('are noted at once, and counted within their minute, each rule and verdict apart', () => {
    const { counts, noted: found, decide, turn } = counting()
    for (let index = 0; index < 1000; index++) decide('withinRate')
    decide('hostKnown')
    decide('hostKnown', 'rewrite')
    decide('hostKnown', 'pass')
    assert.deepEqual(found, [noted('withinRate', 1), noted('hostKnown', 1), noted('hostKnown', 1, 'rewrite')])
    turn(60_000)
    decide('withinRate')
    assert.deepEqual(found.slice(3), [noted('withinRate', 999), noted('withinRate', 1)])
    decide('withinRate')
    counts.close()
    counts.close()
    assert.deepEqual(found.slice(5), [noted('withinRate', 1)])
  })

  it('of more kinds than there are rules do not fill the memory', () => {
    const { counts, noted: found, decide } = counting()
    for (let index = 0; index < 530; index++) decide(`rule${index}`)
    counts.close()
    assert.equal(found.length, 512)
  })

  it('of two turns are two', () => {
    const { counts, noted: found } = counting()
    for (const turn of ['t1', 't2', 't1']) counts.report({ checkpoint: 'toolCall', stage: 'ruleOfTwo', verdict: 'hold', why: null, ms: 1, turn })
    assert.deepEqual(
      found.map((receipt) => ('turn' in receipt ? receipt.turn : null)),
      ['t1', 't2'],
    )
    counts.close()
  })

  /** Resolves with the number of times that it was asked for the time when the rest was noted. */
  function noticing(lateAfter: number) {
    const done = Promise.withResolvers<readonly number[]>()
    const counted: number[] = []
    let asked = 0
    const audit: AuditTrail = {
      note: (receipt) => {
        if (receipt.kind === 'decision') counted.push(receipt.count)
        if (counted.length === 2) done.resolve(counted)
      },
      keep: async () => undefined,
      mac: () => '',
      faults: () => [],
    }
    const counts = countDecisions(audit, () => (++asked > lateAfter ? 10 : 0), 10)
    const report = (times: number) => {
      for (let index = 0; index < times; index++) counts.report({ checkpoint: 'request', stage: 'hostKnown', verdict: 'block', why: null, ms: 1 })
    }
    // The timers of the guard keep no process alive.
    const alive = setInterval(() => undefined, 1000)
    return { counts, report, asked: () => asked, noted: done.promise.finally(() => clearInterval(alive)) }
  }

  it('that are counted are noted though nothing follows, and then nobody waits', { timeout: 10_000 }, async () => {
    const first = noticing(4)
    first.report(3)
    assert.deepEqual(await first.noted, [1, 2], 'at the second look: at the first the minute was not over')
    const asked = first.asked()
    const second = noticing(2)
    second.report(2)
    await second.noted
    assert.equal(first.asked(), asked, 'nothing is left to wait for')
  })

  it('are not waited for once it is closed', { timeout: 10_000 }, async () => {
    const closed = noticing(2)
    closed.report(2)
    closed.counts.close()
    await closed.noted
    const asked = closed.asked()
    const other = noticing(2)
    other.report(2)
    await other.noted
    assert.equal(closed.asked(), asked)
  })
})
