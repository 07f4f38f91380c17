// The least that stands between a client and a model server: bytes in, bytes out, connections kept.
import { Agent, createServer, request as send } from 'node:http'

const [port, upstream] = process.argv.slice(2).map(Number)
const agent = new Agent({ keepAlive: true, maxSockets: 256 })

createServer((request, response) => {
  if (request.url === '/health') return void response.end('ok')
  const { method, url, headers } = request
  const onward = send({ host: '127.0.0.1', port: upstream, method, path: url, headers, agent }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  onward.on('error', () => response.destroy())
  request.pipe(onward)
}).listen(port, '127.0.0.1')
