import { PASS } from '../../stage.ts'
import { codeIn, codeUnfinished, type CodeView } from '../../text/code.ts'
import { destinationUnfinished, inertDestinations, type Link } from '../../text/links.ts'
import { escapedHtml, hiddenUnfinished, tagUnfinished, tags, withoutControls } from '../../text/markup.ts'
import { replaceSpans } from '../../text/spans.ts'
import type { OutboundContext, OutboundStage } from './outbound-facts.ts'

const SCHEMES = new Set(['http:', 'https:', 'mailto:', 'tel:'])
const MARKUP = /[\]<]/
/** Code, or the beginning of a line in which it may begin. */
const CODE = /[`~\\]|(?:^|\n)[ \t>*+\-\d.)]+$/

/** Shown, the text does nothing: no control sequences, no HTML where HTML is rendered, no links that run code. */
export const markupSafe: OutboundStage = {
  name: 'markupSafe',
  check(value, context) {
    const plain = withoutControls(value.text)
    if (context.markup === 'html') {
      const text = escapedHtml(plain)
      return text === value.text ? PASS : { verdict: 'rewrite', value: { ...value, text }, why: 'HTML was escaped', isRoutine: plain === value.text }
    }
    if (!MARKUP.test(plain)) {
      return plain === value.text ? PASS : { verdict: 'rewrite', value: { ...value, text: plain }, why: 'control characters were taken out' }
    }
    const { before } = value
    const whole = before + plain
    const code: CodeView['ranges'] = codeIn(whole, before.length, value.code).ranges
    const links = inertDestinations(whole, before.length, code, mayStand)
    const text = replaceSpans(whole, rendersHtml(context) ? [...links, ...tags(whole, before.length, code)] : links, before.length)
    if (text === value.text) return PASS
    const isRoutine = plain === value.text && links.length === 0
    return { verdict: 'rewrite', value: { ...value, text }, why: links.length > 0 ? 'a link would have run code' : 'markup was made inert', isRoutine }
  },
  unfinished({ text, before, code }, context) {
    const hidden = hiddenUnfinished(text)
    if (context.markup === 'html') return hidden
    const inCode = Math.max(CODE.test(text) ? codeUnfinished(before + text, before.length, code) : 0, destinationUnfinished(text))
    return Math.max(hidden, inCode, rendersHtml(context) ? tagUnfinished(text) : 0)
  },
}

/** After untrusted text no program is trusted to show plain text as plain. */
function rendersHtml({ markup, links }: OutboundContext): boolean {
  return markup === 'markdown' || links !== null
}

function mayStand({ url }: Link): boolean {
  return url === null || SCHEMES.has(url.protocol)
}
