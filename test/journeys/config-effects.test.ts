/** The gate: every key of the configuration has a test that sees its effect. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { sections } from '../../src/app/load-settings.ts'
import { listKeys, placeOf } from '../../src/config/places.ts'
import { composeSchema } from '../../src/config/schema.ts'

const AGENT = 'test/journeys/config-effects-agent.test.ts'
const BUDGETS = 'test/journeys/agent.test.ts'
const GATEWAY = 'test/journeys/config-effects-gateway.test.ts'
const APPROVALS = 'test/journeys/config-effects-approvals.test.ts'
const PROVIDERS = 'test/journeys/config-effects-providers.test.ts'
const MESSAGES = 'test/journeys/config-effects-messages.test.ts'
const CHAT = 'test/contracts/provider-openai-config.test.ts'
const SECRETS = 'test/security/named-secrets.test.ts'
const CLASSIFIER = 'test/security/text-classifier.test.ts'
const GUARD = 'test/journeys/config-effects-guard.test.ts'
const EXEC = 'test/journeys/config-effects-exec.test.ts'
const UNDO = 'test/security/undo.test.ts'
const RETENTION = 'test/journeys/config-effects-retention.test.ts'
const SCHEDULE = 'test/journeys/config-effects-schedule.test.ts'
const START = 'test/journeys/first-light.test.ts'

/** By key, the test that fails when its effect is taken away. */
const PROOFS: Readonly<Record<string, string>> = {
  'cron.enabled': SCHEDULE,
  'cron.timeZone': SCHEDULE,
  'cron.maxJobs': SCHEDULE,
  'cron.maxConcurrentRuns': SCHEDULE,
  'cron.keepRuns': SCHEDULE,
  'gateway.host': GATEWAY,
  'gateway.port': GATEWAY,
  'gateway.allowedHosts': GATEWAY,
  'gateway.allowedOrigins': GATEWAY,
  'gateway.maxBodyBytes': GATEWAY,
  'gateway.requestTimeoutMs': GATEWAY,
  'gateway.auth.tailscale.enabled': GATEWAY,
  'gateway.auth.tailscale.users': GATEWAY,
  'gateway.auth.tailscale.scopes': GATEWAY,
  'gateway.auth.tailscale.socket': GATEWAY,
  'gateway.drainMs': GATEWAY,
  'gateway.maxConnections': GATEWAY,
  'gateway.failedAuthLimit': GATEWAY,
  'gateway.trustedProxies': 'test/journeys/config-effects-gateway.test.ts',
  'agent.model': AGENT,
  'agent.systemPrompt': AGENT,
  'agent.temperature': AGENT,
  'agent.maxOutputTokens': AGENT,
  'agent.maxConcurrentTurns': AGENT,
  'agent.maxQueuedPerSession': AGENT,
  'agent.maxModelWaitMs': AGENT,
  'agent.budgets.maxSteps': AGENT,
  'agent.budgets.maxCalls': AGENT,
  'agent.budgets.maxOutputTokens': BUDGETS,
  'agent.budgets.maxTurnMs': BUDGETS,
  'agent.budgets.maxToolMs': BUDGETS,
  'agent.budgets.maxCostUsd': BUDGETS,
  'agent.context.windowTokens': AGENT,
  'agent.context.maxMessages': AGENT,
  'agent.context.keepMessages': AGENT,
  'routes.NAME.models': AGENT,
  'tools.policy': AGENT,
  'tools.list': AGENT,
  'approvals.mode': APPROVALS,
  'approvals.expireMs': APPROVALS,
  'approvals.holdConnectionMs': APPROVALS,
  'approvals.maxPending': APPROVALS,
  'filesystem.roots': AGENT,
  'filesystem.writeAccess': AGENT,
  'filesystem.excludePatterns': AGENT,
  'filesystem.maxReadBytes': AGENT,
  'exec.enabled': EXEC,
  'exec.sandbox': EXEC,
  'exec.backend': EXEC,
  'exec.workspace': EXEC,
  'exec.readFolders': EXEC,
  'exec.timeoutMs': EXEC,
  'exec.memoryMb': EXEC,
  'exec.maxProcesses': EXEC,
  'exec.maxOutputBytes': EXEC,
  'exec.maxFileMb': EXEC,
  'exec.maxDiskMb': EXEC,
  'approvals.notify': 'test/security/approval-notices.test.ts',
  'messages.destinations.NAME.kind': MESSAGES,
  'messages.destinations.NAME.url': MESSAGES,
  'messages.destinations.NAME.format': MESSAGES,
  'messages.destinations.NAME.secret': MESSAGES,
  'guard.injection': GUARD,
  'guard.classifier.mode': CLASSIFIER,
  'guard.classifier.model': CLASSIFIER,
  'guard.classifier.threshold': CLASSIFIER,
  'guard.classifier.timeoutMs': CLASSIFIER,
  'guard.classifier.onError': CLASSIFIER,
  'guard.classifier.breaker.failures': CLASSIFIER,
  'guard.classifier.breaker.resetMs': CLASSIFIER,
  'guard.linkHosts': GUARD,
  'guard.pii.mode': GUARD,
  'guard.pii.kinds': GUARD,
  'media.model': 'test/security/media.test.ts',
  'undo.maxBytes': AGENT,
  'undo.keepDays': UNDO,
  'usage.prices.NAME.inputPerMTok': AGENT,
  'usage.prices.NAME.outputPerMTok': AGENT,
  'usage.prices.NAME.cacheReadPerMTok': AGENT,
  'usage.prices.NAME.cacheWritePerMTok': AGENT,
  'logging.level': GATEWAY,
  'logging.maxFileBytes': GATEWAY,
  'store.url': 'test/journeys/cluster.test.ts',
  'store.synchronous': GATEWAY,
  'store.encrypt': 'test/security/sealed-texts.test.ts',
  'retention.conversationDays': RETENTION,
  'retention.messageDays': RETENTION,
  'retention.turnDays': RETENTION,
  'retention.statelessDays': RETENTION,
  'retention.usageDays': RETENTION,
  'retention.refusalDays': RETENTION,
  'retention.approvalDays': RETENTION,
  'retention.outboxDays': RETENTION,
  'audit.maxFileBytes': GATEWAY,
  'audit.keepFiles': GATEWAY,
  'secrets.NAME.value': SECRETS,
  'secrets.NAME.hosts': SECRETS,
  'secrets.NAME.header': SECRETS,
  'secrets.NAME.prefix': SECRETS,
  'providers.anthropic.apiKey': PROVIDERS,
  'providers.anthropic.baseUrl': PROVIDERS,
  'providers.openai.apiKey': CHAT,
  'providers.openai.baseUrl': CHAT,
  'providers.openai.organization': CHAT,
  'providers.openai.project': CHAT,
  'providers.gemini.apiKey': PROVIDERS,
  'providers.gemini.baseUrl': PROVIDERS,
  'providers.venice.apiKey': CHAT,
  'providers.venice.baseUrl': CHAT,
  'providers.venice.parameters': CHAT,
  'providers.bedrock.region': PROVIDERS,
  'providers.bedrock.accessKeyId': PROVIDERS,
  'providers.bedrock.secretAccessKey': PROVIDERS,
  'providers.bedrock.sessionToken': PROVIDERS,
  'providers.bedrock.bearerToken': PROVIDERS,
  'providers.bedrock.baseUrl': PROVIDERS,
  'providers.bedrock.promptCaching': PROVIDERS,
  'providers.ollama.baseUrl': CHAT,
  'providers.ollama.apiKey': PROVIDERS,
  'providers.ollama.contextTokens': AGENT,
  'providers.compatible.NAME.baseUrl': PROVIDERS,
  'providers.compatible.NAME.apiKey': PROVIDERS,
  'providers.compatible.NAME.contextTokens': AGENT,
  'providers.compatible.NAME.models': CHAT,
  'providers.demo.enabled': START,
}

test('every key of the configuration has a proof, and every proof a key', () => {
  const keys = listKeys(placeOf(composeSchema(sections))).map(({ path }) => path)
  assert.deepEqual(keys.toSorted(), Object.keys(PROOFS).toSorted())
})

test('the file that proves a key names it', () => {
  const texts = new Map(Object.values(PROOFS).map((file) => [file, readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')]))
  for (const [key, file] of Object.entries(PROOFS)) {
    const name = key.slice(key.lastIndexOf('.') + 1)
    assert.match(texts.get(file) ?? '', new RegExp(`\\b${name}\\b`), `${file} does not mention ${key}`)
  }
})
