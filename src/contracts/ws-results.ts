/**
 * What WebSocket methods answer and what events carry, shared by the gateway and its clients. Above each result: the method's parameters. Unknown members are
 * allowed everywhere, so that an older client understands a newer gateway.
 */
import * as z from 'zod'
import { messagePurposes } from './audit.ts'
import { isErrorCode } from './errors.ts'
import type { JsonValue } from './json.ts'
import { outboxStatuses } from './outbox.ts'

/** Comes out of `JSON.parse`, so it is JSON by construction. */
const json = z.custom<JsonValue>((value) => value !== undefined, 'expected a JSON value')

const usage = z.object({
  inputTokens: z.number(),
  outputTokens: z.number(),
  cacheReadTokens: z.number(),
  cacheWriteTokens: z.number(),
  reasoningTokens: z.number(),
})

const errorCode = z.string().refine(isErrorCode)

const toolOutcome = z.object({ callId: z.string(), tool: z.string(), input: json, output: z.string(), isError: z.boolean(), ms: z.number() })

/** `TurnResult` as it travels. */
export const turnResult = z.object({
  turnId: z.string(),
  sessionKey: z.string().nullable(),
  status: z.enum(['completed', 'failed', 'cancelled']),
  text: z.string(),
  finishReason: z.enum(['stop', 'length', 'tool-calls', 'refused']),
  clientToolCalls: z.array(z.object({ type: z.literal('tool-call'), callId: z.string(), tool: z.string(), input: json })),
  toolCalls: z.array(toolOutcome),
  model: z.string(),
  usage,
  /** US dollars, or null where no price is known. */
  costUsd: z.number().nullable(),
  stoppedBy: z.enum(['steps', 'output-tokens', 'wall-clock', 'tool-time', 'money', 'calls', 'repeated-call']).optional(),
  error: z.object({ code: errorCode, message: z.string(), hint: z.string().optional(), retryAfterMs: z.number().optional() }).optional(),
  durationMs: z.number(),
})

const defaultModel = z.object({
  /** `provider:model`, a route's name, or null when there is none. */
  name: z.string().nullable(),
  source: z.enum(['config', 'environment', 'probe', 'demo', 'none']),
  demo: z.boolean(),
})

/** `health {}`, and event `health` when readiness changes. */
export const healthResult = z.object({
  status: z.enum(['ok', 'degraded']),
  version: z.string(),
  uptimeSeconds: z.number(),
  /** Why the gateway is not ready; empty when it is. */
  notReady: z.array(z.string()),
})

/** `status {}` */
export const statusResult = healthResult.extend({
  startedAt: z.number(),
  activeTurns: z.number(),
  queuedTurns: z.number(),
  finishedTurns: z.number(),
  model: defaultModel,
  sessions: z.number(),
  /** WebSocket connections that finished the handshake. */
  connections: z.number(),
  databaseBytes: z.number(),
})

const hold = z.object({ rule: z.string(), why: z.string(), evidence: z.string() })
const unlock = z.enum(['once', 'session', 'destination', 'always'])

/** A question to the owner. `hash` goes back with the answer. */
export const approvalView = z.object({
  id: z.string(),
  runId: z.string(),
  sessionKey: z.string().nullable(),
  group: z.string(),
  tool: z.string(),
  input: json,
  binding: json,
  hash: z.string(),
  effect: z.enum(['read', 'write', 'egress', 'irreversible']),
  destinations: z.array(z.string()),
  /** What the tool says about the call: one fact on each line. */
  shown: z.array(z.string()),
  holds: z.array(hold),
  unlocks: z.array(unlock),
  status: z.enum(['pending', 'allowed', 'denied', 'expired', 'cancelled']),
  /** Milliseconds since the epoch. */
  createdAt: z.number(),
  expiresAt: z.number(),
  decision: z.object({ at: z.number(), by: z.string(), door: z.string(), unlock: unlock.nullable(), input: json, note: z.string().nullable() }).nullable(),
})

