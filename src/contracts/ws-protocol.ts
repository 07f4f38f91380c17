/**
 * WebSocket protocol 3: frames, limits and close codes. `{type:"req",id,method,params?}` → `{type:"res",id,ok,payload|error}`; `{type:"event",event,payload,seq}`.
 * After the upgrade (which already needs the token) the server sends event `connect.challenge {nonce, ts}`, the client answers with request `connect`, and its response
 * payload is `hello-ok`. Requests of one connection run concurrently.
 */
import * as z from 'zod'

export const PROTOCOL_VERSION = 3

export const wsLimits = {
  /** Bytes of one frame from a client; more closes with 1009. */
  maxPayload: 512 * 1024 + 4096,
  policyPayload: 512 * 1024,
  /** Bytes of one event to clients; a larger one is replaced by a truncation marker. */
  maxBroadcastPayload: 1024 * 1024,
  /** Bytes that may wait for a slow client before it is closed with 1008. */
  maxBufferedBytes: 1536 * 1024,
  /** Milliseconds for the handshake. */
  handshakeMs: 10_000,
  tickIntervalMs: 30_000,
  /** Frames a second, and burst; three strikes close with 1008. */
  messageRate: 60,
  messageBurst: 120,
  jsonDepth: 32,
  maxInFlight: 64,
} as const

export const closeCodes = { normal: 1000, protocol: 1002, policy: 1008, tooBig: 1009, restart: 1012 } as const

export const requestFrame = z.strictObject({
  type: z.literal('req'),
  id: z.string().min(1).max(128),
  method: z.string().min(1).max(128),
  params: z.unknown().optional(),
})
export type RequestFrame = z.infer<typeof requestFrame>

export const errorBody = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  details: z.unknown().optional(),
})
export type ErrorBody = z.infer<typeof errorBody>

export const responseFrame = z.object({
  type: z.literal('res'),
  id: z.string(),
  ok: z.boolean(),
  payload: z.unknown().optional(),
  error: errorBody.optional(),
})

export const eventFrame = z.object({ type: z.literal('event'), event: z.string(), payload: z.unknown(), seq: z.number() })

export const serverFrame = z.discriminatedUnion('type', [responseFrame, eventFrame])

export const connectParams = z.object({
  minProtocol: z.int(),
  maxProtocol: z.int(),
  client: z.object({
    id: z.enum([
      'webchat-ui',
      'carapace-control-ui',
      'webchat',
      'cli',
      'gateway-client',
      'carapace-macos',
      'carapace-ios',
      'carapace-android',
      'node-host',
      'test',
      'fingerprint',
      'carapace-probe',
    ]),
    version: z.string().max(64),
    platform: z.string().max(64),
    mode: z.enum(['webchat', 'cli', 'ui', 'backend', 'node', 'probe', 'test']),
  }),
  role: z.literal('operator').default('operator'),
  /** What the client wishes; the server grants at most what its credential holds. Absent means all of that, `[]` none. */
  scopes: z.array(z.string().max(64)).max(16).optional(),
  /** A device proves that it holds its key: `connectText` signed, over the nonce of the challenge. */
  device: z
    .object({
      id: z.string().max(64),
      publicKey: z.string().max(64),
      signature: z.string().max(128),
      signedAt: z.number(),
      nonce: z.string().max(128),
    })
    .optional(),
  /** Of a device: its token, which the signature covers. */
  auth: z.object({ token: z.string().max(512) }).optional(),
  /** Events it wants; absent means all. `connect.challenge`, `shutdown` and `state.drop` always come. */
  events: z.array(z.string().max(64)).max(32).optional(),
})

/** Events that a connection may receive. `agent` carries `{runId, stream, data}`, `chat` carries `{runId, sessionKey, state, …}`, `approval` carries `{approvals}`. */
export const eventNames = [
  'connect.challenge',
  'agent',
  'chat',
  'approval',
  'cron',
  'task',
  'tick',
  'health',
  'shutdown',
  'logs',
  'device.pair.requested',
  'device.pair.resolved',
  'state.drop',
] as const
