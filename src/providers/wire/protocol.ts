/**
 * A wire protocol: how a request is written and how an answer is read. It knows no URL, no key and no network; `define-provider.ts` composes it with endpoint,
 * authentication and framing.
 */
import type { JsonObject } from '../../contracts/json.ts'
import type { ModelEvent, ModelFault, ModelRequest } from '../../contracts/provider.ts'

export interface Protocol {
  /** Path below the base URL, for example `/chat/completions`; may carry a query. Names from the request are percent-encoded by whoever writes the path. */
  path(request: ModelRequest): string
  encode(request: ModelRequest): JsonObject
  /** A fresh decoder for one answer to this request. */
  decoder(request: ModelRequest): Decoder
  /**
   * Sorts an error answer. `body` is at most 64 KiB of text. The caller scrubs and shortens the message, and fills in `status` and, where the fault has none,
   * `retryAfterMs` from the headers.
   */
  fault(status: number, headers: Readonly<Record<string, string>>, body: string): ModelFault
}

/** One frame of the framing: an SSE event, or an event-stream message. */
export interface Frame {
  /** SSE `event:` field, or `:event-type` / `:exception-type` of an event-stream message; empty when absent. */
  readonly event: string
  readonly data: string
  /** Set by framings that mark a failure outside of the data. */
  readonly isException?: boolean
}

/** Pure state machine. After a `finish` or `error` it answers nothing more. Messages of its errors are scrubbed by the caller. */
export interface Decoder {
  push(frame: Frame): readonly ModelEvent[]
  /** The connection ended: `finish` or `error` if the answer did not say so itself. A cut answer is a `network` error. */
  end(): readonly ModelEvent[]
}

/** Cuts bytes into frames; keeps what is incomplete. Bounded: a frame larger than 1 MiB throws `AppError('net/too-large')`. */
export interface Framer {
  push(bytes: Uint8Array): readonly Frame[]
}

export interface Framing {
  /** The media type to ask for. */
  readonly accept: string
  /** A fresh framer for one answer. */
  framer(): Framer
}