/**
 * `chat.send {message, idempotencyKey, sessionKey|key, model?, wait?}`. With `wait: true` it answers when the turn has ended, and `result` is there; or when it waits for the owner,
 * with `approvals` in the place of `result`: `agent.wait` waits on.
 */
export const chatSendResult = z.object({
  runId: z.string(),
  sessionKey: z.string().nullable(),
  status: z.enum(['started', 'queued', 'repeated']),
  result: turnResult.optional(),
  approvals: z.array(approvalView).optional(),
})

/** `agent {message, idempotencyKey, sessionKey?, model?}`: without `sessionKey` the turn is stateless. */
export const agentResult = z.object({ runId: z.string(), sessionKey: z.string().nullable(), status: z.literal('accepted') })

/**
 * `agent.wait {runId, timeoutMs?, untilEnd?}` (at most 600,000; 30,000 by default). `error` also stands for a cancelled turn: see `result.status`. `waiting`: the turn waits for the
 * owner to answer `approvals`. It is told at once, also where the turn waits already; with `untilEnd: true` it is not told, and the call goes on waiting for the end.
 */
export const agentWaitResult = z.object({
  runId: z.string(),
  status: z.enum(['ok', 'error', 'timeout', 'waiting']),
  result: turnResult.optional(),
  approvals: z.array(approvalView).optional(),
})

/** One message as clients show it. Text and reasoning are joined; images are counted, their data stays in the store. */
export const historyMessage = z.object({
  id: z.number(),
  runId: z.string().nullable(),
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  text: z.string(),
  reasoning: z.string().optional(),
  images: z.number().optional(),
  toolCalls: z.array(z.object({ callId: z.string(), tool: z.string(), input: json })).optional(),
  toolResults: z.array(z.object({ callId: z.string(), tool: z.string(), output: z.string(), isError: z.boolean() })).optional(),
  /** Milliseconds since the epoch. */
  at: z.number(),
  /** Parts of the text were left out because the message is longer than an answer may be. */
  truncated: z.boolean().optional(),
})

/** `chat.history {sessionKey|key, limit?, beforeId?}`: the newest messages, oldest first (50 by default, at most 1,000). `more`: older ones exist. */
export const chatHistoryResult = z.object({ sessionKey: z.string(), messages: z.array(historyMessage), more: z.boolean() })

/** `chat.abort {runId} | {sessionKey|key}`, `reason?` */
export const chatAbortResult = z.object({ aborted: z.number() })

export const sessionInfo = z.object({
  id: z.string(),
  key: z.string(),
  title: z.string().nullable(),
  model: z.string().nullable(),
  messageCount: z.number(),
  createdAt: z.number(),
  lastActivityAt: z.number(),
})

/** `sessions.list {limit?, offset?, search?}` (100 by default, at most 1,000; newest activity first) */
export const sessionsListResult = z.object({ sessions: z.array(sessionInfo), total: z.number() })

/** `sessions.preview {keys (at most 100), limit?, maxChars?}` (5 messages of 200 characters by default) */
export const sessionsPreviewResult = z.object({
  items: z.array(
    z.object({
      key: z.string(),
      status: z.enum(['ok', 'empty', 'missing']),
      messages: z.array(z.object({ role: z.enum(['system', 'user', 'assistant', 'tool']), text: z.string(), at: z.number() })),
    }),
  ),
})

/** `sessions.create {key?, title?, model?}` (without `key` one is made; `session/exists` when it is taken), `sessions.rename {key, newKey?, title?, model?}` (`model: null` goes back to the default) */
export const sessionResult = z.object({ session: sessionInfo })

/** `sessions.reset {key}` forgets the messages; running turns are cancelled first. */
export const sessionsResetResult = z.object({ key: z.string(), reset: z.literal(true) })

/** `sessions.delete {key}`; running turns are cancelled first. */
export const sessionsDeleteResult = z.object({ key: z.string(), deleted: z.boolean() })

