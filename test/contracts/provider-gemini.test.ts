import { gemini } from '../../src/providers/gemini/module.ts'
import { describeProvider, fromModule } from './provider-contract.ts'

const apiKey = 'AIzaSy0123456789abcdefghijklmnopqrstuvw'

const answer = (parts: readonly object[], more: object = {}): string => {
  const usageMetadata = { promptTokenCount: 12, candidatesTokenCount: 5, totalTokenCount: 17 }
  return `data: ${JSON.stringify({ candidates: [{ content: { parts, role: 'model' }, index: 0, ...more }], usageMetadata })}\r\n\r\n`
}
const error = (code: number, status: string, message: string, details: readonly object[] = []): string =>
  JSON.stringify({ error: { code, message, status, details } })

describeProvider('gemini', {
  create: (server, deps) => fromModule(gemini, { apiKey, baseUrl: server.href }, deps),
  acceptsBaseUrl: (baseUrl) => gemini.config.safeParse({ baseUrl }).success,
  secrets: [apiKey],
  headers: { 'content-type': 'text/event-stream' },
  text: [answer([{ text: 'Hello' }]), answer([{ text: ', world.' }]), answer([{ text: '' }], { finishReason: 'STOP' })],
  firstText: 1,
  calls: [
    answer([{ functionCall: { name: 'first', args: { a: 1 } }, thoughtSignature: 'EpEg' }, { functionCall: { name: 'second', args: {} } }]),
    answer([], { finishReason: 'STOP' }),
  ],
  nonsense: 'data: {"candidates": [\n\n',
  faults: [
    { kind: 'auth', status: 400, body: error(400, 'INVALID_ARGUMENT', 'API key not valid. %ECHO%', [{ reason: 'API_KEY_INVALID' }]) },
    { kind: 'auth', status: 401, body: error(401, 'UNAUTHENTICATED', 'Request had invalid credentials %ECHO%') },
    { kind: 'auth', status: 403, body: error(403, 'PERMISSION_DENIED', 'Blocked %ECHO%') },
    { kind: 'rate-limit', status: 429, body: error(429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota %ECHO%') },
    { kind: 'overloaded', status: 503, body: error(503, 'UNAVAILABLE', 'The model is overloaded %ECHO%') },
    {
      kind: 'context-too-long',
      status: 400,
      body: error(400, 'INVALID_ARGUMENT', 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576). %ECHO%'),
    },
    { kind: 'network', status: 500, body: error(500, 'INTERNAL', 'An internal error has occurred %ECHO%') },
    { kind: 'network', status: 502, body: '<html>%ECHO%</html>' },
    { kind: 'bad-request', status: 404, body: error(404, 'NOT_FOUND', 'models/alpha is not found %ECHO%') },
    { kind: 'bad-request', status: 400, body: error(400, 'INVALID_ARGUMENT', 'Invalid value %ECHO%') },
  ],
  listing: JSON.stringify({
    models: [
      { name: 'models/alpha', inputTokenLimit: 1_048_576, supportedGenerationMethods: ['generateContent', 'countTokens'] },
      { name: 'models/embed', supportedGenerationMethods: ['embedContent'] },
      { name: 'models/beta', supportedGenerationMethods: ['generateContent'] },
    ],
  }),
})
