/**
 * Posts messages to an address of the owner's: signed where there is a secret, under one key for all attempts, never to where it redirects. Tries once: when to try again is the outbox's
 * to decide. What the receiver answers is not read.
 */
import { retryAfterMs } from '../std/retry-after.ts'
import type { Clock } from '../contracts/clock.ts'
import type { Attempt, Destination, DestinationInfo } from '../contracts/destination.ts'
import type { EgressFetch, EgressRequest } from '../contracts/egress.ts'
import { exposed } from '../contracts/errors.ts'
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
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}

const ATTEMPT_MS = 15_000
const MAX_ANSWER_BYTES = 65_536

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

  return {
    name,
    kind: 'webhook',
    format: config.format,
    host: url.host,
    signed: config.secret !== undefined,
    keyed: format.isKeyed,
    traits: format.traits,
    async deliver({ text }, label, signal) {
      try {
        const { status, headers, body: answer } = await fetch(requestFor(format.write(text, label), label.key), signal)
        await answer[Symbol.asyncIterator]().return?.()
        if (status < 200 || status >= 300) log.warn('message.refused', { to: name, status })
        return attemptOf(status, retryAfterMs(headers['retry-after'], clock.now()))
      } catch (error) {
        if (signal.aborted) throw error
        const { code, retryable, isUnsent } = exposed(error)
        log.warn('message.failed', { to: name, code })
        if (!retryable) return { kind: 'refused', why: 'it cannot be sent there' }
        return isUnsent ? { kind: 'later', why: 'the server cannot be reached' } : { kind: 'unknown', why: 'the server did not answer' }
      }
    },
  }
}

/** What is over a limit, or fails on the other side, may pass later. A server that failed half-way may have taken it; one that says that it is not there has not. */
function attemptOf(status: number, waitMs: number | undefined): Attempt {
  if (status >= 200 && status < 300) return { kind: 'taken' }
  if (status === 429) return { kind: 'later', why: 'the server limits our rate', waitMs }
  if (status === 425 || status === 503) return { kind: 'later', why: 'the server cannot take it now', waitMs }
  if (status === 408 || status >= 500) return { kind: 'unknown', why: 'the server failed', waitMs }
  if (status >= 300 && status < 400) return { kind: 'refused', why: 'the server wants it sent elsewhere' }
  return { kind: 'refused', why: 'the server refused it' }
}
