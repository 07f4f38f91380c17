/** Milliseconds before attempt `attempt` (1 is the first repeat): exponential with full jitter, between `baseMs / 2` and `maxMs`. */
export function backoffMs(attempt: number, options: { readonly baseMs: number; readonly maxMs: number; readonly random?: () => number }): number {
  const ceiling = Math.min(options.maxMs, options.baseMs * 2 ** (attempt - 1))
  return Math.round(Math.max(options.baseMs / 2, ceiling * (options.random ?? Math.random)()))
}
