import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AdapterDeps } from '../../contracts/adapter.ts'
import type { EgressRequest } from '../../contracts/egress.ts'
import { AppError } from '../../contracts/errors.ts'
import { anthropic } from './module.ts'

/** What leaves for a listing, which needs no guard. */
async function sentBy(section: object): Promise<EgressRequest | undefined> {
  let sent: EgressRequest | undefined
  const silent = (): void => undefined
  const log = { debug: silent, info: silent, warn: silent, error: silent, child: () => log }
  const deps: AdapterDeps = {
    log,
    now: () => 0,
    async fetch(request) {
      sent = request
      return { status: 200, headers: {}, body: (async function* () {})() }
    },
  }
  const provider = await anthropic.create(anthropic.config.parse(section), deps)
  await provider.listModels(new AbortController().signal).catch((error: unknown) => assert.ok(error instanceof AppError))
  return sent
}

test('the key goes into a header, the version of the API into another', async () => {
  const sent = await sentBy({ apiKey: 'sk-ant-0123456789' })
  assert.equal(sent?.url.href, 'https://api.anthropic.com/v1/models?limit=1000')
  assert.deepEqual(sent.headers, { accept: 'application/json', 'anthropic-version': '2023-06-01', 'x-api-key': 'sk-ant-0123456789' })
})

test('a base URL may carry the version or not; without a key of its own the official server is not asked', async () => {
  for (const baseUrl of ['https://proxy.example.com/anthropic', 'https://proxy.example.com/anthropic/v1', 'https://proxy.example.com/anthropic/v1/']) {
    const sent = await sentBy({ baseUrl })
    assert.equal(sent?.url.href, 'https://proxy.example.com/anthropic/v1/models?limit=1000')
    assert.equal(sent.headers['x-api-key'], undefined)
  }
  assert.equal(await sentBy({}), undefined)
})