/**
 * `sessions.export {key, beforeId?}`: one page of whole messages, newest page first, oldest message first inside it. Ask again with `beforeId: nextBeforeId` until that is
 * null, and put earlier pages in front.
 */
export const sessionsExportResult = z.object({
  session: sessionInfo,
  entries: z.array(z.object({ id: z.number(), turnId: z.string().nullable(), at: z.number(), message: json })),
  nextBeforeId: z.number().nullable(),
})

/** `models.list {}` */
export const modelsListResult = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(['model', 'route']),
      provider: z.string(),
      contextTokens: z.number().optional(),
      price: z.object({ input: z.number(), output: z.number() }).optional(),
    }),
  ),
  default: defaultModel,
})

/** `config.get {key?}`: the whole configuration or one dotted path; secrets are `[secret]`. */
export const configGetResult = z.object({ value: json, hash: z.string().nullable(), file: z.string() })

/** `config.schema {}`: JSON Schema of the file. */
export const configSchemaResult = z.object({ schema: json })

/** `logs.tail {limit?, follow?}` (200 lines by default, at most 5,000). With `follow: true` new lines come as `logs` events until `logs.unfollow {}` or the end of the connection. */
export const logsTailResult = z.object({ lines: z.array(z.string()), following: z.boolean() })
/** `messages.list` */
export const messagesListResult = z.object({
  destinations: z.array(z.object({ name: z.string(), kind: z.string(), format: z.string(), host: z.string(), signed: z.boolean(), keyed: z.boolean() })),
})

/** `messages.test {to}`: delivers a fixed text, or fails with `message/…`. `queued`: an attempt failed (`why`), and is made again. */
export const messagesTestResult = z.object({
  to: z.string(),
  id: z.string(),
  host: z.string(),
  status: z.enum(['sent', 'queued']),
  why: z.string().nullable(),
  ms: z.number(),
})

/** A message on its way out, all parts together. `key`: as receipts name it; `dueAt`: of the next attempt; `why`: what did not work last. */
export const outboxMessage = z.object({
  id: z.string(),
  key: z.string(),
  to: z.string(),
  purpose: z.enum(messagePurposes),
  status: z.enum(outboxStatuses),
  runId: z.string().nullable(),
  sessionKey: z.string().nullable(),
  parts: z.number(),
  sentParts: z.number(),
  attempts: z.number(),
  mayRepeat: z.boolean(),
  why: z.string().nullable(),
  bytes: z.number(),
  createdAt: z.number(),
  expiresAt: z.number(),
  dueAt: z.number().nullable(),
  settledAt: z.number().nullable(),
})

/** `outbox.list {status?, to?, limit?}`: newest first (50 by default, at most 1,000). `paused`: destinations that are left alone until then. */
export const outboxListResult = z.object({ messages: z.array(outboxMessage), paused: z.array(z.object({ to: z.string(), until: z.number() })) })

/** `outbox.get {id}`: with the texts of the parts that are still kept. */
export const outboxGetResult = z.object({ message: outboxMessage, texts: z.array(z.string()) })

/** `outbox.retry {ids} | {to}`, `outbox.drop {ids}`: the messages as they are then. */
export const outboxMessagesResult = z.object({ messages: z.array(outboxMessage) })

export const logsUnfollowResult = z.object({ following: z.literal(false) })

/** `usage.status {by?, days?}`: `day` (default), `model` or `session`; the last 30 days by default. */
export const usageStatusResult = z.object({
  by: z.enum(['day', 'model', 'session']),
  since: z.number(),
  rows: z.array(z.object({ group: z.string(), turns: z.number(), usage, costUsd: z.number(), unpricedTurns: z.number() })),
  totals: z.object({ turns: z.number(), usage, costUsd: z.number(), unpricedTurns: z.number() }),
})

