import { boundedWait, plainNumber, retryAfterMs as fromHeader } from '../../std/retry-after.ts'

/** Milliseconds that a vendor asks us to wait, from `retry-after-ms`, `retry-after` or, when those are missing, from OpenAI's `x-ratelimit-reset-*` of the limit that ran out. */
export function retryAfterMs(headers: Readonly<Record<string, string>>, now: number): number | undefined {
  return boundedWait(plainNumber(headers['retry-after-ms'])) ?? fromHeader(headers['retry-after'], now) ?? boundedWait(fromRateLimit(headers))
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
