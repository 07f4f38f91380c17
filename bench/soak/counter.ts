/** A receiver of webhooks that only counts: how many arrived, and how many of them were different messages. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { freePort } from '../support/process.ts'

export interface Counter {
  readonly url: string
  readonly count: () => { readonly all: number; readonly distinct: number }
  readonly stop: () => Promise<void>
}

export async function startCounter(): Promise<Counter> {
  const seen = new Set<string>()
  let all = 0
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (piece: string) => (body += piece))
    request.on('end', () => {
      all++
      seen.add(/message number \d+/.exec(body)?.[0] ?? body)
      response.end()
    })
  })
  const port = await freePort()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${port}/hook`,
    count: () => ({ all, distinct: seen.size }),
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