export const clusterNode = z.object({
  id: z.string(),
  host: z.string(),
  pid: z.number(),
  url: z.string(),
  version: z.string(),
  schema: z.number(),
  /** Of the answering one: the same, or another; what differs by nature (address, port, folders) left aside. */
  sameConfig: z.boolean(),
  alive: z.boolean(),
  draining: z.boolean(),
  /** Turns that it holds. */
  turns: z.number(),
  /** Milliseconds since its last sign of life. */
  lagMs: z.number(),
  startedAt: z.number(),
})
/** `self` is null where the store is shared with nobody. */
export const clusterStatusResult = z.object({ self: z.string().nullable(), nodes: z.array(clusterNode) })
export const clusterDrainResult = z.object({ id: z.string(), draining: z.boolean() })

/** The answer to `connect`. */
export const helloOk = z.object({
  type: z.literal('hello-ok'),
  protocol: z.number(),
  server: z.object({ version: z.string(), connId: z.string() }),
  features: z.object({ methods: z.array(z.string()), events: z.array(z.string()) }),
  snapshot: z.object({ health: healthResult, uptimeMs: z.number() }),
  auth: z.object({ role: z.literal('operator'), scopes: z.array(z.string()) }),
  policy: z.object({ maxPayload: z.number(), maxBroadcastPayload: z.number(), maxBufferedBytes: z.number(), tickIntervalMs: z.number() }),
})

/** `turnSeq`: the number of the event within its turn, where events are kept. */
const run = { runId: z.string(), sessionKey: z.string().nullable(), turnSeq: z.number().optional() }
const truncated = z.object({ truncated: z.literal(true), bytes: z.number() })

/** Event `agent`: what a turn does, in order; ends with `complete`, `error` or `cancelled`. A payload over the limit has `data: {truncated: true, bytes}`. */
export const agentEvent = z.discriminatedUnion('stream', [
  z.object({ ...run, stream: z.literal('started'), data: z.object({ model: z.string(), demo: z.boolean() }) }),
  z.object({ ...run, stream: z.literal('text'), data: z.object({ delta: z.string() }).or(truncated) }),
  z.object({ ...run, stream: z.literal('reasoning'), data: z.object({ delta: z.string() }).or(truncated) }),
  z.object({ ...run, stream: z.literal('tool_use'), data: z.object({ callId: z.string(), tool: z.string(), input: json }).or(truncated) }),
  z.object({ ...run, stream: z.literal('tool_result'), data: toolOutcome.or(truncated) }),
  z.object({ ...run, stream: z.literal('model_switched'), data: z.object({ from: z.string(), to: z.string(), reason: z.string() }) }),
  z.object({ ...run, stream: z.literal('model_retried'), data: z.object({ model: z.string(), reason: z.string(), waitMs: z.number() }) }),
  /** The turn waits for the owner; `started` comes again when it goes on. */
  z.object({ ...run, stream: z.literal('approval'), data: z.object({ approvals: z.array(approvalView) }).or(truncated) }),
  z.object({ ...run, stream: z.enum(['complete', 'error', 'cancelled']), data: z.object({ result: turnResult }).or(truncated) }),
])
/** The answer to `agent.resume`: what came after `afterSeq`, as far as it is kept; then ask again where there is `more`, and hear what comes (events with a larger `turnSeq`). */
export const agentResumeResult = z.object({
  runId: z.string(),
  events: z.array(agentEvent),
  seq: z.number(),
  more: z.boolean(),
  status: z.enum(['open', 'ended']),
})
export type AgentEvent = z.infer<typeof agentEvent>

/** Event `chat`: the same turn for clients that only show text. */
export const chatEvent = z.union([
  z.object({ ...run, state: z.enum(['delta', 'final', 'aborted', 'error']), truncated: z.literal(true), bytes: z.number() }),
  z.discriminatedUnion('state', [
    z.object({ ...run, state: z.literal('delta'), delta: z.string() }),
    z.object({ ...run, state: z.literal('final'), text: z.string(), model: z.string(), usage, costUsd: z.number().nullable() }),
    z.object({ ...run, state: z.literal('aborted'), text: z.string() }),
    z.object({ ...run, state: z.literal('error'), error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }) }),
  ]),
])
export type ChatEvent = z.infer<typeof chatEvent>

