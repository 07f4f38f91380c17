/** Headers by which a receiver knows a message for ours, fresh and not seen before: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
import { createHmac } from 'node:crypto'

export interface Signing {
  /** The same for every attempt to deliver one message. */
  readonly id: string
  readonly seconds: number
  readonly body: string
  readonly secret: string
}

export function webhookSignature({ id, seconds, body, secret }: Signing): string {
  return `v1,${createHmac('sha256', keyOf(secret)).update(`${id}.${seconds}.${body}`).digest('base64')}`
}

/** Libraries write the key as `whsec_` and base64; any other text is the key itself. */
function keyOf(secret: string): Buffer {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret)
}
