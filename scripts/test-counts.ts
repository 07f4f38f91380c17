/** How a suite tells its caller what came of it. */
export interface Counts {
  passed: number
  failed: number
  skipped: number
}

export const COUNTS_MARK = '@counts '

/** Null for a line that is no such telling. */
export function readCounts(line: string): Counts | null {
  if (!line.startsWith(COUNTS_MARK)) return null
  const value: unknown = JSON.parse(line.slice(COUNTS_MARK.length))
  const number = (name: string) => {
    const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
    return typeof found === 'number' ? found : 0
  }
  return { passed: number('passed'), failed: number('failed'), skipped: number('skipped') }
}
