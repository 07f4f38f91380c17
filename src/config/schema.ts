/**
 * The core sections of the configuration. `providers` is composed from the registry by `app/`, one section per module. Every key has a description (docs and the
 * example file are generated from it), a default where one makes sense, and an effect that a test sees.
 */
import { isAbsolute } from 'node:path'
import * as z from 'zod/mini'
import { isTimeZone } from '../std/time-zone.ts'
import { isAddressRange } from '../std/address-range.ts'
import type { EnvTable } from '../contracts/adapter.ts'
import { described, optional, withDefault } from '../contracts/fields.ts'
import { SECRET_NAME } from '../contracts/named-secret.ts'
import { type Secret, secretSchema } from '../contracts/secret.ts'
import { readPostUrl } from '../std/base-url.ts'

const modelName = described(
  z.string().check(z.regex(/^[a-z0-9-]+:.+$/, 'expected `provider:model`, for example `openai:gpt-5.5`')),
  'A model as `provider:model`',
)
const texts = z.array(z.string())
const atLeast = (least: number) => z.int().check(z.gte(least))
const between = (least: number, most: number) => z.int().check(z.gte(least), z.lte(most))
const KIB = 1024
const MIB = 1024 * KIB

const grantable = z.enum(['operator.read', 'operator.write', 'operator.approvals', 'operator.pairing', 'operator.admin'])
const tailscaleSection = z.strictObject({
  enabled: withDefault(
    z.boolean(),
    false,
    'Whether people whom `tailscale serve` names are believed, where the Tailscale daemon of this machine confirms them (Linux)',
  ),
  users: withDefault(texts, [], 'Who: login names as Tailscale shows them, for example `me@example.com`'),
  scopes: withDefault(z.array(grantable), ['operator.read', 'operator.write'], 'What they may do'),
  socket: withDefault(z.string(), '/var/run/tailscale/tailscaled.sock', 'Socket of the Tailscale daemon'),
})
const authSection = z.strictObject({ tailscale: z.prefault(tailscaleSection, {}) })

const addressRange = z.string().check(z.refine(isAddressRange, 'this must be an address or a range like 10.0.0.0/8'))
const gatewaySection = z.strictObject({
  host: withDefault(z.string(), '127.0.0.1', 'Address to listen on. Anything but loopback also needs `allowedHosts`'),
  port: withDefault(between(0, 65_535), 18_789, 'TCP port; 0 lets the system choose'),
  allowedHosts: withDefault(texts, [], 'Host names, beside loopback ones, under which the gateway answers'),
  allowedOrigins: withDefault(texts, [], 'Browser origins, beside our own, that may call the gateway'),
  maxBodyBytes: withDefault(between(KIB, 64 * MIB), 4 * MIB, 'Largest request body in bytes'),
  requestTimeoutMs: withDefault(atLeast(100), 30_000, 'Milliseconds for a request to arrive completely'),
  drainMs: withDefault(atLeast(0), 30_000, 'Milliseconds that running turns get when the gateway stops'),
  maxConnections: withDefault(atLeast(1), 1024, 'WebSocket connections at once'),
  failedAuthLimit: withDefault(atLeast(1), 10, 'Wrong credentials per address and minute before further ones are refused unread'),
  trustedProxies: withDefault(
    z.array(addressRange),
    [],
    'Addresses or ranges (CIDR) of reverse proxies whose X-Forwarded headers are believed; from anybody else they are refused',
  ),
  auth: z.prefault(authSection, {}),
})

const budgetsSection = z.strictObject({
  maxSteps: withDefault(atLeast(1), 25, 'Model calls in one turn'),
  maxCalls: withDefault(atLeast(1), 100, 'Tool calls in one turn; of an answer that wants more, none runs'),
  maxOutputTokens: withDefault(atLeast(1), 32_768, 'Output tokens of all model calls of one turn'),
  maxTurnMs: withDefault(atLeast(100), 600_000, 'Milliseconds of one turn, waiting included'),
  maxToolMs: withDefault(atLeast(10), 120_000, 'Milliseconds of all tool calls of one turn'),
  maxCostUsd: optional(z.number().check(z.positive()), 'US dollars of one turn, where the price of the model is known'),
})

