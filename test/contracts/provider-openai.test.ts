/** Every provider that speaks chat completions. */
import { compatible } from '../../src/providers/compatible/module.ts'
import { ollama } from '../../src/providers/ollama/module.ts'
import { openai } from '../../src/providers/openai/module.ts'
import { venice } from '../../src/providers/venice/module.ts'
import { chatReply } from '../doubles/openai-wire.ts'
import { textPieces } from '../doubles/model-server.ts'
import { describeProvider, fromModule, type ProviderSetup } from './provider-contract.ts'

const apiKey = 'sk-proj-0123456789abcdefghijklmnop'

const wire = {
  secrets: [apiKey],
  headers: { 'content-type': 'text/event-stream' },
  text: textPieces(chatReply({ text: ['Hello', ', ', 'world.'] })),
  firstText: 1,
  calls: textPieces(
    chatReply({
      calls: [
        { id: 'call_a', name: 'first', arguments: '{"a":1}' },
        { id: 'call_b', name: 'second', arguments: '' },
      ],
    }),
  ),
  nonsense: 'data: {"choices": [\n\n',
  faults: [
    { kind: 'auth', status: 401, body: '{"error":{"message":"Incorrect API key provided: %ECHO%.","type":"invalid_request_error","code":"invalid_api_key"}}' },
    { kind: 'auth', status: 403, body: '{"error":{"message":"Country not supported %ECHO%","code":"unsupported_country_region_territory"}}' },
    { kind: 'auth', status: 429, body: '{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}' },
    { kind: 'auth', status: 402, body: '{"error":"Insufficient USD or Diem balance to complete request %ECHO%"}' },
    { kind: 'rate-limit', status: 429, body: '{"error":{"message":"Rate limit reached %ECHO%","type":"tokens","code":"rate_limit_exceeded"}}' },
    { kind: 'overloaded', status: 503, body: '{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}' },
    { kind: 'overloaded', status: 500, body: '{"error":{"message":"The engine is currently overloaded %ECHO%","type":"server_error","code":null}}' },
    { kind: 'overloaded', status: 529, body: '' },
    { kind: 'context-too-long', status: 400, body: '{"error":{"message":"too long","code":"context_length_exceeded"}}' },
    {
      kind: 'context-too-long',
      status: 400,
      body: '{"error":{"code":400,"message":"request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it","type":"exceed_context_size_error"}}',
    },
    {
      kind: 'context-too-long',
      status: 400,
      body: '{"object":"error","message":"This model\'s maximum context length is 2048 tokens.","type":"BadRequestError"}',
    },
    { kind: 'context-too-long', status: 500, body: '{"error":"the input length exceeds the context length"}' },
    { kind: 'refused', status: 400, body: '{"error":{"message":"The prompt was filtered %ECHO%","code":"content_filter"}}' },
    { kind: 'network', status: 500, body: '{"error":{"message":"The server had an error %ECHO%","type":"server_error"}}' },
    { kind: 'network', status: 502, body: '<html><body>Bad gateway %ECHO%</body></html>' },
    { kind: 'bad-request', status: 400, body: '{"error":{"message":"Unknown parameter: a, %ECHO%","type":"invalid_request_error","param":"a","code":null}}' },
    { kind: 'bad-request', status: 404, body: '{"error":{"message":"model \\"alpha\\" not found, try pulling it first"}}' },
    { kind: 'bad-request', status: 422, body: '{"detail":"Unprocessable %ECHO%"}' },
  ],
  listing: '{"object":"list","data":[{"id":"alpha","object":"model"},{"id":"beta","object":"model"}]}',
} satisfies Partial<ProviderSetup>

const v1 = (server: URL): string => new URL('/v1', server).href

describeProvider('openai', {
  ...wire,
  create: (server, deps) => fromModule(openai, { apiKey, baseUrl: v1(server) }, deps),
  acceptsBaseUrl: (baseUrl) => openai.config.safeParse({ baseUrl }).success,
})

describeProvider('venice', {
  ...wire,
  create: (server, deps) => fromModule(venice, { apiKey, baseUrl: v1(server), parameters: { include_venice_system_prompt: false } }, deps),
  acceptsBaseUrl: (baseUrl) => venice.config.safeParse({ baseUrl }).success,
})

describeProvider('ollama', {
  ...wire,
  create: (server, deps) => fromModule(ollama, { apiKey, baseUrl: server.href }, deps),
  acceptsBaseUrl: (baseUrl) => ollama.config.safeParse({ baseUrl }).success,
})

describeProvider('compatible', {
  ...wire,
  create: async (server, deps) => {
    const [provider] = await fromModule(compatible, { den: { baseUrl: v1(server), apiKey } }, deps)
    if (provider === undefined) throw new Error('a named server is a provider')
    return provider
  },
  acceptsBaseUrl: (baseUrl) => compatible.config.safeParse({ den: { baseUrl } }).success,
})
