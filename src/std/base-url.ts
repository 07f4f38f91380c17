/** What the address of a server may look like in configuration: https anywhere, plain http only to this machine. */

/** Whether a URL's `hostname` names this machine without asking a resolver that could answer otherwise. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)
}

/** The checked URL, or a sentence that says what is wrong and what to write instead. The sentence never repeats the text, which may hold a credential. */
export function readBaseUrl(text: string): URL | string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null) return 'this is not a URL: write for example https://api.example.com/v1'
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'only https:// and, on this machine, http:// can be used'
  if (url.username !== '' || url.password !== '') return 'a URL must not hold a user name or password: put the key into `apiKey`'
  if (text.includes('?') || text.includes('#')) return 'a base URL has no `?` or `#`: leave out everything from there on'
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) {
    return 'plain http is only allowed to this machine (127.0.0.1, [::1], localhost): use https, or a tunnel to a local port'
  }
  return url
}

/** The same for an address that is posted to as it stands; its path and query may be what opens it. */
export function readPostUrl(text: string): URL | string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null) return 'this is not a URL: write for example https://hooks.example.com/services/1'
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(url.hostname))) return 'write https://, or http:// to this machine alone'
  if (url.username !== '' || url.password !== '') return 'a URL must not hold a user name or password'
  return url.hash === '' ? url : 'leave out everything from `#` on: it is never sent'
}
