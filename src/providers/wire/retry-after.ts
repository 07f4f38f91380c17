const MAX_WAIT_MS = 24 * 60 * 60 * 1000

/**
 * Milliseconds that a vendor asks us to wait, from `retry-after-ms`, `retry-after` (seconds or an HTTP date) or, when those are missing, from OpenAI's
 * `x-ratelimit-reset-*` of the limit that ran out. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function retryAfterMs(headers: Readonly<Record<string, string>>, now: number): number | undefined {
  return bounded(plainMs(headers['retry-after-ms'])) ?? bounded(fromRetryAfter(headers['retry-after'], now)) ?? bounded(fromRateLimit(headers))
}

function plainMs(value: string | undefined): number | undefined {
  return value === undefined || !/^\d+(\.\d+)?$/.test(value.trim()) ? undefined : Number(value)
}

function fromRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  const seconds = plainMs(value)
  if (seconds !== undefined) return seconds * 1000
  // `Date.parse` would take "-5" for a year.
  const date = /^[a-z]{3}/i.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

function fromRateLimit(headers: Readonly<Record<string, string>>): number | undefined {
  const waits = ['requests', 'tokens']
    .filter((limit) => headers[`x-ratelimit-remaining-${limit}`] === '0')
    .map((limit) => duration(headers[`x-ratelimit-reset-${limit}`] ?? ''))
    .filter((wait) => wait !== undefined)
  return waits.length === 0 ? undefined : Math.max(...waits)
}

/** `1s`, `6m0s`, `120ms`, `1h2m3.5s`. */
function duration(text: string): number | undefined {
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }
  if (!/^(\d+(\.\d+)?(h|ms|m|s))+$/.test(text)) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)) total += Number(amount) * (units[unit ?? ''] ?? 0)
  return total
}

function bounded(wait: number | undefined): number | undefined {
  return wait === undefined || !Number.isFinite(wait) ? undefined : Math.min(Math.ceil(wait), MAX_WAIT_MS)
}
