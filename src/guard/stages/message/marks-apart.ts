import { PASS } from '../../stage.ts'
import { SECRET_MARK } from '../../text/credentials.ts'
import { withoutControls } from '../../text/markup.ts'
import { PERSONAL_MARKS } from '../../text/personal.ts'
import type { OutboundStage } from './outbound-facts.ts'

/** One of our marks, and behind it what would make it the label of a link, an image or a definition. */
const LABEL = new RegExp(`(${[SECRET_MARK, ...PERSONAL_MARKS].map((mark) => mark.replaceAll(/[[\]]/g, '\\$&')).join('|')})(?=[([:])`, 'g')

/**
 * What stands for a secret or for personal data is in brackets, and often leaves before what follows it is known: a space keeps it from becoming the label of a link whose address nobody would look
 * for. Characters that are not shown come between for nothing.
 */
export const marksApart: OutboundStage = {
  name: 'marksApart',
  check(value) {
    const { left } = value
    if (!value.text.includes(']') && !left.endsWith(']')) return PASS
    const shown = withoutControls(value.text)
    const text = `${left}${shown}`.replaceAll(LABEL, '$1 ').slice(left.length)
    return text === shown ? PASS : { verdict: 'rewrite', value: { ...value, text }, why: 'a mark would have become the label of a link' }
  },
  unfinished: () => 0,
}
