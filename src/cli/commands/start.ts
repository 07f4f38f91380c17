import { defineCommand } from '../command.ts'
import type { CliContext, RunningGateway } from '../context.ts'
import { exitCodes } from '../exit-codes.ts'
import { clean } from '../output.ts'
import { connectTo, target } from '../with-gateway.ts'

export const command = defineCommand({
  name: 'start',
  summary: 'Start the gateway; on a terminal, chat with it',
  details:
    'On a terminal the chat opens, and the gateway stops when the chat ends. Elsewhere it serves until SIGTERM or SIGINT, prints one line when it is ready, and lets\nrunning turns finish before it ends; a second signal ends it at once.',
  options: {
    host: { type: 'string', value: 'HOST', description: 'Address to listen on (default: `gateway.host`)' },
    port: { type: 'number', short: 'p', value: 'PORT', description: 'Port to listen on, 0 for any (default: `gateway.port`)' },
    migrate: { type: 'boolean', description: 'Change the schema of a shared store although gateways of an older version use it; they can write nothing more' },
  },
  positionals: [],
  examples: [
    { command: 'cara start', does: 'Starts it and opens the chat' },
    { command: 'cara start --port 19000 < /dev/null', does: 'Serves on another port until it is told to stop' },
  ],
  exitCodes: [exitCodes.config, exitCodes.cancelled],
  async run(context, parsed) {
    const signals = new Signals(context)
    try {
      const starting = context.services.startGateway({ ...target(parsed.text('host'), parsed.number('port')), migrate: parsed.flag('migrate') })
      const gateway = await Promise.race([starting, signals.count(2)])
      if (gateway === undefined) return exitCodes.cancelled
      for (const warning of gateway.warnings) context.io.writeError(`warning: ${clean(warning)}\n`)
      return await (context.io.isTerminal && context.io.isInputTerminal ? chatThenStop(context, gateway, signals) : serve(context, gateway, signals))
    } finally {
      signals.stop()
    }
  },
})

async function serve(context: CliContext, gateway: RunningGateway, signals: Signals): Promise<number> {
  context.io.write(`carapace ready on ${gateway.url} · ${modelText(gateway)}\n`)
  const ended = await Promise.race([signals.count(1).then(() => 'signal' as const), gateway.stopped.then(() => 'stopped' as const)])
  if (ended === 'stopped') return exitCodes.failed
  return drain(gateway, signals.count(2))
}

async function chatThenStop(context: CliContext, gateway: RunningGateway, signals: Signals): Promise<number> {
  context.io.write(`carapace on ${gateway.url} · ${modelText(gateway)}\n`)
  const { chat } = await import('../chat.ts')
  const client = await connectTo(context, gateway)
  try {
    await Promise.race([chat(context, client, {}), signals.terminated, gateway.stopped])
  } finally {
    await client.close()
  }
  return drain(gateway, signals.count(signals.seen + 1))
}

async function drain(gateway: RunningGateway, atOnce: Promise<void>): Promise<number> {
  return Promise.race([gateway.stop().then(() => exitCodes.ok), atOnce.then(() => exitCodes.cancelled)])
}

function modelText(gateway: RunningGateway): string {
  const { name, source } = gateway.model
  return name === null ? 'no model yet: run `cara setup`' : `model ${clean(name)} (${clean(source)})`
}

/** Copies of one keypress (the terminal tells the whole group, a parent may pass it on) count once. */
const SAME_SIGNAL_MS = 300

class Signals {
  readonly terminated: Promise<void>
  readonly stop: () => void
  seen = 0
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = []

  constructor(context: CliContext) {
    const terminated = Promise.withResolvers<void>()
    let seenAt = -Infinity
    this.terminated = terminated.promise
    this.stop = context.io.onSignal((signal) => {
      if (signal === 'SIGTERM') terminated.resolve()
      const now = performance.now()
      if (now - seenAt > SAME_SIGNAL_MS) this.seen++
      seenAt = now
      for (const one of this.#waiting) if (this.seen >= one.count) one.resolve()
    })
  }

  /** Resolves once so many signals have come. */
  count(count: number): Promise<void> {
    if (this.seen >= count) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push({ count, resolve })
    return promise
  }
}
