/** Sends a text to a destination that the owner configured, and to nowhere else: the argument is its name. What the receiver answers does not come back. */
import * as z from 'zod'
import type { Messages } from '../contracts/destination.ts'
import { AppError } from '../contracts/errors.ts'
import type { Tool } from '../contracts/tool.ts'

const MAX_BYTES = 16 * 1024
/** So long the model waits for word of the delivery; the message itself waits as long as it must. */
const PATIENCE_MS = 20_000

const inputFor = (names: readonly string[]) =>
  z.strictObject({
    to: z.enum(names),
    text: z
      .string()
      .min(1)
      .max(MAX_BYTES)
      .refine((text) => Buffer.byteLength(text) <= MAX_BYTES, 'at most 16 KiB'),
  })

/** Of destinations there must be one. */
export function messageSend(messages: Messages): Tool<z.infer<ReturnType<typeof inputFor>>> {
  const hosts = new Map(messages.destinations.map(({ name, host }) => [name, host]))
  return {
    name: 'message_send',
    description: 'Send a text to a place that the owner has set up.',
    input: inputFor([...hosts.keys()]),
    manifest: {
      effect: 'egress',
      effectWithoutDestination: 'egress',
      // The outbox takes a message once by its key.
      recovery: 'keyed',
      destinations: ['to'],
      targets: [],
      content: ['text'],
      paths: [],
      consent: 'judged',
      returns: { trust: 'trusted', private: false, curated: false, records: false },
    },
    where: ({ to }) => [`${to} (${hosts.get(to)})`],
    describe: ({ to }) => [`It is posted to ${hosts.get(to)}, the address that you gave the name ${to}`],
    async run({ to, text }, { effectId, turnId, sessionId }, signal) {
      if (text.trim() === '') throw new AppError('tool/invalid-input', 'there is no text')
      const accepted = await messages.accept({ to, text, key: effectId, purpose: 'tool', turnId, sessionId })
      const outcome = await accepted.outcome(PATIENCE_MS, signal)
      if (outcome.status === 'sent') return { output: 'Sent' }
      return { output: `Queued: ${outcome.why ?? 'others go before it'}. It leaves by itself as soon as it can; do not send it again` }
    },
  }
}
