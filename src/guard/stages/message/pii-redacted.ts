import { PASS } from '../../stage.ts'
import { findPersonal, personalUnfinished } from '../../text/personal.ts'
import { replaceSpans } from '../../text/spans.ts'
import type { OutboundStage } from './outbound-facts.ts'

/** Personal data does not leave to those for whom the configuration keeps it back. */
export const piiRedacted: OutboundStage = {
  name: 'piiRedacted',
  check(value, { personal }) {
    if (personal.length === 0) return PASS
    const { before } = value
    const whole = before + value.text
    const spans = findPersonal(whole, personal).filter(({ until }) => until > before.length)
    if (spans.length === 0) return PASS
    return { verdict: 'rewrite', value: { ...value, text: replaceSpans(whole, spans, before.length) }, why: 'personal data stood in it' }
  },
  unfinished: ({ text }, { personal }) => (personal.length === 0 ? 0 : personalUnfinished(text)),
}