const contextSection = z.strictObject({
  windowTokens: optional(atLeast(512), "Tokens that fit the model's window; by default what is known of the model, else 32,768"),
  maxMessages: withDefault(atLeast(8), 80, 'Messages kept word for word before older ones are summarised'),
  keepMessages: withDefault(atLeast(2), 16, 'Newest messages that a summary leaves untouched'),
})

const agentSection = z.strictObject({
  model: optional(z.string().check(z.minLength(1)), 'Default model (`provider:model`) or the name of a route'),
  systemPrompt: optional(z.string().check(z.maxLength(20_000)), 'Text put in front of the built-in system prompt'),
  temperature: optional(z.number().check(z.gte(0), z.lte(2)), 'Sampling temperature; the default is the vendor’s'),
  maxOutputTokens: withDefault(atLeast(1), 8192, 'Output tokens of one model call'),
  maxConcurrentTurns: withDefault(atLeast(1), 64, 'Turns that run at once over all conversations; more wait'),
  maxQueuedPerSession: withDefault(atLeast(1), 16, 'Messages that may wait in one conversation'),
  maxModelWaitMs: withDefault(
    between(0, 7 * 86_400_000),
    3_600_000,
    'Milliseconds after its acceptance that a turn of a conversation may wait, without holding anything, for a model that says when to ask again; 0: it fails instead',
  ),
  budgets: z.prefault(budgetsSection, {}),
  context: z.prefault(contextSection, {}),
})

const route = z.strictObject({
  models: described(z.array(modelName).check(z.minLength(1)), 'Tried in order: each with retries, then the next, never after output has reached the user'),
})
const routesSection = withDefault(z.record(z.string().check(z.regex(/^[a-z0-9][a-z0-9-]*$/)), route), {}, 'Named chains of models')

const toolsSection = z.strictObject({
  policy: withDefault(z.enum(['allow-all', 'allow-list', 'deny-list']), 'allow-all', 'How `list` is read'),
  list: withDefault(texts, [], 'Tool names that the policy allows or denies'),
})

const approvalsSection = z.strictObject({
  mode: withDefault(
    z.enum(['ask', 'shadow', 'deny']),
    'ask',
    'What happens to a call that needs your word: you are asked; it is recorded and passes where it can be taken back (`shadow`, for trying out); it is refused (`deny`)',
  ),
  expireMs: withDefault(between(1000, 2_592_000_000), 43_200_000, 'Milliseconds after which a question that nobody answered is a refusal'),
  holdConnectionMs: withDefault(between(0, 3_600_000), 60_000, 'Milliseconds for which an HTTP request waits for your answer before it is told how to give it'),
  maxPending: withDefault(between(1, 10_000), 200, 'Questions that wait at once; more are refused'),
  notify: withDefault(
    z.array(z.string()).check(z.maxLength(8)),
    [],
    'Destinations (`messages.destinations`) that are told when a question waits: which tool, where, and how to answer',
  ),
})

/** Secrets, and what runs code by lying there: start-up files of shells and desktops, hooks, timers, settings that name programs. */
const EXCLUDED = [
  ['.git/**', '.ssh/**', '.gnupg/**', '.env*', '.netrc', '.npmrc', '.yarnrc*', '.pypirc', '.gitconfig', '.config/git/**', '.aws/**', '.kube/**', '.docker/**'],
  ['.bashrc', '.bash_profile', '.bash_login', '.bash_logout', '.bash_aliases', '.profile', '.zshrc', '.zshenv', '.zprofile', '.zlogin', '.zlogout'],
  ['.kshrc', '.cshrc', '.tcshrc', '.login', '.inputrc', '.config/fish/**', '.xprofile', '.xinitrc', '.xsession*', '.xsessionrc', '.pam_environment'],
  ['.vimrc', '.vim/**', '.config/nvim/**', '.emacs', '.emacs.d/**', '.vscode/**', '.idea/**', '.husky/**', '.tmux.conf', '.config/tmux/**'],
  ['.config/autostart/**', '.config/systemd/**', '.config/environment.d/**', '.local/share/systemd/**', '.local/share/applications/**', '.local/bin/**'],
  ['crontab', 'cron.d/**', 'crontabs/**', 'Library/LaunchAgents/**', 'Start Menu/Programs/Startup/**'],
]
  .flat()
  .map((pattern) => `**/${pattern}`)

