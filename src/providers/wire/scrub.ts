/** Makes what a vendor said safe to show: no key, no token, no path or query of a URL, one line, at most 500 characters. */

const MAX_SHOWN = 500
/** A longer text is cut before the patterns run: what is shown comes from its start. */
const MAX_READ = 8_192
/** Shorter secrets would blank out ordinary words. */
const MIN_SECRET = 6

export function scrub(text: string, secrets: readonly string[]): string {
  // A cut could leave the head of a secret that no pattern recognises, so the known ones are removed from the whole text.
  let clean = text
  for (const secret of spellings(secrets)) clean = clean.replaceAll(secret, '[secret]')
  clean = clean
    .slice(0, MAX_READ)
    .replaceAll(/\b([a-z][a-z0-9+.-]*:\/\/)([^\s"'<>`]+)/gi, (_, scheme: string, rest: string) => scheme + hostOf(rest))
    .replaceAll(/\b(Bearer|Basic)\s+[\w.~+/=*-]+/gi, '$1 [secret]')
    .replaceAll(/\b(sk|pk|rk|gsk|xai|ghp|AIza|AKIA|ASIA)[-_]?[\w*-]{8,}/g, '[secret]')
    .replaceAll(/\b([\w-]*(?:key|token|secret|password|signature|credential)["']?)(\s*[=:]\s*)["']?[^\s"',;&)}]+["']?/gi, '$1$2[secret]')
    .replaceAll(/\?[\w.~%-]+=[^\s"'<>`]*/g, '')
    // Control characters could forge a second log line or steer a terminal.
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
  return clean.length > MAX_SHOWN ? `${clean.slice(0, MAX_SHOWN - 1)}…` : clean
}

/** Each secret as it is, as JSON writes it, and as a URL writes it; longest first, so that none leaves the rest of another. */
function spellings(secrets: readonly string[]): readonly string[] {
  const all = secrets.flatMap((secret) =>
    secret.length < MIN_SECRET ? [] : [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret.toWellFormed())],
  )
  return [...new Set(all)].sort((a, b) => b.length - a.length)
}

function hostOf(rest: string): string {
  const authority = rest.split(/[/?#]/, 1)[0] ?? ''
  return authority.slice(authority.lastIndexOf('@') + 1)
}
