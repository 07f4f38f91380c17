const MAX_WAIT_MS = 24 * 60 * 60 * 1000

/** Milliseconds that a server asks us to wait, from `retry-after`: seconds or an HTTP date. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
export function retryAfterMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  const seconds = plainNumber(value)
  if (seconds !== undefined) return boundedWait(seconds * 1000)
  // `Date.parse` would take "-5" for a year.
  const date = /^[a-z]{3}/i.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(date) ? undefined : boundedWait(Math.max(0, date - now))
}

export function plainNumber(value: string | undefined): number | undefined {
  return value === undefined || !/^\d+(\.\d+)?$/.test(value.trim()) ? undefined : Number(value)
}

export function boundedWait(wait: number | undefined): number | undefined {
  return wait === undefined || !Number.isFinite(wait) ? undefined : Math.min(Math.ceil(wait), MAX_WAIT_MS)
}
