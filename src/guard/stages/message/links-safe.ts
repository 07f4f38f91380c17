import type { KnownLinks } from '../../provenance/known-links.ts'
import { PASS } from '../../stage.ts'
import { codeIn } from '../../text/code.ts'
import { addressUnfinished, hostIn, inertAddresses, inertDestinations, type Link, type MayStand } from '../../text/links.ts'
import { replaceSpans } from '../../text/spans.ts'
import type { OutboundStage, OutboundText } from './outbound-facts.ts'

/**
 * After untrusted text, links and images lead only to hosts that the owner, a trusted result or the configuration names: clients fetch previews and images without a click, and the address
 * can carry away what was read.
 */
export const linksSafe: OutboundStage = {
  name: 'linksSafe',
  check(value, { links }) {
    if (links === null || !/[.:\]&%\\。．｡]/.test(value.text)) return PASS
    const mayStand = judge(links)
    const first = value.text.includes(']') ? withoutDestinations(value, mayStand) : value.text
    // Words leave whole: of what left before, only the last characters tell where one begins.
    const before = value.before.slice(-CONTEXT)
    const text = replaceSpans(before + first, inertAddresses(before + first, before.length, mayStand), before.length)
    return text === value.text ? PASS : { verdict: 'rewrite', value: { ...value, text }, why: 'a link led to a host that nobody vouches for' }
  },
  unfinished: ({ text }, { links }) => (links === null ? 0 : addressUnfinished(text)),
}

const CONTEXT = 4

function withoutDestinations({ text, before, code }: OutboundText, mayStand: MayStand): string {
  const whole = before + text
  const { ranges } = codeIn(whole, before.length, code)
  return replaceSpans(whole, inertDestinations(whole, before.length, ranges, mayStand), before.length)
}

function judge(links: KnownLinks): MayStand {
  return ({ url, kind, label }: Link) => {
    const isFetched = kind === 'image' || kind === 'definition'
    if (url === null) return !isFetched
    if (url.protocol === 'mailto:' || url.protocol === 'tel:') return !isFetched
    if ((url.protocol !== 'https:' && url.protocol !== 'http:') || url.username !== '' || url.password !== '') return false
    const shown = hostIn(label)
    if (shown !== null && bare(shown) !== bare(url.host)) return false
    return isFetched ? links.knowsAddress(url) : links.knowsHost(url)
  }
}

function bare(host: string): string {
  return host.replace(/^www\./, '')
}
