/** Writes event streams as Bedrock does, with the codec of AWS itself. */
import { readFileSync } from 'node:fs'
import { EventStreamCodec } from '@smithy/core/event-streams'
import * as z from 'zod'

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text) => Buffer.from(text, 'utf8'),
)

/** A line is `{event|exception, data: {…}}`, or `{error, data: 'text'}` for a failure that the API's model does not name. */
const line = z.union([
  z.strictObject({ event: z.string(), data: z.unknown() }),
  z.strictObject({ exception: z.string(), data: z.unknown() }),
  z.strictObject({ error: z.string(), data: z.string() }),
])
type Line = z.infer<typeof line>

export function frameOf(message: Line): Uint8Array {
  if ('error' in message) {
    return codec.encode({
      headers: { ':message-type': text('error'), ':error-code': text(message.error), ':error-message': text(message.data) },
      body: new Uint8Array(0),
    })
  }
  const name = 'event' in message ? { ':event-type': text(message.event) } : { ':exception-type': text(message.exception) }
  const headers = { ':message-type': text('event' in message ? 'event' : 'exception'), ...name, ':content-type': text('application/json') }
  return codec.encode({ headers, body: Buffer.from(JSON.stringify(message.data)) })
}

export function framesOf(name: string): Uint8Array {
  const lines = readFileSync(new URL(`bedrock/${name}.jsonl`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
  return Buffer.concat(lines.map((json) => frameOf(line.parse(JSON.parse(json)))))
}

function text(value: string): { readonly type: 'string'; readonly value: string } {
  return { type: 'string', value }
}
