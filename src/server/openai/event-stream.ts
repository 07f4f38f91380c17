/**
 * A server-sent event stream. What is written within a few milliseconds leaves in one piece, the first words at once. The stream opens with the first byte, so that whatever goes wrong
 * before can still be an HTTP error; when nothing is said for a while it opens anyway and keeps the connection alive.
 */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { securityHeaders } from '../respond.ts'

const KEEP_ALIVE_MS = 10_000
/** Between two pieces. Nobody reads faster, and a piece costs far more than its words. */
const PIECE_MS = 5
/** Bytes that may wait for a slow reader. */
const MAX_WAITING = 1536 * 1024

export class EventStream {
  readonly #response: ServerResponse
  readonly #headers: () => OutgoingHttpHeaders
  readonly #keepAlive: NodeJS.Timeout
  readonly #flush = () => this.#send()
  #text = ''
  #planned = false
  #sentAt = 0

  constructor(response: ServerResponse, headers: () => OutgoingHttpHeaders) {
    this.#response = response
    this.#headers = headers
    this.#keepAlive = setInterval(() => this.write(': keep-alive\n\n'), KEEP_ALIVE_MS)
    response.once('close', () => clearInterval(this.#keepAlive))
  }

  get isOpen(): boolean {
    return this.#response.headersSent
  }

  write(text: string): void {
    this.#text += text
    if (this.#planned) return
    this.#planned = true
    if (performance.now() - this.#sentAt >= PIECE_MS) setImmediate(this.#flush)
    else setTimeout(this.#flush, PIECE_MS)
  }

  end(text: string): void {
    clearInterval(this.#keepAlive)
    this.#planned = true
    if (this.#response.destroyed) return
    this.#open()
    this.#response.end(this.#text + text)
    this.#text = ''
  }

  /** Nothing was written and nothing will be. */
  discard(): void {
    clearInterval(this.#keepAlive)
    this.#planned = true
  }

  #send(): void {
    if (this.#response.writableEnded || this.#response.destroyed || this.#text === '') return
    this.#planned = false
    this.#sentAt = performance.now()
    this.#open()
    const text = this.#text
    this.#text = ''
    this.#response.write(text)
    // Closing tells whoever runs the turn to cancel it.
    if (this.#response.writableLength > MAX_WAITING) this.#response.destroy()
  }

  #open(): void {
    if (this.isOpen) return
    this.#response.writeHead(200, { ...securityHeaders, 'content-type': 'text/event-stream; charset=utf-8', ...this.#headers() })
  }
}