const folder = z.string().check(z.refine(isAbsolute, 'this must be an absolute path'))
const filesystemSection = z.strictObject({
  roots: withDefault(z.array(folder), [], 'Absolute folders that file tools may read; without one, no file tool is offered'),
  writeAccess: withDefault(z.boolean(), false, 'Whether tools may also write and move files there. Every such write can be taken back with `cara undo`'),
  excludePatterns: withDefault(
    texts,
    EXCLUDED,
    'Globs inside the roots that stay hidden and are never written: by default secrets, and what runs code by being there. A list of your own replaces the default',
  ),
  maxReadBytes: withDefault(between(1, 60 * KIB), 32 * KIB, 'Bytes that one read returns at most; a file is read on in further calls'),
})

/** Whoever knows such an address can post to it, so that all of it is a secret. */
const postUrl = z.pipe(
  secretSchema,
  z.transform((secret: Secret, context) => {
    const url = readPostUrl(secret.reveal())
    if (url instanceof URL) return secret
    context.issues.push({ code: 'custom', message: url, input: '[secret]' })
    return z.NEVER
  }),
)
const destination = z.strictObject({
  kind: withDefault(z.enum(['webhook']), 'webhook', 'How it is reached: messages are posted to its address'),
  url: described(postUrl, 'Address that messages are posted to: https, or plain http to this machine. Kept as a secret'),
  format: withDefault(
    z.enum(['json', 'text', 'slack', 'discord']),
    'json',
    'How a message is written: `{type, id, text}`, the bare text, or as Slack or Discord want it',
  ),
  secret: optional(secretSchema, 'Signs every message (HMAC-SHA256, headers of Standard Webhooks), so that the receiver knows it for ours'),
})
const destinationName = z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'a destination’s name holds a-z, 0-9 and -, 32 at most'))
const destinations = z.record(destinationName, destination).check(z.refine((all) => Object.keys(all).length <= 32, 'at most 32 destinations can be configured'))
const messagesSection = z.strictObject({
  destinations: withDefault(destinations, {}, 'Places that messages may be sent to, by name; without one, nothing can be sent'),
})

const piiSection = z.strictObject({
  mode: withDefault(z.enum(['off', 'peers', 'all']), 'peers', 'Whose replies hold no personal data: nobody’s, those to anybody but the owner, or all'),
  kinds: withDefault(
    z.array(z.enum(['email', 'phone', 'iban', 'card', 'national-id'])),
    ['email', 'phone', 'iban', 'card', 'national-id'],
    'What counts as personal data; account, card and personal numbers are known by their checksums',
  ),
})

const breakerSection = z.strictObject({
  failures: withDefault(atLeast(1), 5, 'Failures in a row after which the classifier is not asked for a while'),
  resetMs: withDefault(atLeast(1), 60_000, 'Milliseconds until it is tried again'),
})
const classifierSection = z.strictObject({
  mode: withDefault(
    z.enum(['off', 'warn', 'block']),
    'off',
    'A second model looks at text of others: not at all, for a warning in its mark, or so that what it takes for an attack is refused',
  ),
  model: optional(z.string().check(z.minLength(1)), 'Model (`provider:model`) or route that classifies; by default the default model'),
  threshold: withDefault(z.number().check(z.gte(0), z.lte(1)), 0.8, 'How sure it must be'),
  timeoutMs: withDefault(atLeast(1), 5000, 'Milliseconds for its answer'),
  onError: optional(z.enum(['open', 'closed']), 'Without its answer text passes (`open`) or is refused (`closed`); by default `closed` where it blocks'),
  breaker: z.prefault(breakerSection, {}),
})

const linkHost = z.string().check(z.regex(/^(?:\*\.)?[a-z0-9.-]+$/, 'expected a host, for example `example.com` or `*.example.com`'))
const guardSection = z.strictObject({
  injection: withDefault(
    z.enum(['off', 'mark', 'withhold']),
    'mark',
    'Text of others that looks like instructions to the model: not looked for, shown with a warning, or (results of tools) kept from the model',
  ),
  classifier: z.prefault(classifierSection, {}),
  linkHosts: withDefault(z.array(linkHost), [], 'Hosts that links and images in replies may always lead to; `*.example.com` is every host below'),
  pii: z.prefault(piiSection, {}),
})

