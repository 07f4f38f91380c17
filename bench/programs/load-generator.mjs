// Asks for chat completions over kept connections, so many at once, and reports each request's milliseconds. One job at a time, over the parent's channel.
import { Agent, request as send } from 'node:http'

const FIRST_TEXT = /"content":"[^"]/

process.on('message', (job) => {
  run(job).then(
    (result) => process.send(result),
    (error) => process.send({ failure: error.message }),
  )
})
process.on('disconnect', () => process.exit())

async function run({ port, headers, body, atOnce, count, forMs }) {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  const options = {
    host: '127.0.0.1',
    port,
    path: '/v1/chat/completions',
    method: 'POST',
    agent,
    headers: { ...headers, 'content-length': Buffer.byteLength(body) },
  }
  const isStream = body.includes('"stream":true')
  const latencies = []
  const firstTokens = []
  let left = count
  const startedAt = performance.now()
  const one = async () => {
    while (left-- > 0 && performance.now() - startedAt < forMs) {
      const { ms, firstMs } = await ask(options, body, isStream)
      latencies.push(ms)
      if (firstMs !== null) firstTokens.push(firstMs)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, one))
  const ms = performance.now() - startedAt
  agent.destroy()
  return { ms, latencies, firstTokens }
}

function ask(options, body, isStream) {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now()
    const request = send(options, (response) => {
      let firstMs = null
      let start = ''
      let last = Buffer.alloc(0)
      response.on('data', (chunk) => {
        last = chunk
        if (firstMs !== null) return
        start += chunk.toString('latin1')
        if (FIRST_TEXT.test(start)) firstMs = performance.now() - startedAt
      })
      response.on('end', () => {
        const ms = performance.now() - startedAt
        const isWhole = !isStream || (firstMs !== null && last.toString('latin1').endsWith('data: [DONE]\n\n'))
        if (response.statusCode !== 200 || !isWhole) reject(new Error(`status ${response.statusCode}, cut or without text: ${start.slice(0, 300)}`))
        else resolve({ ms, firstMs })
      })
      response.on('error', reject)
    })
    request.on('error', reject)
    request.end(body)
  })
}
