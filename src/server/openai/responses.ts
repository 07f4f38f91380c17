import { readJson } from '../read-body.ts'
import type { RouteCall } from '../route.ts'
import { readHeaders } from './parse.ts'
import { ResponseStream, sendResponse } from './responses-answer.ts'
import { readResponsesRequest } from './responses-request.ts'
import { runTurn } from './run-turn.ts'

export async function answerResponses(call: RouteCall): Promise<void> {
  const { request, response, deps } = call
  const body = await readJson(request, { maxBytes: deps.config.maxBodyBytes, timeoutMs: deps.config.requestTimeoutMs })
  const { message, stream } = readResponsesRequest(body, readHeaders(request.headers))
  const created = Math.floor(deps.now() / 1000)
  if (stream) {
    const events = new ResponseStream(response, created)
    await runTurn(call, message, (event, turnId) => events.hear(event, turnId), 'pieces')
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
  if (!response.destroyed) sendResponse(response, result, created, switched)
}
