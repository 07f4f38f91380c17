const PLAIN = /^\/[A-Za-z0-9/_.-]*$/
const DOTTED = /\/\/|\/\.{1,2}(?:\/|$)/

/**
 * The one form of a request target: query cut off, decoded once. Null for anything with a second spelling (encoded slashes, dot segments, `;`, back-slashes, absolute
 * URLs), so that guard and router cannot read the same target differently.
 */
export function normalisePath(target: string): string | null {
  const end = target.search(/[?#]/)
  const raw = end === -1 ? target : target.slice(0, end)
  if (raw.length > 1024) return null
  const path = raw.includes('%') ? decode(raw) : raw
  return path !== null && PLAIN.test(path) && !DOTTED.test(path) ? path : null
}

function decode(raw: string): string | null {
  // An encoded slash would move the segment borders.
  if (/%2f|%5c|%2e/i.test(raw)) return null
  try {
    return decodeURIComponent(raw)
  } catch {
    return null
  }
}
