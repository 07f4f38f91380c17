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
    for (let index = 0; index < 2000; index++) decide(`rule${index}`)
    counts.close()
    assert.equal(found.length, 512)
  })
})
