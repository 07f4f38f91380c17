import type { EgressRequest } from '../../../contracts/egress.ts'
import { fillPlaceholders, holdsPlaceholder, type NamedSecret, placeholdersIn } from '../../../contracts/named-secret.ts'
import { PASS, type Stage, type Verdict } from '../../stage.ts'
import { type EgressContext, reachesPublicHosts } from './facts.ts'

/** What HTTP lets stand in a header. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const PLACEHOLDER_IN_ADDRESS = /(?:\{|%7b){2}secret(?::|%3a)/i

/**
 * Puts named secrets where a header asks for them: only into headers, only over https, only for the hosts that the owner named. The values go beside the headers, so that the
 * request of the next hop begins without them. Addresses hold neither a placeholder nor a value: servers, proxies and logs keep addresses.
 */
export const secretsForHost: Stage<EgressRequest, EgressContext> = {
  name: 'secretsForHost',
  check(request, { secrets = {} }) {
    if (request.credentials !== undefined) return refuse('credentials are put in here, and nowhere else')
    if (reachesPublicHosts(request.policy)) {
      if (PLACEHOLDER_IN_ADDRESS.test(request.url.href)) return refuse('a secret never stands in an address', 'Name it in a header')
      if (Object.values(secrets).some((secret) => standsIn(request.url, secret))) return refuse(`a secret stands in an address of ${request.url.origin}`)
    }
    const credentials: Record<string, string> = {}
    const used: string[] = []
    for (const [header, value] of Object.entries(request.headers)) {
      if (!holdsPlaceholder(value)) continue
      const names = placeholdersIn(value)
      const refusal = names.length === 0 ? refuse('a header names a secret in no form that is known') : refusalOf(names, request.url, secrets)
      if (refusal !== null) return refusal
      const filled = fillPlaceholders(value, (name) => secrets[name]?.value.reveal() ?? '')
      // What is left could only be a second try.
      if (holdsPlaceholder(filled)) return refuse('a header names a secret in no form that is known')
      if (!HEADER_VALUE.test(filled)) return refuse(`the secret ${names.join(', ')} has characters that no header can hold`)
      credentials[header] = filled
      used.push(...names)
    }
    return used.length === 0 ? PASS : { verdict: 'rewrite', value: { ...request, credentials }, why: `put in for ${request.url.host}: ${used.join(', ')}` }
  },
}

function refusalOf(names: readonly string[], url: URL, secrets: Readonly<Record<string, NamedSecret>>): Verdict<EgressRequest> | null {
  for (const name of names) {
    const secret = Object.hasOwn(secrets, name) ? secrets[name] : undefined
    if (secret === undefined) return refuse('there is no secret of this name', 'See the names with: cara secrets list')
    if (url.protocol === 'https:' && secret.hosts.includes(url.host)) continue
    return refuse(`the secret ${name} is not for ${url.origin}`, `If you want it to go there: cara secrets allow ${name} ${url.host}`)
  }
  return null
}

function refuse(why: string, hint?: string): Verdict<EgressRequest> {
  return { verdict: 'block', code: 'net/refused', why, ...(hint === undefined ? {} : { hint }) }
}

/** Very short values would be found everywhere. */
const SHORTEST = 8

function standsIn({ href }: URL, { value }: NamedSecret): boolean {
  const text = value.reveal()
  if (text.length < SHORTEST) return false
  return href.includes(text) || href.includes(encodeURIComponent(text)) || decoded(href).includes(text)
}

function decoded(href: string): string {
  try {
    return decodeURIComponent(href)
  } catch {
    return href
  }
}
