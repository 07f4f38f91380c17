import { AppError } from '../contracts/errors.ts'
import type { Gateway } from '../gateway/gateway.ts'

const PATIENCE_MS = 5000

/** Cancels what runs and waits in a conversation, and resolves when all of it has been journaled: what follows does not meet a late answer. */
export async function endTurns(gateway: Pick<Gateway, 'subscribe' | 'abort'>, sessionKey: string, reason: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let ended = 0
  let cancelled = Infinity
  const unsubscribe = gateway.subscribe((turn, event) => {
    if (event.type === 'turn-finished' && turn.sessionKey === sessionKey && ++ended >= cancelled) resolve()
  })
  const timer = setTimeout(() => reject(new AppError('store/conflict', 'a turn of this conversation does not end')), PATIENCE_MS)
  try {
    cancelled = await gateway.abort({ sessionKey }, reason)
    if (ended < cancelled) await promise
  } finally {
    clearTimeout(timer)
    unsubscribe()
  }
}
