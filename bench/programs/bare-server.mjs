// The least that answers over HTTP with this Node: the reference for start and memory. Plain JavaScript, because
// stripping types would be a part of what is measured.
import { createServer } from 'node:http'

createServer((request, response) => {
  request.resume()
  request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ok"}'))
}).listen(Number(process.argv[2]), '127.0.0.1')
