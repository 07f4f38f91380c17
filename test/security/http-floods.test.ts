/** Large, slow, deep and idle: each bounded, with the owner still answered. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { MAX_STRANGERS } from '../../src/server/connections.ts'
import { openDoors, TOKEN, type OpenDoors } from '../doubles/open-doors.ts'

const MEBIBYTE = Buffer.alloc(1024 * 1024, 0x20)

function head(doors: OpenDoors, more: string, token = TOKEN): string {
  return `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:${doors.port}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n${more}\r\n\r\n`
}

/** Whichever way it ends. */
function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

async function opened(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

/** Sends as much as the other side takes, up to `mebibytes`; says what came back and how much went out. */
async function pour(
  doors: OpenDoors,
  start: string,
  frame: (chunk: Buffer) => Buffer,
  mebibytes: number,
): Promise<{ readonly answer: string; readonly sent: number }> {
  const socket = await opened(doors.port)
  let answer = ''
  socket.on('data', (chunk) => (answer += chunk.toString()))
  const closed = closing(socket)
  socket.write(start)
  let sent = 0
  while (sent < mebibytes && socket.writable) {
    sent++
    if (!socket.write(frame(MEBIBYTE))) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed])
  }
  await closed
  return { answer, sent }
}

test('I1 D5 a declared 100 MB body is refused unread', async () => {
  await using doors = await openDoors()
  const before = process.memoryUsage.rss()
  const { answer, sent } = await pour(doors, head(doors, `Content-Length: ${100 * MEBIBYTE.length}`), (chunk) => chunk, 100)
  assert.match(answer, /^HTTP\/1\.1 413 /)
  assert.match(answer, /connection: close/i)
  assert.ok(sent < 50, `took ${sent} MiB`)
  assert.ok(process.memoryUsage.rss() - before < 64 * 1024 * 1024)
  assert.equal((await doors.ask('/v1/models')).status, 200)
})

test('I1 a body without a length is counted while it comes', async () => {
  await using doors = await openDoors()
  const before = process.memoryUsage.rss()
  const frame = (chunk: Buffer) => Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')])
  const { answer, sent } = await pour(doors, head(doors, 'Transfer-Encoding: chunked'), frame, 100)
  assert.match(answer, /^HTTP\/1\.1 413 /)
  assert.ok(sent < 50, `took ${sent} MiB`)
  assert.ok(process.memoryUsage.rss() - before < 96 * 1024 * 1024)
  assert.equal((await doors.ask('/v1/models')).status, 200)
})

test('D5 a stranger with a large body is refused before it is read, and gets no 100 Continue', async () => {
  await using doors = await openDoors()
  const socket = await opened(doors.port)
  socket.write(head(doors, 'Content-Length: 1000000\r\nExpect: 100-continue', 'wrong'))
  const [chunk] = await once(socket, 'data')
  assert.match(String(chunk), /^HTTP\/1\.1 401 /)
  socket.destroy()
  const owner = await opened(doors.port)
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'hi' }] })
  owner.write(head(doors, `Content-Length: ${body.length}\r\nExpect: 100-continue`))
  assert.match(String((await once(owner, 'data'))[0]), /^HTTP\/1\.1 100 /)
  owner.write(body)
  assert.match(String((await once(owner, 'data'))[0]), /^HTTP\/1\.1 200 /)
  owner.destroy()
})

test('I1 a slow body ends with 408', async () => {
  await using doors = await openDoors({ requestTimeoutMs: 200 })
  const socket = await opened(doors.port)
  let answer = ''
  socket.on('data', (chunk) => (answer += chunk.toString()))
  const closed = closing(socket)
  socket.write(`${head(doors, 'Content-Length: 1000')}{`)
  const drip = setInterval(() => socket.write(' '), 50)
  await closed
  clearInterval(drip)
  assert.match(answer, /^HTTP\/1\.1 408 /)
  assert.equal((await doors.ask('/v1/models')).status, 200)
})

test('I1 slow headers end the connection', async () => {
  await using doors = await openDoors({ requestTimeoutMs: 200 })
  const socket = await opened(doors.port)
  socket.resume()
  socket.write('GET /health HTTP/1.1\r\nHo')
  await closing(socket)
})

test('I1 large headers get 431', async () => {
  await using doors = await openDoors()
  const { status } = await doors.ask('/health', { headers: { 'x-large': 'x'.repeat(20_000) } })
  assert.equal(status, 431)
})

test('I1 deep JSON, no JSON and broken bodies get 400', async () => {
  await using doors = await openDoors()
  for (const body of ['['.repeat(33), `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`, '{', '', 'null', '[]', '"x"']) {
    assert.equal((await doors.ask('/v1/chat/completions', { method: 'POST', body })).status, 400, body.slice(0, 20))
  }
})

test('I1 1,000 idle sockets: the oldest go, the owner gets in', { timeout: 60_000 }, async () => {
  await using doors = await openDoors()
  const sockets: { readonly socket: Socket; readonly closed: Promise<void> }[] = []
  for (let index = 0; index < 1000; index++) {
    const socket = await opened(doors.port)
    sockets.push({ socket, closed: closing(socket.resume()) })
    if (index % 250 === 249) assert.equal((await doors.ask('/v1/models')).status, 200)
  }
  await Promise.all(sockets.slice(0, 1000 - MAX_STRANGERS - 50).map(({ closed }) => closed))
  assert.equal((await doors.ask('/v1/models')).status, 200)
  for (const { socket } of sockets) socket.destroy()
})

test('I1 a reader that stops reading a stream is cut off and its turn cancelled', async () => {
  await using doors = await openDoors()
  const text = 'x'.repeat(64 * 1024)
  doors.gateway.script = async ({ emit, signal }) => {
    while (!signal.aborted) {
      emit({ type: 'text-delta', text })
      await new Promise((resolve) => setImmediate(resolve))
    }
    signal.throwIfAborted()
    return {}
  }
  const aborted = doors.gateway.aborted()
  const socket = await opened(doors.port)
  socket.pause()
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'hi' }], stream: true })
  socket.write(head(doors, `Content-Length: ${body.length}`) + body)
  assert.equal(await aborted, 'the client went away')
  socket.destroy()
})
