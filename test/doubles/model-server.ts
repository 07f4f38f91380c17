/**
 * A model server on loopback that answers what a test scripted: whole, in pieces, hanging, or cut. It speaks whatever bytes it is given; `openai-wire.ts` writes
 * those of chat completions.
 */
import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { startLoopback } from './loopback.ts'

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Written one after the other; a promise holds back what follows. */
  readonly pieces: readonly (string | Uint8Array | Promise<string | Uint8Array>)[]
  /** What follows the last piece: the end, silence, or a broken connection. */
  readonly ending?: 'end' | 'hang' | 'cut'
}

export interface ReceivedRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface ModelServer {
  /** Origin, without a path. */
  readonly url: URL
  readonly requests: readonly ReceivedRequest[]
  /** TCP connections that were made so far. */
  connections(): number
  /** Answers for the coming POST requests, in order; further ones get status 500. A function makes its reply from the request. */
  script(...replies: readonly Script[]): void
  /** Answer for every GET. */
  list(reply: Reply): void
  /** Resolves when the next answer (or the first one nobody has waited for) was given up by the other side. */
  aborted(): Promise<void>
  readonly close: () => Promise<void>
}
export type Script = Reply | ((request: ReceivedRequest) => Reply)

const UNSCRIPTED: Reply = { status: 500, pieces: ['no reply is scripted'] }

export async function startModelServer(): Promise<ModelServer> {
  const requests: ReceivedRequest[] = []
  const replies: Script[] = []
  let listing: Reply = { status: 404, pieces: [] }
  let abort = Promise.withResolvers<void>()
  const loopback = await startLoopback(async (request, response) => {
    response.once('close', () => {
      if (!response.writableFinished) abort.resolve()
    })
    const received = await receive(request)
    requests.push(received)
    const script = received.method === 'GET' ? listing : (replies.shift() ?? UNSCRIPTED)
    await answer(response, typeof script === 'function' ? script(received) : script)
  })
  let connections = 0
  loopback.server.on('connection', () => connections++)
  return {
    url: loopback.url,
    requests,
    connections: () => connections,
    script: (...more) => void replies.push(...more),
    list: (reply) => {
      listing = reply
    },
    async aborted() {
      await abort.promise
      abort = Promise.withResolvers()
    },
    close: loopback.close,
  }
}

async function receive(request: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk)
  return { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() }
}

async function answer(response: ServerResponse, reply: Reply): Promise<void> {
  if (reply.pieces.length > 0 || reply.ending !== 'hang') response.writeHead(reply.status ?? 200, reply.headers)
  for (const held of reply.pieces) {
    const piece = await held
    if (response.destroyed) return
    if (!response.write(piece)) await Promise.race([once(response, 'drain'), once(response, 'close')])
    // Each piece travels alone, as far as the machine allows.
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (reply.ending === 'cut') response.socket?.destroy()
  else if (reply.ending !== 'hang') response.end()
}

/** The pieces of a reply that holds nothing back. */
export function textPieces(reply: Reply): readonly (string | Uint8Array)[] {
  return reply.pieces.map((piece) => {
    if (piece instanceof Promise) throw new Error('this reply waits for something')
    return piece
  })
}
