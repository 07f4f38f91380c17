/** A client of our own gateway: WebSocket protocol 3 over loopback or a given host. */
export interface GatewayClient {
  readonly url: string
  /** Sends one request; rejects with an AppError made from the response's error, or `gateway/unreachable`. */
  call(method: string, params?: unknown, signal?: AbortSignal): Promise<unknown>
  /** Every event frame; returns the way to stop. */
  onEvent(listener: (event: string, payload: unknown) => void): () => void
  close(): Promise<void>
}
