import { readJson } from '../read-body.ts'
import type { RouteCall } from '../route.ts'
import { ChatStream, sendChat } from './chat-answer.ts'
import { readChatRequest } from './chat-request.ts'
import { readHeaders } from './parse.ts'
import { runTurn } from './run-turn.ts'

export async function answerChat(call: RouteCall): Promise<void> {
  const { request, response, deps } = call
  const body = await readJson(request, { maxBytes: deps.config.maxBodyBytes, timeoutMs: deps.config.requestTimeoutMs })
  const { message, stream, includeUsage } = readChatRequest(body, readHeaders(request.headers))
  const created = Math.floor(deps.now() / 1000)
  if (stream) {
    const chunks = new ChatStream(response, created, includeUsage)
    await runTurn(call, message, (event, turnId) => chunks.hear(event, turnId), 'pieces')
    return
  }
  let switched = false
  const result = await runTurn(
    call,
    message,
    (event) => {
      if (event.type === 'model-switched') switched = true
    },
    'answers',
  )
  if (!response.destroyed) sendChat(response, result, created, switched)
}
