/** Where a program of our own lies: beside its source in a checkout, below `dist/` in the bundle. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { AppError } from '../contracts/errors.ts'

/** `moduleUrl` is the caller's `import.meta.url`; a bundled caller may lie in `dist/` or in a folder of it. */
export function programFile(moduleUrl: string, source: string, bundled: string): string {
  const found = [`./${source}`, `./${bundled}`, `../${bundled}`].map((place) => fileURLToPath(new URL(place, moduleUrl))).find((file) => existsSync(file))
  if (found === undefined) throw new AppError('sandbox/unavailable', `${bundled} is missing`)
  return found
}