/** Event `logs`: lines as they are written; `dropped` counts those that came too fast to send. */
export const logsEvent = z.object({ lines: z.array(z.string()), dropped: z.number() })
/** Event `tick`. */
export const tickEvent = z.object({ ts: z.number() })
/** Event `shutdown`, just before the connection closes with 1012. */
export const shutdownEvent = z.object({ reason: z.string() })
/** Event `state.drop`: events were left out because the client reads too slowly. */
export const stateDropEvent = z.object({ dropped: z.number(), event: z.string(), reason: z.string() })

/** `approvals.list {status?, sessionKey?, limit?}`: pending ones by default, oldest first. Event `approval {approvals}` when some are asked or decided. */
export const approvalsListResult = z.object({ approvals: z.array(approvalView), total: z.number() })

/** `approvals.get {id}` */
export const approvalsGetResult = z.object({ approval: approvalView })

/** `approvals.resolve {answers: [{id, hash, decision: allow|deny, unlock?, input?, note?}]}`: all of them or none. Scope `operator.approvals`. */
export const approvalsResolveResult = z.object({ approvals: z.array(approvalView) })

/** `approvals.grants {}`: standing words of the owner. `approvals.revoke {id}` takes one back at once. */
export const grantsListResult = z.object({
  grants: z.array(
    z.object({
      id: z.string(),
      unlock: z.enum(['session', 'destination', 'always']),
      tool: z.string(),
      sessionKey: z.string().nullable(),
      values: z.array(z.string()),
      shape: z.string().nullable(),
      approvalId: z.string(),
      createdAt: z.number(),
    }),
  ),
})
export const grantsRevokeResult = z.object({ id: z.string(), revoked: z.boolean() })

/** `approvals.apply {hash}`: makes the grants of the proposal that has this hash, all or none. */
export const proposalApplyResult = z.object({ grants: z.array(z.object({ id: z.string(), unlock: z.string(), tool: z.string() })) })

/** `approvals.proposal {}`: what shadow mode let pass that would have been held, and the fewest grants that cover it. */
export const proposalResult = z.object({
  calls: z.number(),
  hash: z.string(),
  proposals: z.array(
    z.object({ tool: z.string(), unlock: z.enum(['destination', 'always']), values: z.array(z.string()), shape: z.string().nullable(), covers: z.number() }),
  ),
})

/** `why {id}`: the id of a refusal, an approval, a turn or an effect; the newest refusals without one. */
export const whyResult = z.object({
  refusals: z.array(
    z.object({
      id: z.string(),
      runId: z.string().nullable(),
      sessionKey: z.string().nullable(),
      checkpoint: z.string(),
      rule: z.string(),
      tool: z.string().nullable(),
      why: z.string(),
      evidence: z.string().nullable(),
      hint: z.string().nullable(),
      at: z.number(),
    }),
  ),
  approvals: z.array(approvalView),
})

/** `turns.list {limit?, sessionKey?, open?}`, newest first; `open`: only those that have not ended. `left`: nobody carries it on. `fence`: how often somebody took it. */
export const turnView = z.object({
  runId: z.string(),
  sessionKey: z.string().nullable(),
  door: z.string(),
  /** Milliseconds since the epoch. */
  acceptedAt: z.number(),
  state: z.enum(['queued', 'running', 'waiting', 'left', 'completed', 'failed', 'cancelled']),
  fence: z.number(),
  /** Questions to the owner that wait. */
  questions: z.number(),
  /** When it goes on by itself, where it waits for a moment. */
  wakesAt: z.number().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  model: z.string(),
  durationMs: z.number().nullable(),
})
export const turnsListResult = z.object({ turns: z.array(turnView) })

