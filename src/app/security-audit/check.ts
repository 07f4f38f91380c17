/** What one check of `cara security audit` is: a fault that it looks for by trying, and the command that mends it. */
import type { SecurityFinding } from '../../cli/context.ts'
import type { Paths } from '../../config/paths.ts'
import type { Config } from '../../config/schema.ts'
import type { Device } from '../../contracts/device.ts'
import type { Environment } from '../load-settings.ts'

export type Found = Omit<SecurityFinding, 'check'>

/** What all checks look at. */
export interface Scene {
  readonly env: Environment
  readonly paths: Paths
  readonly config: Config
  /** Secrets that lie open in the file; each sentence says which. */
  readonly warnings: readonly string[]
  readonly nodeVersion: string
  readonly now: number
  /** Process and address of the gateway that runs. */
  readonly running: { readonly pid: number; readonly host: string } | null
  readonly devices: () => Promise<readonly Device[]>
}

export interface SecurityCheck {
  /** Stable. */
  readonly id: string
  /** What was looked for, in a few words. */
  readonly about: string
  run(scene: Scene): readonly Found[] | Promise<readonly Found[]>
}

export const quoted = (path: string) => `'${path.replaceAll("'", String.raw`'\''`)}'`

export function setCommand(path: string, value: unknown): string {
  return `cara config set ${path} ${quoted(typeof value === 'string' ? value : JSON.stringify(value))}`
}
