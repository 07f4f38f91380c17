export interface Slope {
  /** Of y, for one unit of x. */
  readonly perUnit: number
  /** Two standard errors: a slope of nothing lies within them in 19 of 20 runs. */
  readonly noise: number
}

/** Least squares. Neighbours in time resemble each other, which makes the plain error too small: it is widened by the correlation of the residuals. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): Slope {
  const count = points.length
  if (count < 3) return { perUnit: Number.NaN, noise: Number.NaN }
  const mean = (values: readonly number[]) => values.reduce((total, value) => total + value, 0) / values.length
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))]
  const spread = points.reduce((total, [x]) => total + (x - meanX) ** 2, 0)
  const perUnit = points.reduce((total, [x, y]) => total + (x - meanX) * (y - meanY), 0) / spread
  const residuals = points.map(([x, y]) => y - meanY - perUnit * (x - meanX))
  const squares = residuals.reduce((total, one) => total + one * one, 0)
  const together = residuals.reduce((total, one, index) => total + one * (residuals[index - 1] ?? 0), 0)
  const correlation = squares === 0 ? 0 : Math.min(0.95, Math.max(0, together / squares))
  const error = Math.sqrt(squares / (count - 2) / spread) * Math.sqrt((1 + correlation) / (1 - correlation))
  return { perUnit, noise: 2 * error }
}
