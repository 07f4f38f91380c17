import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTransport } from '../../src/net/transport.ts'
import { LOCAL_PORTS, probeLocalServers } from '../../src/providers/wire/probe.ts'
import { uncheckedFetch } from '../doubles/cleared.ts'
import { type ModelServer, startModelServer } from '../doubles/model-server.ts'
import { modelList } from '../doubles/openai-wire.ts'

const portOf = (server: ModelServer): number => Number(server.url.port)

test('finds the servers that list models, in order, and nothing else, within its time', async (t) => {
  const servers = await Promise.all(Array.from({ length: 6 }, startModelServer))
  const [slow, second, page, empty, first, gone] = servers
  const transport = createTransport()
  t.after(() => Promise.all([transport.close(), ...servers.map((server) => server.close())]))
  assert.ok(slow && second && page && empty && first && gone)
  slow.list({ pieces: [], ending: 'hang' })
  second.list(modelList('b1'))
  page.list({ pieces: ['<html>Hello</html>'] })
  empty.list(modelList())
  first.list(modelList('a1', 'a2'))
  await gone.close()
  const ports = [slow, first, page, empty, second, gone].map((server, index) => [`server-${index}`, portOf(server)] as const)
  const startedAt = performance.now()
  const found = await probeLocalServers(uncheckedFetch(transport), t.signal, ports)
  assert.ok(performance.now() - startedAt < 10_000)
  assert.deepEqual(
    found.map(({ id, baseUrl, models }) => ({ id, baseUrl: baseUrl.href, models })),
    [
      { id: 'server-1', baseUrl: `${first.url.origin}/v1`, models: ['a1', 'a2'] },
      { id: 'server-4', baseUrl: `${second.url.origin}/v1`, models: ['b1'] },
    ],
  )
  assert.deepEqual(
    first.requests.map(({ method, path }) => `${method} ${path}`),
    ['GET /v1/models'],
  )
  // The one that never answered is let go of.
  await slow.aborted()
})

test('an abort of the caller ends the search', async (t) => {
  const server = await startModelServer()
  const transport = createTransport()
  t.after(() => Promise.all([transport.close(), server.close()]))
  server.list({ pieces: [], ending: 'hang' })
  const caller = new AbortController()
  const search = probeLocalServers(uncheckedFetch(transport), caller.signal, [['x', portOf(server)]])
  caller.abort(new Error('enough'))
  await assert.rejects(search, /enough/)
})

test('the usual ports are asked, the best known server first', () => {
  assert.deepEqual(LOCAL_PORTS, [
    ['ollama', 11_434],
    ['llama-cpp', 8080],
    ['lm-studio', 1234],
    ['vllm', 8000],
  ])
})
