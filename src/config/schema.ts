/**
 * The core sections of the configuration. `providers` is composed from the registry by `app/`, one section per module. Every key has a description (docs and the
 * example file are generated from it), a default where one makes sense, and an effect that a test sees.
 */
import { isAbsolute } from 'node:path'
import * as z from 'zod'
import type { EnvTable } from '../contracts/adapter.ts'

const modelName = z
  .string()
  .regex(/^[a-z0-9-]+:.+$/, 'expected `provider:model`, for example `openai:gpt-5.5`')
  .describe('A model as `provider:model`')

const gatewaySection = z
  .strictObject({
    host: z.string().default('127.0.0.1').describe('Address to listen on. Anything but loopback also needs `allowedHosts`'),
    port: z.int().min(0).max(65_535).default(18_789).describe('TCP port; 0 lets the system choose'),
    allowedHosts: z.array(z.string()).default([]).describe('Host names, beside loopback ones, under which the gateway answers'),
    allowedOrigins: z.array(z.string()).default([]).describe('Browser origins, beside our own, that may call the gateway'),
    maxBodyBytes: z
      .int()
      .min(1024)
      .max(64 * 1024 * 1024)
      .default(4 * 1024 * 1024)
      .describe('Largest request body in bytes'),
    requestTimeoutMs: z.int().min(100).default(30_000).describe('Milliseconds for a request to arrive completely'),
    drainMs: z.int().min(0).default(30_000).describe('Milliseconds that running turns get when the gateway stops'),
    maxConnections: z.int().min(1).default(1024).describe('WebSocket connections at once'),
    failedAuthLimit: z.int().min(1).default(10).describe('Wrong tokens per address and minute before further ones are refused unread'),
  })
  .prefault({})

const budgetsSection = z
  .strictObject({
    maxSteps: z.int().min(1).default(25).describe('Model calls in one turn'),
    maxOutputTokens: z.int().min(1).default(32_768).describe('Output tokens of all model calls of one turn'),
    maxTurnMs: z.int().min(100).default(600_000).describe('Milliseconds of one turn, waiting included'),
    maxToolMs: z.int().min(10).default(120_000).describe('Milliseconds of all tool calls of one turn'),
    maxCostUsd: z.number().positive().optional().describe('US dollars of one turn, where the price of the model is known'),
  })
  .prefault({})

const contextSection = z
  .strictObject({
    windowTokens: z.int().min(512).optional().describe("Tokens that fit the model's window; by default what is known of the model, else 32,768"),
    maxMessages: z.int().min(8).default(80).describe('Messages kept word for word before older ones are summarised'),
    keepMessages: z.int().min(2).default(16).describe('Newest messages that a summary leaves untouched'),
  })
  .prefault({})

const agentSection = z
  .strictObject({
    model: z.string().min(1).optional().describe('Default model (`provider:model`) or the name of a route'),
    systemPrompt: z.string().max(20_000).optional().describe('Text put in front of the built-in system prompt'),
    temperature: z.number().min(0).max(2).optional().describe('Sampling temperature; the default is the vendor’s'),
    maxOutputTokens: z.int().min(1).default(8192).describe('Output tokens of one model call'),
    maxConcurrentTurns: z.int().min(1).default(64).describe('Turns that run at once over all conversations; more wait'),
    maxQueuedPerSession: z.int().min(1).default(16).describe('Messages that may wait in one conversation'),
    budgets: budgetsSection,
    context: contextSection,
  })
  .prefault({})

const routesSection = z
  .record(
    z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
    z.strictObject({
      models: z.array(modelName).min(1).describe('Tried in order: each with retries, then the next, never after output has reached the user'),
    }),
  )
  .default({})
  .describe('Named chains of models')

const toolsSection = z
  .strictObject({
    policy: z.enum(['allow-all', 'allow-list', 'deny-list']).default('allow-all').describe('How `list` is read'),
    list: z.array(z.string()).default([]).describe('Tool names that the policy allows or denies'),
  })
  .prefault({})

const filesystemSection = z
  .strictObject({
    roots: z.array(z.string().refine(isAbsolute, 'this must be an absolute path')).default([]).describe('Absolute folders that file tools may read'),
    excludePatterns: z.array(z.string()).default(['**/.git/**', '**/.ssh/**', '**/.env*']).describe('Globs inside the roots that stay hidden'),
    maxReadBytes: z.int().min(1).max(61_440).default(32_768).describe('Bytes that one read returns at most; a file is read on in further calls'),
  })
  .prefault({})

const price = z.strictObject({
  inputPerMTok: z.number().min(0).describe('US dollars per million input tokens'),
  outputPerMTok: z.number().min(0).describe('US dollars per million output tokens'),
  cacheReadPerMTok: z.number().min(0).optional().describe('Per million cached input tokens; by default the input price'),
  cacheWritePerMTok: z.number().min(0).optional().describe('Per million input tokens written to the cache; by default the input price'),
})

const usageSection = z
  .strictObject({
    prices: z.record(modelName, price).default({}).describe('Prices per model; they win over the built-in table'),
  })
  .prefault({})

const loggingSection = z
  .strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least severity that is written'),
    maxFileBytes: z
      .int()
      .min(65_536)
      .default(10 * 1024 * 1024)
      .describe('Bytes of the log file before it is rotated; one old file is kept'),
  })
  .prefault({})

const storeSection = z
  .strictObject({
    synchronous: z.enum(['full', 'normal']).default('full').describe('`full` survives a power cut, `normal` a crash of the program'),
  })
  .prefault({})

const auditSection = z
  .strictObject({
    maxFileBytes: z
      .int()
      .min(65_536)
      .default(16 * 1024 * 1024)
      .describe('Bytes of a file of the audit trail before a new one begins'),
    keepFiles: z.int().min(2).max(10_000).default(20).describe('Files of the audit trail that are kept, the one in use included; the oldest goes first'),
  })
  .prefault({})

export const coreSections = {
  gateway: gatewaySection,
  agent: agentSection,
  routes: routesSection,
  tools: toolsSection,
  filesystem: filesystemSection,
  usage: usageSection,
  logging: loggingSection,
  store: storeSection,
  audit: auditSection,
}

const coreSchema = z.strictObject(coreSections)

/** What an adapter brings along: its section's schema, and the variables that fill it. */
export interface Section {
  readonly schema: z.ZodType
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
}

/** The schema of the whole file. */
export function composeSchema(sections: Sections) {
  const providers = Object.entries(sections).map(([id, section]) => [id, z.optional(section.schema)] as const)
  return z.strictObject({ ...coreSections, providers: z.strictObject(Object.fromEntries(providers)).prefault({}) })
}

/** The configuration without the adapters' sections; `providers` is typed by each module. */
export type CoreConfig = z.infer<typeof coreSchema>
export type Config = CoreConfig & { readonly providers: Readonly<Record<string, unknown>> }
export type Price = z.infer<typeof price>
