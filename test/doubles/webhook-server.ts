/** A receiver of webhooks on loopback: keeps what arrives, and answers by a script, then with 200. */
import type { IncomingHttpHeaders } from 'node:http'
import { startLoopback, type Loopback } from './loopback.ts'

export interface Post {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface WebhookAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface WebhookServer extends Pick<Loopback, 'url'>, AsyncDisposable {
  readonly posts: readonly Post[]
}

export async function startWebhookServer(answers: readonly (WebhookAnswer | 'drop')[] = []): Promise<WebhookServer> {
  const posts: Post[] = []
  const { url, close } = await startLoopback(async (request, response) => {
    let body = ''
    for await (const piece of request.setEncoding('utf8')) body += String(piece)
    const answer = answers[posts.push({ path: request.url ?? '', headers: request.headers, body }) - 1] ?? { status: 200 }
    if (answer === 'drop') response.destroy()
    else response.writeHead(answer.status, answer.headers).end(answer.body)
  })
  return { url, posts, [Symbol.asyncDispose]: close }
}
