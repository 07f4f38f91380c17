import { readHeaders } from '../openai/parse.ts'
import { ResponseStream, sendResponse } from '../openai/responses-answer.ts'
import { readResponsesRequest } from '../openai/responses-request.ts'
import { runTurn } from '../openai/run-turn.ts'
import { readJson } from '../read-body.ts'
import type { Route } from '../route.ts'

export const responses: Route = {
  method: 'POST',
  path: '/v1/responses',
  scope: 'operator.write',
  async handle(call) {
    const { request, response, deps } = call
    const body = await readJson(request, { maxBytes: deps.config.maxBodyBytes, timeoutMs: deps.config.requestTimeoutMs })
    const { message, stream } = readResponsesRequest(body, readHeaders(request.headers))
    const created = Math.floor(deps.now() / 1000)
    if (stream) {
      const events = new ResponseStream(response, created)
      await runTurn(call, message, (event, turnId) => events.hear(event, turnId))
      return
    }
    let switched = false
    const result = await runTurn(call, message, (event) => {
      if (event.type === 'model-switched') switched = true
    })
    if (!response.destroyed) sendResponse(response, result, created, switched)
  },
}
