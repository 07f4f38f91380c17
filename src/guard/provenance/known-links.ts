/** Hosts and addresses that a reply may lead to: those that the owner named, that a trusted result holds, where a call that was let through has gone, and those that he configured. */
import type { Evidence } from './evidence.ts'
import { classify, extract, urlKey } from './values.ts'

export class KnownLinks {
  readonly #evidence: Evidence
  readonly #hosts: readonly string[]
  readonly #answers = new Map<string, boolean>()

  /** `hosts`: `example.com`, or `*.example.com` for every host below it. */
  constructor(evidence: Evidence, hosts: readonly string[]) {
    this.#evidence = evidence
    this.#hosts = hosts.map((host) => host.toLowerCase())
  }

  isConfigured({ hostname }: URL): boolean {
    return this.#hosts.some((host) => (host.startsWith('*.') ? hostname.endsWith(host.slice(1)) : hostname === host))
  }

  /** Whether a link may lead to this host, wherever on it. */
  knowsHost(url: URL): boolean {
    return (
      this.isConfigured(url) ||
      this.#once(`host ${url.host}`, () =>
        this.#isKnown(url.host, (key) => key === url.host || key.startsWith(`${url.host}/`) || key.startsWith(`${url.host}?`)),
      )
    )
  }

  /** Whether this very address is known: for what is fetched without a click. */
  knowsAddress(url: URL): boolean {
    const wanted = urlKey(url.href)
    return this.isConfigured(url) || this.#once(`address ${wanted}`, () => this.#isKnown(wanted, (key) => key === wanted))
  }

  #isKnown(key: string, matches: (key: string) => boolean): boolean {
    const { pieces, deeds } = this.#evidence
    const value = { kind: 'url', key } as const
    if (this.#evidence.isGranted(value)) return true
    const isVouched = pieces.some(
      (piece) =>
        piece.standing !== 'untrusted' && piece.found.url.values().some(matches) && (piece.standing === 'owner' || !this.#evidence.isEcho(value, piece)),
    )
    if (isVouched) return true
    return deeds.some(
      ({ effect, arguments: sent }) =>
        (effect === 'egress' || effect === 'irreversible') &&
        sent.some((text) => text.length < 2048 && classify(text).kind === 'url' && extract(text).url.values().some(matches)),
    )
  }

  /** Evidence grows; what was known stays known, and what was not is asked again. */
  #once(question: string, answer: () => boolean): boolean {
    if (this.#answers.get(question) === true) return true
    const known = answer()
    this.#answers.set(question, known)
    return known
  }
}
