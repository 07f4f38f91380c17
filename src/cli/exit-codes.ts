/** What the exit code of `cara` tells a script. One table for the program, its help and its docs. */
import type { ErrorCode } from '../contracts/errors.ts'

export const exitCodes = { ok: 0, failed: 1, usage: 2, unreachable: 3, config: 4, provider: 5, waiting: 6, cancelled: 130 } as const

export const exitCodeTable: readonly { readonly code: number; readonly meaning: string }[] = [
  { code: exitCodes.ok, meaning: 'done' },
  { code: exitCodes.failed, meaning: 'failed; the message says why' },
  { code: exitCodes.usage, meaning: 'the command line is wrong' },
  { code: exitCodes.unreachable, meaning: 'no gateway can be reached, or it refuses us' },
  { code: exitCodes.config, meaning: 'the configuration is not valid' },
  { code: exitCodes.provider, meaning: 'the model or its provider failed' },
  { code: exitCodes.waiting, meaning: 'the turn waits for your word; `cara approvals` says what for' },
  { code: exitCodes.cancelled, meaning: 'cancelled' },
]

export function exitCodeOf(code: ErrorCode): number {
  if (code === 'cli/usage' || code === 'config/unknown-key') return exitCodes.usage
  if (code === 'turn/cancelled') return exitCodes.cancelled
  const area = code.split('/')[0]
  if (area === 'gateway' || area === 'auth') return exitCodes.unreachable
  if (area === 'config') return exitCodes.config
  if (area === 'provider') return exitCodes.provider
  return exitCodes.failed
}