/**
 * `turns.get {runId}`: the journal, oldest first. `asked` and `answered` are messages, `began` is a call that is about to run, `returned` what it answered, `replied` the end. Texts of
 * more than 4,000 characters are cut.
 */
export const turnLine = z.object({
  kind: z.enum(['asked', 'answered', 'began', 'returned', 'replied']),
  at: z.number(),
  text: z.string(),
  calls: z.array(z.object({ callId: z.string(), tool: z.string(), input: z.string().optional(), effectId: z.string().optional() })),
  results: z.array(z.object({ callId: z.string(), tool: z.string(), output: z.string(), isError: z.boolean() })),
})
export const turnsGetResult = z.object({ turn: turnView, lines: z.array(turnLine), approvals: z.array(approvalView) })

/** `turns.resume {runId}`: goes on with what failed, was cancelled or was left. `turns.cancel {runId, reason?}`: false where it had ended. */
export const turnsResumeResult = z.object({ turn: turnView })
export const turnsCancelResult = z.object({ runId: z.string(), cancelled: z.boolean() })

const callVerdict = z.object({ kind: z.enum(['ran', 'asked', 'refused']), rules: z.array(z.string()) })
/**
 * `turns.replay {runId}`: the turn again from its journal, under the rules of now, without effect. `now: null`: the call was not made again. `requests` to a model, of which `compared` had
 * left a hash.
 */
export const turnsReplayResult = z.object({
  runId: z.string(),
  calls: z.array(z.object({ callId: z.string(), tool: z.string(), before: callVerdict, now: callVerdict.nullable() })),
  requests: z.number(),
  compared: z.number(),
  differences: z.array(z.object({ kind: z.enum(['call', 'request', 'reply', 'end']), what: z.string(), before: z.string(), now: z.string() })),
  notes: z.array(z.string()),
})

/** `undo.list {limit?, runId?}`, newest first; `undo.apply {id, force?}`: `force` also overwrites what was changed since. */
export const undoStep = z.object({
  id: z.string(),
  runId: z.string(),
  sessionKey: z.string().nullable(),
  tool: z.string(),
  summary: z.string(),
  at: z.number(),
  undoneAt: z.number().nullable(),
})
export const undoListResult = z.object({ steps: z.array(undoStep) })
export const undoApplyResult = z.object({ step: undoStep })

/** `db.prune {}`: forgets what `retention` says; rows that went, by table. */
export const dbPruneResult = z.object({ forgotten: z.record(z.string(), z.number()) })

/** `data.show {key}`: what is kept about a conversation. */
export const dataShowResult = z.object({ key: z.string(), rows: z.record(z.string(), z.number()), notes: z.array(z.string()) })
/** `data.export {key, kind, offset}`: a page of it. */
export const dataExportResult = z.object({ rows: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.null()]))), next: z.number().nullable() })
/** `data.erase {key}`: all of it, for good. */
export const dataEraseResult = z.object({ key: z.string(), notes: z.array(z.string()), copies: z.number() })

/** `auth.rotate {}`: the new token of the gateway. The old one opens nothing more, and connections that came by it close, this one too if it did. */
export const authRotateResult = z.object({ token: z.string() })

/** `device.pair.list {}`: who asks to be admitted. `scopes` are what it wishes. Event `device.pair.requested` when one asks. */
export const pairListResult = z.object({
  requests: z.array(
    z.object({
      requestId: z.string(),
      deviceId: z.string(),
      fingerprint: z.string(),
      name: z.string(),
      scopes: z.array(z.string()),
      address: z.string(),
      requestedAt: z.number(),
      expiresAt: z.number(),
    }),
  ),
})

export const deviceView = z.object({
  id: z.string(),
  name: z.string(),
  fingerprint: z.string(),
  scopes: z.array(z.string()),
  status: z.enum(['paired', 'unclaimed', 'revoked']),
  tokenExpiresAt: z.number().nullable(),
  claimUntil: z.number().nullable(),
  approvedBy: z.string(),
  createdAt: z.number(),
  lastUsedAt: z.number().nullable(),
  revokedAt: z.number().nullable(),
})

