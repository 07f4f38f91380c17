/** Keys of the vendors whose wire is their own: what is sent, to which address, with which credentials. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AdapterDeps, AdapterModule } from '../../src/contracts/adapter.ts'
import type { EgressRequest } from '../../src/contracts/egress.ts'
import type { ModelRequest, Provider } from '../../src/contracts/provider.ts'
import { anthropic } from '../../src/providers/anthropic/module.ts'
import { bedrock } from '../../src/providers/bedrock/module.ts'
import { compatible } from '../../src/providers/compatible/module.ts'
import { gemini } from '../../src/providers/gemini/module.ts'
import { ollama } from '../../src/providers/ollama/module.ts'
import { cleared } from '../doubles/cleared.ts'
import { recordedLog } from '../doubles/recorded-log.ts'

const request: ModelRequest = {
  model: 'anthropic.claude-mine',
  system: 'Be brief.',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'hello', origin: { author: { kind: 'owner' }, trust: 'trusted', private: false } }] }],
  tools: [],
  maxOutputTokens: 7,
}

/** What leaves for one question, with this section in the file. */
async function sent<Config>(module: AdapterModule<Provider | readonly Provider[], Config>, section: object): Promise<EgressRequest> {
  const requests: EgressRequest[] = []
  const deps: AdapterDeps = {
    log: recordedLog().log,
    now: () => Date.UTC(2026, 10, 22),
    async fetch(leaving) {
      requests.push(leaving)
      return { status: 400, headers: {}, body: (async function* () {})() }
    },
  }
  const made = await module.create(module.config.parse(section), deps)
  const provider = 'stream' in made ? made : made[0]
  assert.ok(provider)
  for await (const _event of provider.stream(cleared(request), AbortSignal.timeout(5000)));
  const [first] = requests
  assert.ok(first)
  return first
}

const credentialsOf = ({ headers }: EgressRequest) => headers['authorization'] ?? ''

describe('providers', () => {
  it('anthropic: apiKey and baseUrl', async () => {
    const plain = await sent(anthropic, { apiKey: 'sk-ant-mine' })
    assert.deepEqual([plain.url.origin, plain.headers['x-api-key']], ['https://api.anthropic.com', 'sk-ant-mine'])
    assert.equal((await sent(anthropic, { baseUrl: 'https://models.example' })).url.href, 'https://models.example/v1/messages')
  })

  it('gemini: apiKey and baseUrl', async () => {
    const plain = await sent(gemini, { apiKey: 'AIza-mine' })
    assert.deepEqual([plain.url.origin, plain.headers['x-goog-api-key']], ['https://generativelanguage.googleapis.com', 'AIza-mine'])
    assert.equal((await sent(gemini, { apiKey: 'AIza-mine', baseUrl: 'https://models.example' })).url.origin, 'https://models.example')
  })

  it('compatible: baseUrl and apiKey of each server', async () => {
    const { url, headers } = await sent(compatible, { mine: { baseUrl: 'https://models.example/v1', apiKey: 'sk-mine' } })
    assert.deepEqual([url.href, headers['authorization']], ['https://models.example/v1/chat/completions', 'Bearer sk-mine'])
  })

  it('ollama: baseUrl and the apiKey of what stands in front', async () => {
    const { url, headers } = await sent(ollama, { baseUrl: 'https://models.example', apiKey: 'sk-mine' })
    assert.deepEqual([url.href, headers['authorization']], ['https://models.example/v1/chat/completions', 'Bearer sk-mine'])
  })

  describe('bedrock', () => {
    const keys = { region: 'eu-central-1', accessKeyId: 'AKIAMINE', secretAccessKey: 'first-secret-0123456789' }

    it('region and accessKeyId say where to and by whom', async () => {
      const german = await sent(bedrock, keys)
      assert.equal(german.url.origin, 'https://bedrock-runtime.eu-central-1.amazonaws.com')
      assert.match(credentialsOf(german), /Credential=AKIAMINE\/20261122\/eu-central-1\//)
      assert.equal((await sent(bedrock, { ...keys, region: 'us-east-1' })).url.origin, 'https://bedrock-runtime.us-east-1.amazonaws.com')
    })

    it('baseUrl takes the place of the region’s host', async () => {
      const { url, headers } = await sent(bedrock, { ...keys, baseUrl: 'https://bedrock.example' })
      assert.equal(url.origin, 'https://bedrock.example')
      assert.match(headers['authorization'] ?? '', /eu-central-1/)
    })

    it('secretAccessKey makes the signature, and sessionToken goes along', async () => {
      const plain = await sent(bedrock, keys)
      assert.equal(credentialsOf(await sent(bedrock, keys)), credentialsOf(plain))
      assert.notEqual(credentialsOf(await sent(bedrock, { ...keys, secretAccessKey: 'second-secret-0123456789' })), credentialsOf(plain))
      assert.equal(plain.headers['x-amz-security-token'], undefined)
      assert.equal((await sent(bedrock, { ...keys, sessionToken: 'session' })).headers['x-amz-security-token'], 'session')
    })

    it('bearerToken is used instead of a signature', async () => {
      assert.equal(credentialsOf(await sent(bedrock, { ...keys, bearerToken: 'mine' })), 'Bearer mine')
    })

    it('promptCaching puts cache points', async () => {
      assert.match(String((await sent(bedrock, keys)).body), /cachePoint/)
      assert.doesNotMatch(String((await sent(bedrock, { ...keys, promptCaching: false })).body), /cachePoint/)
    })
  })
})
