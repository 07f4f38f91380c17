import { bedrock } from '../../src/providers/bedrock/module.ts'
import { frameOf } from '../golden/bedrock-frames.ts'
import { describeProvider, fromModule, type ProviderSetup } from './provider-contract.ts'

const event = (name: string, data: object): Uint8Array => frameOf({ event: name, data })
const delta = (contentBlockIndex: number, part: object): Uint8Array => event('contentBlockDelta', { contentBlockIndex, delta: part })
const call = (contentBlockIndex: number, toolUseId: string, name: string, ...inputs: readonly string[]): readonly Uint8Array[] => [
  event('contentBlockStart', { contentBlockIndex, start: { toolUse: { toolUseId, name } } }),
  ...inputs.map((input) => delta(contentBlockIndex, { toolUse: { input } })),
  event('contentBlockStop', { contentBlockIndex }),
]
const finish = (stopReason: string): readonly Uint8Array[] => [
  event('messageStop', { stopReason }),
  event('metadata', { usage: { inputTokens: 12, outputTokens: 5, totalTokens: 17 }, metrics: { latencyMs: 1 } }),
]
const failed = (kind: ProviderSetup['faults'][number]['kind'], status: number, type: string, message = 'Sorry') => ({
  kind,
  status,
  headers: { 'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/com.amazon.bedrock/` },
  body: JSON.stringify({ message: `${message} %ECHO%` }),
})

const wire = {
  acceptsBaseUrl: (baseUrl) => bedrock.config.safeParse({ baseUrl }).success,
  headers: { 'content-type': 'application/vnd.amazon.eventstream' },
  text: [
    event('messageStart', { role: 'assistant' }),
    delta(0, { text: 'Hello' }),
    delta(0, { text: ', world.' }),
    event('contentBlockStop', { contentBlockIndex: 0 }),
    ...finish('end_turn'),
  ],
  firstText: 2,
  calls: [
    event('messageStart', { role: 'assistant' }),
    ...call(0, 'tooluse_a', 'first', '{"a"', ':1}'),
    ...call(1, 'tooluse_b', 'second', ''),
    ...finish('tool_use'),
  ],
  nonsense: 'data: this is no event stream\n\n',
  faults: [
    failed('auth', 403, 'AccessDeniedException'),
    failed('auth', 403, 'UnrecognizedClientException', 'The security token included in the request is invalid.'),
    failed('auth', 403, 'InvalidSignatureException', "The signature does not match.\n\nThe Canonical String for this request should have been\n'POST"),
    failed('rate-limit', 429, 'ThrottlingException', 'Too many tokens, please wait before trying again.'),
    failed('overloaded', 503, 'ServiceUnavailableException'),
    failed('context-too-long', 400, 'ValidationException', 'Input is too long for requested model.'),
    failed('network', 500, 'InternalServerException'),
    failed('bad-request', 400, 'ValidationException'),
    failed('bad-request', 404, 'ResourceNotFoundException'),
    { kind: 'network', status: 502, body: '<html>%ECHO%</html>' },
  ],
  // One address answers for both lists.
  listing: JSON.stringify({
    modelSummaries: [
      { modelId: 'alpha', inferenceTypesSupported: ['ON_DEMAND'], responseStreamingSupported: true },
      { modelId: 'only.by.profile', inferenceTypesSupported: ['INFERENCE_PROFILE'], responseStreamingSupported: true },
    ],
    inferenceProfileSummaries: [{ inferenceProfileId: 'beta', status: 'ACTIVE', type: 'SYSTEM_DEFINED' }],
  }),
} satisfies Partial<ProviderSetup>

const keys = {
  accessKeyId: 'AKIA0123456789ABCDEF',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: 'IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQ==',
}
const bearerToken = 'ABSKQmVkcm9ja0FQSUtleS0wMTIzNDU2Nzg5YWJjZGVm'

describeProvider('bedrock with signatures', {
  ...wire,
  secrets: Object.values(keys),
  create: (server, deps) => fromModule(bedrock, { ...keys, region: 'eu-central-1', baseUrl: server.href }, deps),
})

describeProvider('bedrock with a key of its own', {
  ...wire,
  secrets: [bearerToken],
  create: (server, deps) => fromModule(bedrock, { bearerToken, region: 'eu-central-1', baseUrl: server.href }, deps),
})