const execSection = z.strictObject({
  enabled: withDefault(z.boolean(), true, 'Whether the assistant may ask to run programs; every command is asked for'),
  sandbox: withDefault(
    z.enum(['required', 'unsandboxed']),
    'required',
    '`unsandboxed` runs programs with all of your rights; every question says so. `required` runs nothing where no sandbox works',
  ),
  backend: withDefault(z.enum(['auto', 'bubblewrap', 'landlock', 'seatbelt']), 'auto', 'Which sandbox; `auto` takes the strongest that works'),
  workspace: optional(folder, 'The folder in which programs work and may write; by default `workspace` in the state folder'),
  readFolders: withDefault(z.array(folder), [], 'More folders that programs may read, beside those of the system'),
  timeoutMs: withDefault(between(100, 3_600_000), 60_000, 'Milliseconds that a command may take'),
  memoryMb: withDefault(between(16, MIB), 512, 'MiB of memory of all processes of a command'),
  maxProcesses: withDefault(between(1, 4096), 32, 'Processes of a command at once; threads count too where the system counts them'),
  maxOutputBytes: withDefault(between(KIB, 16 * MIB), 256 * KIB, 'Bytes that a command may write to its output before it is ended'),
  maxFileMb: withDefault(between(1, MIB), 64, 'MiB of one file that a command writes'),
  maxDiskMb: withDefault(between(1, MIB), 1024, 'MiB by which a command may make its workspace grow'),
})

const mediaSection = z.strictObject({
  model: optional(
    z.string().check(z.minLength(1)),
    'Model (`provider:model`) or route that looks at pictures; by default the model of the conversation. Pictures of your folders are sent to it',
  ),
})

const cronSection = z.strictObject({
  enabled: withDefault(z.boolean(), true, 'Whether scheduled work runs'),
  timeZone: optional(
    z.string().check(z.refine(isTimeZone, 'there is no such time zone')),
    'IANA time zone of schedules that name none, for example `Europe/Berlin`; by default the one of this machine',
  ),
  maxJobs: withDefault(between(1, 5000), 500, 'Jobs that may be kept'),
  maxConcurrentRuns: withDefault(between(1, 64), 4, 'Runs of jobs at once, and of tasks; what is due beyond them waits'),
  keepRuns: withDefault(between(1, 10_000), 200, 'Runs of each job that are kept to look at'),
})

const undoSection = z.strictObject({
  maxBytes: withDefault(
    between(MIB, 1024 * 1024 * MIB),
    256 * MIB,
    'Bytes of what writes of tools replaced that are kept; the oldest goes first. A larger file is not written',
  ),
  keepDays: withDefault(between(1, 3650), 30, 'Days that it is kept'),
})

const amount = () => z.number().check(z.gte(0))
const price = z.strictObject({
  inputPerMTok: described(amount(), 'US dollars per million input tokens'),
  outputPerMTok: described(amount(), 'US dollars per million output tokens'),
  cacheReadPerMTok: optional(amount(), 'Per million cached input tokens; by default the input price'),
  cacheWritePerMTok: optional(amount(), 'Per million input tokens written to the cache; by default the input price'),
})

const usageSection = z.strictObject({
  prices: withDefault(z.record(modelName, price), {}, 'Prices per model; they win over the built-in table'),
})

const loggingSection = z.strictObject({
  level: withDefault(z.enum(['debug', 'info', 'warn', 'error']), 'info', 'Least severity that is written'),
  maxFileBytes: withDefault(atLeast(64 * KIB), 10 * MIB, 'Bytes of the log file before it is rotated; one old file is kept'),
})

const storeSection = z.strictObject({
  url: optional(
    secretSchema,
    'A PostgreSQL that several gateways share, `postgres://user:password@host:5432/database`; without it everything is kept in a file of the state folder',
  ),
  synchronous: withDefault(z.enum(['full', 'normal']), 'full', '`full` survives a power cut, `normal` a crash of the program'),
  encrypt: withDefault(z.boolean(), false, 'Seals the texts of conversations and notes on the disk; changed at the next start, which converts what is there'),
})

