/**
 * Posts messages to an address of the owner's: signed where there is a secret, under one key for all attempts, again where the receiver asks for it or could not be reached, never
 * to where it redirects. What the receiver answers is not read.
 */
import { backoffMs } from '../std/backoff.ts'
import { withDeadline } from '../std/deadline.ts'
import { retryAfterMs } from '../std/retry-after.ts'
import type { Cleared } from '../contracts/cleared.ts'
import type { Clock } from '../contracts/clock.ts'
import type { Destination, DestinationInfo } from '../contracts/destination.ts'
import type { EgressFetch, EgressRequest } from '../contracts/egress.ts'
import { AppError, exposed } from '../contracts/errors.ts'
import type { Log } from '../contracts/log.ts'
import type { Secret } from '../contracts/secret.ts'
import { webhookSignature } from './sign-webhook.ts'
import { webhookFormats } from './webhook-formats.ts'

export interface WebhookConfig {
  readonly url: Secret
  readonly format: DestinationInfo['format']
  readonly secret?: Secret | undefined
}

export interface WebhookDeps {
  readonly fetch: EgressFetch
  readonly clock: Clock
  readonly log: Log
}

const ATTEMPTS = 4
const BACKOFF = { baseMs: 500, maxMs: 8000 }
/** Who asks for more is not waited for. */
const MAX_WAIT_MS = 20_000
const ATTEMPT_MS = 15_000
const TOTAL_MS = 60_000
const MAX_ANSWER_BYTES = 65_536

/** Why an attempt did not deliver, in words that say nothing of the receiver's own. */
interface Failure {
  readonly why: string
  readonly isFinal: boolean
  readonly waitMs?: number | undefined
}

export function createWebhook(name: string, config: WebhookConfig, { fetch, clock, log }: WebhookDeps): Destination {
  const url = new URL(config.url.reveal())
  const format = webhookFormats[config.format]

  function requestFor(body: string, key: string): EgressRequest {
    const seconds = Math.floor(clock.now() / 1000)
    const secret = config.secret?.reveal()
    const keyed = format.isKeyed || secret !== undefined ? { 'idempotency-key': key, 'webhook-id': key, 'webhook-timestamp': String(seconds) } : {}
    const signed = secret === undefined ? {} : { 'webhook-signature': webhookSignature({ id: key, seconds, body, secret }) }
    return {
      method: 'POST',
      url,
      headers: { 'content-type': format.contentType, ...keyed, ...signed },
      body,
      headersTimeoutMs: ATTEMPT_MS,
      totalTimeoutMs: ATTEMPT_MS,
      maxBodyBytes: MAX_ANSWER_BYTES,
      policy: { origins: [url.origin] },
    }
  }

  async function attempt(body: string, key: string, signal: AbortSignal): Promise<Failure | null> {
    try {
      const { status, headers, body: answer } = await fetch(requestFor(body, key), signal)
      await answer[Symbol.asyncIterator]().return?.()
      if (status >= 200 && status < 300) return null
      log.warn('message.refused', { to: name, status })
      return { ...failureOf(status), waitMs: retryAfterMs(headers['retry-after'], clock.now()) }
    } catch (error) {
      if (signal.aborted) throw error
      const { code, retryable } = exposed(error)
      log.warn('message.failed', { to: name, code })
      // Whether it arrived is not known: where the receiver cannot tell it from another, it is not sent twice.
      return { why: 'the server did not answer', isFinal: !retryable || !format.isKeyed }
    }
  }

  async function deliver(text: string, key: string, signal: AbortSignal): Promise<void> {
    const body = format.write(text, key)
    for (let count = 1; ; count++) {
      const failure = await attempt(body, key, signal)
      if (failure === null) return log.info('message.delivered', { to: name, attempts: count })
      const waitMs = failure.waitMs ?? backoffMs(count, BACKOFF)
      if (failure.isFinal || count === ATTEMPTS || waitMs > MAX_WAIT_MS) throw undelivered(name, failure.why)
      await clock.sleep(waitMs, signal)
    }
  }

  return {
    name,
    kind: 'webhook',
    format: config.format,
    host: url.host,
    signed: config.secret !== undefined,
    keyed: format.isKeyed,
    maxText: format.maxText,
    deliver: ({ text }: Cleared<{ readonly text: string }>, key, outer) =>
      withDeadline(TOTAL_MS, outer, async (signal) => {
        try {
          await deliver(text, key, signal)
        } catch (error) {
          throw signal.aborted && !outer.aborted ? undelivered(name, 'it took too long') : error
        }
      }),
  }
}

/** What is over a limit, or fails on the other side, may pass later. */
function failureOf(status: number): Pick<Failure, 'why' | 'isFinal'> {
  if (status === 429) return { why: 'the server limits our rate', isFinal: false }
  if (status === 408 || status === 425 || status >= 500) return { why: 'the server failed', isFinal: false }
  if (status >= 300 && status < 400) return { why: 'the server wants it sent elsewhere', isFinal: true }
  return { why: 'the server refused it', isFinal: true }
}

function undelivered(name: string, why: string): AppError {
  return new AppError('message/undelivered', `${name}: ${why}`, { hint: 'The log says more: cara logs' })
}