/**
 * `device.pair.approve {requestId, scopes?}` (without `scopes`: reading and writing, as far as it wishes them; `[]` is none), `device.token.rotate {deviceId}` (its token ends, and it
 * may fetch another with its signature) and `device.token.revoke {deviceId}` (it is a stranger again). Nobody grants or takes away a scope that he lacks.
 */
export const deviceResult = z.object({ device: deviceView })

/** `device.pair.reject {requestId}`. Event `device.pair.resolved {requestId, deviceId, decision, ts}` after either. */
export const pairRejectResult = z.object({ requestId: z.string(), deviceId: z.string() })

/** `device.list {}` */
export const deviceListResult = z.object({ devices: z.array(deviceView) })

const jobSchedule = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('at'), at: z.number() }),
  z.object({ kind: z.literal('every'), everyMs: z.number(), anchorAt: z.number() }),
  z.object({ kind: z.literal('cron'), expression: z.string(), timeZone: z.string() }),
])

export const jobCondition = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('between'), from: z.string(), to: z.string() }),
  z.object({ kind: z.literal('note'), key: z.string() }),
  z.object({ kind: z.literal('file'), path: z.string() }),
  z.object({ kind: z.literal('page'), url: z.string() }),
])

export const jobView = z.object({
  id: z.string(),
  name: z.string(),
  schedule: jobSchedule,
  kind: z.enum(['task', 'heartbeat']),
  prompt: z.string(),
  /** Whose words the prompt is; only the owner's count as his. */
  author: z.enum(['owner', 'peer', 'web', 'file', 'tool', 'plugin', 'model']),
  trusted: z.boolean(),
  sessionKey: z.string(),
  model: z.string().nullable(),
  missed: z.enum(['skip', 'once', 'all']),
  onlyIf: z.array(jobCondition),
  deliver: z.string().nullable(),
  status: z.enum(['waiting', 'paused', 'done']),
  pausedWhy: z.string().nullable(),
  nextAt: z.number().nullable(),
  createdAt: z.number(),
  updatedAt: z.number(),
})

export const jobRunView = z.object({
  jobId: z.string(),
  name: z.string(),
  dueAt: z.number(),
  status: z.enum(['running', 'sending', 'ok', 'failed', 'cancelled', 'skipped', 'missed']),
  runId: z.string().nullable(),
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  note: z.string().nullable(),
})

/** `cron.status {}` */
export const cronStatusResult = z.object({ enabled: z.boolean(), timeZone: z.string(), jobs: z.number(), running: z.number(), nextAt: z.number().nullable() })
/** `cron.list {}` */
export const cronListResult = z.object({ jobs: z.array(jobView), timeZone: z.string() })
/** `cron.get {name}`: by name or id, with its next instants. */
export const cronGetResult = z.object({ job: jobView, upcoming: z.array(z.number()), timeZone: z.string() })
/**
 * `cron.add {name, prompt, schedule: {at | every | cron, timeZone?}, kind?, sessionKey?, model?, missed?, onlyIf?, deliver?}`, `cron.update {name, …, enabled?}`: what is not named stays;
 * `cron.remove {name}`. Event `cron {action, job, run}` when something happens to a job.
 */
export const cronJobResult = z.object({ job: jobView })
/** `cron.run {name}`: at once, beside its schedule. */
export const cronRunResult = z.object({ run: jobRunView })
/** `cron.runs {name?, limit?}`, newest first. */
export const cronRunsResult = z.object({ runs: z.array(jobRunView), timeZone: z.string() })
export const cronEvent = z.object({
  action: z.enum(['added', 'updated', 'removed', 'paused', 'resumed', 'started', 'finished', 'skipped', 'missed']),
  job: jobView,
  run: jobRunView.nullable(),
})
