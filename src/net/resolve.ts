/** Names to addresses, as every other program of this machine sees them. What comes back is checked by the guard; nothing is kept. */
import type { LookupAddress } from 'node:dns'
import { withDeadline } from '../std/deadline.ts'
import type { Resolve } from '../contracts/egress.ts'
import { AppError } from '../contracts/errors.ts'
import { netError } from './net-error.ts'

const RESOLVE_MS = 10_000
/** Lookups cannot be cancelled and share a few threads: more of them would wait in a queue without an end. */
const MAX_AT_ONCE = 16

export function createResolve(): Resolve {
  let running = 0
  return async (hostname, signal) => {
    signal.throwIfAborted()
    if (running >= MAX_AT_ONCE) throw new AppError('net/unreachable', `${hostname}: too many names are being looked up`)
    running++
    const asked = lookUp(hostname).finally(() => running--)
    return withDeadline(RESOLVE_MS, signal, async (limited, isExpired) => {
      const found = await Promise.race([asked, aborted(limited)]).catch((error: unknown) => {
        signal.throwIfAborted()
        throw isExpired() ? new AppError('net/timeout', hostname) : netError(error, hostname)
      })
      return found.map(({ address }) => address)
    })
  }
}

async function lookUp(hostname: string): Promise<readonly LookupAddress[]> {
  const { lookup } = await import('node:dns/promises')
  return lookup(hostname, { all: true, order: 'verbatim' })
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('given up')), { once: true })
  })
}
