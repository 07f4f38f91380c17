import { ChatStream, sendChat } from '../openai/chat-answer.ts'
import { readChatRequest } from '../openai/chat-request.ts'
import { readHeaders } from '../openai/parse.ts'
import { runTurn } from '../openai/run-turn.ts'
import { readJson } from '../read-body.ts'
import type { Route } from '../route.ts'

export const chatCompletions: Route = {
  method: 'POST',
  path: '/v1/chat/completions',
  scope: 'operator.write',
  async handle(call) {
    const { request, response, deps } = call
    const body = await readJson(request, { maxBytes: deps.config.maxBodyBytes, timeoutMs: deps.config.requestTimeoutMs })
    const { message, stream, includeUsage } = readChatRequest(body, readHeaders(request.headers))
    const created = Math.floor(deps.now() / 1000)
    if (stream) {
      const chunks = new ChatStream(response, created, includeUsage)
      await runTurn(call, message, (event, turnId) => chunks.hear(event, turnId))
      return
    }
    let switched = false
    const result = await runTurn(call, message, (event) => {
      if (event.type === 'model-switched') switched = true
    })
    if (!response.destroyed) sendChat(response, result, created, switched)
  },
}
