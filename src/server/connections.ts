/**
 * Connections that have not shown a right token yet. There are at most `limit`; one more drops the oldest, so that a crowd of idle strangers never keeps the
 * owner out.
 */
import type { Socket } from 'node:net'

export const MAX_STRANGERS = 256

export class Strangers {
  /** In the order they came. */
  readonly #sockets = new Set<Socket>()

  add(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    if (this.#sockets.size <= MAX_STRANGERS) return
    for (const oldest of this.#sockets) {
      this.#sockets.delete(oldest)
      oldest.destroy()
      return
    }
  }

  /** It belongs to somebody we know. */
  release(socket: Socket): void {
    this.#sockets.delete(socket)
  }

  get size(): number {
    return this.#sockets.size
  }
}
