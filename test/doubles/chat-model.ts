/** A model server on loopback that answers every question by what it was asked, as often as it is asked: for programs that are killed and ask again. */
import { startLoopback } from './loopback.ts'
import { chatReply } from './openai-wire.ts'

type Answer = Parameters<typeof chatReply>[0]

export interface ChatModel {
  /** As OPENAI_BASE_URL. */
  readonly baseUrl: string
  readonly close: () => Promise<void>
}

export async function startChatModel(answer: (body: string) => Answer | Promise<Answer>): Promise<ChatModel> {
  const { url, close } = await startLoopback(async (request, response) => {
    let body = ''
    for await (const piece of request.setEncoding('utf8')) body += String(piece)
    const reply = chatReply(await answer(body))
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const piece of reply.pieces) response.write(await piece)
    response.end()
  })
  return { baseUrl: new URL('/v1', url).href, close }
}
