/**
 * One attempt to deliver one part: claimed on the disk, guarded, sent, and what came of it kept. Where this process ends in between, the next one knows from the claim that nobody knows
 * how it ended.
 */
import { backoffMs } from '../../std/backoff.ts'
import type { AuditTrail } from '../../contracts/audit.ts'
import type { Cleared } from '../../contracts/cleared.ts'
import type { Clock } from '../../contracts/clock.ts'
import type { Attempt, Label } from '../../contracts/destination.ts'
import { AppError, exposed } from '../../contracts/errors.ts'
import type { Log } from '../../contracts/log.ts'
import type { ClaimedPart, OutboxStore, QueuedPart } from '../../contracts/outbox.ts'
import type { GuardedDestinations } from '../../guard/guarded-messages.ts'
import { LEASE_MS, type HeldParts } from './held-parts.ts'

export interface DeliveryDeps {
  readonly destinations: GuardedDestinations
  readonly store: OutboxStore
  readonly audit: Pick<AuditTrail, 'note'>
  readonly clock: Clock
  readonly log: Log
  /** This process, among those that share the database. */
  readonly owner: string
  readonly random?: () => number
}

/** `later`: the part is tried again. `dead`: neither it nor what follows it. `lost`: another has it. */
export type Delivered =
  | { readonly kind: 'sent' }
  | { readonly kind: 'later'; readonly why: string; readonly askedUntil: number }
  | { readonly kind: 'dead'; readonly why: string; readonly hasAnswered: boolean }
  | { readonly kind: 'lost' }

const MAX_ATTEMPTS = 20
const BACKOFF = { baseMs: 1000, maxMs: 30 * 60_000 }

/** `held`: where other processes wait to take it over. An aborted signal leaves the claim: how the attempt ended is unknown. */
export async function deliverPart(part: QueuedPart, deps: DeliveryDeps, held: HeldParts | null, signal: AbortSignal): Promise<Delivered> {
  const { store, clock, owner } = deps
  const now = clock.now()
  const claimed = await store.claim(part, { owner, until: now + LEASE_MS, now })
  if (claimed === null) return { kind: 'lost' }
  const deliver = async () => {
    const attempt: Attempt = now >= part.expiresAt ? { kind: 'refused', why: tooOld(part) } : await tryOnce(part, claimed, deps, signal)
    return settleIfOurs(part, claimed, attempt, deps)
  }
  return held === null ? deliver() : held.while({ id: part.id, part: part.part, fence: claimed.fence }, deliver)
}

/** Whoever has it now, or dropped it, says what became of it. */
async function settleIfOurs(part: QueuedPart, claimed: ClaimedPart, attempt: Attempt, deps: DeliveryDeps): Promise<Delivered> {
  try {
    return await settle(part, claimed, attempt, deps)
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'store/conflict') throw error
    deps.log.warn('message.lost', { to: part.to, entry: part.id, part: part.part, attempt: attempt.kind })
    return { kind: 'lost' }
  }
}

async function tryOnce(part: QueuedPart, { mayRepeat }: ClaimedPart, { destinations, log }: DeliveryDeps, signal: AbortSignal): Promise<Attempt> {
  let destination, message: Cleared<{ readonly text: string }>
  try {
    destination = destinations.find(part.to)
    // The configuration may know secrets now that it did not know when the message was accepted.
    message = destinations.clear(part.text)
  } catch (error) {
    const shown = exposed(error)
    if (shown.code === 'internal') log.error('message.defect', { entry: part.id, error })
    return { kind: 'refused', why: shown.code === 'message/unknown-destination' ? 'there is no such destination any more' : 'the guard lets it not go' }
  }
  return destination.deliver(message, labelOf(part, mayRepeat), signal)
}

/** Content-derived as the message's: the same part has the same key in every process. */
function labelOf({ key, part, parts }: QueuedPart, mayRepeat: boolean): Label {
  return { key: parts === 1 ? key : `${key}-${part}`, part, parts, mayRepeat }
}

async function settle(part: QueuedPart, claimed: ClaimedPart, attempt: Attempt, deps: DeliveryDeps): Promise<Delivered> {
  const { store, clock, log, random } = deps
  const name = { id: part.id, part: part.part, fence: claimed.fence }
  const now = clock.now()
  const attempts = part.attempts + 1
  if (attempt.kind === 'taken') {
    await store.sent(name, now)
    log.info('message.delivered', { to: part.to, entry: part.id, part: part.part, attempts })
    return { kind: 'sent' }
  }
  if (attempt.kind === 'refused' || attempts >= MAX_ATTEMPTS) {
    await store.kill(name, attempt.why, now)
    log.warn('message.dead', { to: part.to, entry: part.id, attempts, why: attempt.why })
    return { kind: 'dead', why: attempt.why, hasAnswered: attempt.kind === 'refused' }
  }
  const askedUntil = attempt.waitMs === undefined ? 0 : now + attempt.waitMs
  const dueAt = attempt.waitMs === undefined ? now + backoffMs(attempts, { ...BACKOFF, ...(random === undefined ? {} : { random }) }) : askedUntil
  await store.postpone(name, { dueAt: Math.min(dueAt, part.expiresAt), why: attempt.why, isUnknown: attempt.kind === 'unknown' })
  log.info('message.postponed', { to: part.to, entry: part.id, attempts, why: attempt.why })
  return { kind: 'later', why: attempt.why, askedUntil }
}

function tooOld({ expiresAt, createdAt }: QueuedPart): string {
  return `it could not be delivered within ${Math.round((expiresAt - createdAt) / 60_000)} minutes`
}
