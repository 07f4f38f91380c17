/** Server-sent events: bytes → frames. The decoder joins characters that a chunk boundary cut; the parser knows CRLF, comments and a leading BOM. */
import { createParser } from 'eventsource-parser'
import { AppError } from '../../contracts/errors.ts'
import type { Frame, Framer, Framing } from './protocol.ts'

const MAX_FRAME = 1024 * 1024

export const sseFraming: Framing = { accept: 'text/event-stream', framer: sseFramer }

export function sseFramer(): Framer {
  // The parser takes the BOM off itself; a decoder that did so too would eat a second one, which is content.
  const text = new TextDecoder('utf-8', { ignoreBOM: true })
  let frames: Frame[] = []
  let isTooLarge = false
  const parser = createParser({
    maxBufferSize: MAX_FRAME,
    onEvent: ({ event, data }) => {
      if (data.length > MAX_FRAME) isTooLarge = true
      frames.push({ event: event ?? '', data })
    },
    onError: ({ type }) => {
      // Unknown fields and bad retry values are to be ignored, by the standard.
      if (type === 'max-buffer-size-exceeded') isTooLarge = true
    },
  })
  return {
    push(bytes) {
      frames = []
      if (!isTooLarge) parser.feed(text.decode(bytes, { stream: true }))
      if (isTooLarge) throw new AppError('net/too-large', 'one event of the stream exceeds 1 MiB')
      return frames
    },
  }
}