/** A key sent again within a day finds the row of its turn. */
const LEAST_TURN_DAYS = 2
const days = (least = 1) => between(least, 36_500)
const retentionSection = z.strictObject({
  conversationDays: optional(
    days(),
    'Days after its latest message that a conversation is deleted, with all that belongs to it; by default it is kept for good',
  ),
  messageDays: optional(days(), 'Days that the messages of a conversation are kept, while it lives; by default they are kept for good'),
  turnDays: withDefault(days(LEAST_TURN_DAYS), 90, 'Days that the outcome of a turn is kept; what was said stays in its conversation'),
  statelessDays: withDefault(days(LEAST_TURN_DAYS), 7, 'Days that a request without a conversation is kept, with its answer'),
  usageDays: withDefault(days(), 400, 'Days that tokens and cost of a turn are kept'),
  refusalDays: withDefault(days(), 90, 'Days that `cara why` can tell why something was refused'),
  approvalDays: withDefault(days(), 90, 'Days that a question to you is kept after its answer'),
  outboxDays: withDefault(days(), 30, 'Days that a message to the outside is kept after it was sent (without its text), dropped, or given up'),
})

const auditSection = z.strictObject({
  maxFileBytes: withDefault(atLeast(64 * KIB), 16 * MIB, 'Bytes of a file of the audit trail before a new one begins'),
  keepFiles: withDefault(between(2, 10_000), 20, 'Files of the audit trail that are kept, the one in use included; the oldest goes first'),
})

const secretHost = z
  .string()
  .check(z.maxLength(260), z.regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?$/, 'expected a host name in lower case, with `:port` where it is not 443'))
const namedSecret = z.strictObject({
  value: described(z.readonly(secretSchema), 'The secret itself: `cara secrets set NAME` seals it'),
  hosts: withDefault(z.array(secretHost), [], 'Hosts that it may be sent to, over https: `api.example.com` or `host:port`'),
  header: withDefault(z.string().check(z.regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/)), 'authorization', 'Header that carries it where a tool only names it'),
  prefix: withDefault(z.string().check(z.regex(/^[\x20-\x7e]{0,64}$/)), 'Bearer ', 'What stands before it in that header'),
})
const secretsSection = withDefault(
  z.record(z.string().check(z.regex(SECRET_NAME, 'expected letters, digits, _ and -')), namedSecret),
  {},
  'Secrets that tools use without seeing them',
)

export const coreSections = {
  gateway: z.prefault(gatewaySection, {}),
  agent: z.prefault(agentSection, {}),
  routes: routesSection,
  tools: z.prefault(toolsSection, {}),
  approvals: z.prefault(approvalsSection, {}),
  filesystem: z.prefault(filesystemSection, {}),
  messages: z.prefault(messagesSection, {}),
  guard: z.prefault(guardSection, {}),
  exec: z.prefault(execSection, {}),
  media: z.prefault(mediaSection, {}),
  cron: z.prefault(cronSection, {}),
  undo: z.prefault(undoSection, {}),
  usage: z.prefault(usageSection, {}),
  logging: z.prefault(loggingSection, {}),
  store: z.prefault(storeSection, {}),
  retention: z.prefault(retentionSection, {}),
  audit: z.prefault(auditSection, {}),
  secrets: secretsSection,
}

const coreSchema = z.strictObject(coreSections)

/** What an adapter brings along: its section's schema, and the variables that fill it. */
export interface Section {
  readonly schema: z.core.$ZodType
  readonly env: EnvTable
}
/** By provider id. */
export type Sections = Readonly<Record<string, Section>>

/** Variables of the core sections; adapters bring their own. */
export const coreEnv: EnvTable = {
  CARAPACE_HOST: 'gateway.host',
  CARAPACE_PORT: 'gateway.port',
  CARAPACE_MODEL: 'agent.model',
  CARAPACE_LOG: 'logging.level',
  CARAPACE_STORE_URL: 'store.url',
}

/** The schema of the whole file. */
export function composeSchema(sections: Sections) {
  const providers = Object.entries(sections).map(([id, { schema }]) => [id, z.optional(schema)] as const)
  const whole = z.strictObject({ ...coreSections, providers: z.prefault(z.strictObject(Object.fromEntries(providers)), {}) })
  return whole.check(({ value: { approvals, messages }, issues }) => {
    for (const [index, name] of approvals.notify.entries()) {
      if (!Object.hasOwn(messages.destinations, name))
        issues.push({ code: 'custom', path: ['approvals', 'notify', index], input: name, message: 'no destination has this name (messages.destinations)' })
    }
  })
}

/** The configuration without the adapters' sections; `providers` is typed by each module. */
export type CoreConfig = z.infer<typeof coreSchema>
export type Config = CoreConfig & { readonly providers: Readonly<Record<string, unknown>> }
export type Price = z.infer<typeof price>
