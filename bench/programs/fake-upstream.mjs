// A model server that thinks for no time, in the wire of chat completions. The model's name chooses the answer; every byte of it is prepared before the first request.
//   short: 8 parts at once · paced: 8 parts, 10 ms apart · long: 1,000 parts in pieces of 4 kB · long-cut: 1,000 parts, each written alone
//   tools: calls what a message of the shape `call NAME {json}` names, then says that it is done
import { createServer } from 'node:http'

const PIECE_BYTES = 4096
const PAUSE_MS = 10
const words = (count) => Array.from({ length: count }, (_, index) => `word${index} `)
const head = { id: 'chatcmpl-1', created: 1_763_800_000, model: 'fake' }
const usage = (count) => ({ prompt_tokens: 300, completion_tokens: count, total_tokens: 300 + count })

const models = Object.fromEntries(Object.entries({ short: 8, paced: 8, long: 1000, 'long-cut': 1000 }).map(([name, count]) => [name, answerOf(count)]))
let last = Buffer.alloc(0)
let calls = 0

const TOOL_CALL = /^call (\w+) (\{.*\})$/s

/** Streams only: that is how the gateway asks. */
function toolAnswer(text) {
  const { messages } = JSON.parse(text)
  const { role, content } = messages.at(-1)
  const said = typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join('')
  const [, name, input] = (role === 'user' && TOOL_CALL.exec(said)) || []
  const chunk = (choices, rest = {}) => `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...rest })}\n\n`
  const call = { index: 0, id: `call_${++calls}`, type: 'function', function: { name, arguments: input } }
  const delta = name === undefined ? { role: 'assistant', content: 'Done.' } : { role: 'assistant', tool_calls: [call] }
  const end = chunk([{ index: 0, delta: {}, finish_reason: name === undefined ? 'stop' : 'tool_calls' }]) + chunk([], { usage: usage(8) }) + 'data: [DONE]\n\n'
  return { whole: Buffer.from(chunk([{ index: 0, delta, finish_reason: null }]) + end) }
}

function answerOf(count) {
  const chunk = (choices, rest = {}) => `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...rest })}\n\n`
  const parts = words(count).map((content, index) =>
    chunk([{ index: 0, delta: { ...(index === 0 ? { role: 'assistant' } : {}), content }, finish_reason: null }]),
  )
  const end = chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]) + chunk([], { usage: usage(count) }) + 'data: [DONE]\n\n'
  const message = { role: 'assistant', content: words(count).join('') }
  return {
    plain: Buffer.from(JSON.stringify({ ...head, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }], usage: usage(count) })),
    parts: [...parts, end].map((part) => Buffer.from(part)),
    whole: Buffer.from(parts.join('') + end),
  }
}

async function stream(name, { parts, whole }, response) {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  if (name === 'short' || name === 'tools') return response.end(whole)
  if (name === 'long') {
    for (let from = 0; from < whole.length; from += PIECE_BYTES) response.write(whole.subarray(from, from + PIECE_BYTES))
    return response.end()
  }
  for (const part of parts) {
    if (response.destroyed) return
    response.write(part)
    await new Promise((resolve) => (name === 'paced' ? setTimeout(resolve, PAUSE_MS) : setImmediate(resolve)))
  }
  response.end()
}

createServer((request, response) => {
  if (request.url === '/health') return void response.end('ok')
  if (request.url === '/last') return void response.end(last)
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    last = Buffer.concat(chunks)
    const text = last.toString()
    const name = /"model":"([^"]+)"/.exec(text)?.[1] ?? ''
    const answer = name === 'tools' ? toolAnswer(text) : models[name]
    if (answer === undefined) return void response.writeHead(404).end()
    if (text.includes('"stream":true')) return void stream(name, answer, response)
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.plain.length }).end(answer.plain)
  })
}).listen(Number(process.argv[2]), '127.0.0.1')
