/** The cookie of a browser session. Under TLS its name alone makes browsers insist on `Secure`, `Path=/` and this very host. */
const NAME = 'cara_session'
const SECURE_NAME = `__Host-${NAME}`

/** Null where the header holds no cookie of ours; `''` where it holds several, or one that is no secret of ours. */
export function readSessionCookie(header: string): string | null {
  const found = header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${NAME}=`) || pair.startsWith(`${SECURE_NAME}=`))
  if (found.length === 0) return null
  const value = found.length === 1 ? (found[0] ?? '').slice((found[0] ?? '').indexOf('=') + 1) : ''
  return /^[\w-]{43}$/.test(value) ? value : ''
}

export function sessionCookie(secret: string, isSecure: boolean, maxAgeMs: number): string {
  return `${isSecure ? SECURE_NAME : NAME}=${secret}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${Math.floor(maxAgeMs / 1000)}${isSecure ? '; Secure' : ''}`
}

/** Makes the browser forget. */
export function endedCookie(isSecure: boolean): string {
  return sessionCookie('', isSecure, 0)
}
