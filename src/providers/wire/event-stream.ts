/**
 * AWS event streams (`application/vnd.amazon.eventstream`): bytes → frames. Each message carries its length, headers, body and two checksums, which the codec
 * verifies. Only Bedrock speaks this: nothing on the start path may import the file. https://smithy.io/2.0/aws/amazon-eventstream.html
 */
import { EventStreamCodec } from '@smithy/core/event-streams'
import { AppError } from '../../contracts/errors.ts'
import type { Frame, Framer, Framing } from './protocol.ts'

const MAX_FRAME = 1024 * 1024
/** Two lengths and their checksum, then the checksum of the whole. */
const MIN_FRAME = 16
const LENGTH_BYTES = 4

export const eventStreamFraming: Framing = { accept: 'application/vnd.amazon.eventstream', framer: eventStreamFramer }

export function eventStreamFramer(): Framer {
  const codec = new EventStreamCodec(
    (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')),
    (text) => Buffer.from(text, 'utf8'),
  )
  let waiting: Uint8Array = new Uint8Array(0)
  return {
    push(bytes) {
      waiting = waiting.length === 0 ? bytes : Buffer.concat([waiting, bytes])
      const frames: Frame[] = []
      for (let length = frameLength(waiting); length !== null && length <= waiting.length; length = frameLength(waiting)) {
        frames.push(readFrame(codec, waiting.subarray(0, length)))
        waiting = waiting.subarray(length)
      }
      return frames
    },
  }
}

/** The length that the first message claims, or null before it has arrived. */
function frameLength(bytes: Uint8Array): number | null {
  if (bytes.length < LENGTH_BYTES) return null
  const length = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).getUint32(0)
  if (length > MAX_FRAME) throw new AppError('net/too-large', 'one event of the stream exceeds 1 MiB')
  if (length < MIN_FRAME) throw new AppError('provider/unreachable', 'the event stream is damaged')
  return length
}

function readFrame(codec: EventStreamCodec, bytes: Uint8Array): Frame {
  const { headers, body } = decode(codec, bytes)
  const header = (name: string): string => {
    const value = headers[name]?.value
    return typeof value === 'string' ? value : ''
  }
  if (header(':message-type') === 'error') {
    return { event: header(':error-code') || 'error', data: JSON.stringify({ message: header(':error-message') }), isException: true }
  }
  const exception = header(':exception-type')
  const data = new TextDecoder().decode(body)
  return exception === '' ? { event: header(':event-type'), data } : { event: exception, data, isException: true }
}

function decode(codec: EventStreamCodec, bytes: Uint8Array): ReturnType<EventStreamCodec['decode']> {
  try {
    return codec.decode(bytes)
  } catch (error) {
    throw new AppError('provider/unreachable', 'the event stream is damaged', { cause: error })
  }
}
