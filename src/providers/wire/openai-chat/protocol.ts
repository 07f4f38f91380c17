import type { Protocol } from '../protocol.ts'
import { ChatDecoder } from './decode.ts'
import { type Dialect, encodeRequest } from './encode.ts'
import { sortFaultText } from './fault.ts'

/** The chat completions protocol of OpenAI, which most servers speak. */
export function openAiChat(dialect: Dialect): Protocol {
  return {
    path: () => '/chat/completions',
    encode: (request) => encodeRequest(request, dialect),
    decoder: (request) => new ChatDecoder(request),
    fault: (status, _, body) => sortFaultText(status, body),
  }
}
