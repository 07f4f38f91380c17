/** What the guard costs: every checkpoint of one step of a conversation that holds 60 kB of results, over texts of 10 kB. */
import * as z from 'zod'
import { OWNER } from '../src/contracts/origin.ts'
import type { Message } from '../src/contracts/message.ts'
import type { AnyTool, ToolCall } from '../src/contracts/tool.ts'
import type { InboundMessage } from '../src/contracts/turn.ts'
import { NO_WORD } from '../src/guard/approvals/owners-word.ts'
import { OutboundStream } from '../src/guard/outbound-stream.ts'
import { inbound, prompt, toolCall, toolResult } from '../src/guard/pipeline.ts'
import { Evidence } from '../src/guard/provenance/evidence.ts'
import { KnownLinks } from '../src/guard/provenance/known-links.ts'
import { clear, clearNow } from '../src/guard/run-checkpoint.ts'
import { createSecretRegistry } from '../src/telemetry/secret-registry.ts'
import type { Bench } from './support/bench.ts'
import { atMost, type Figure } from './support/figure.ts'
import { quantile } from './support/stats.ts'

const LIMIT_MS = 2
const ATTEMPTS = 3
const PROSE =
  'The museum opens at ten on Tuesday, and Ann from the desk will send the tickets; write to desk@museum.example or see https://museum.example/plan. '
const text = (characters: number) => PROSE.repeat(Math.ceil(characters / PROSE.length)).slice(0, characters)
const quiet = () => undefined
const foreign = { author: { kind: 'web', host: 'museum.example' }, trust: 'untrusted', private: false } as const

const tool: AnyTool = {
  name: 'send_mail',
  description: '',
  input: z.strictObject({ to: z.string(), text: z.string() }),
  manifest: {
    effect: 'egress',
    effectWithoutDestination: 'egress',
    recovery: 'unsafe',
    destinations: ['to'],
    targets: [],
    content: ['text'],
    paths: [],
    consent: 'judged',
    returns: { trust: 'untrusted', private: true, curated: false, records: false },
  },
  run: async () => ({ output: '' }),
}
const tools = new Map([[tool.name, tool]])
const results: readonly Message[] = Array.from({ length: 6 }, (_, index) => ({
  role: 'tool',
  parts: [{ type: 'tool-result', callId: `r${index}`, tool: 'page', output: text(10_000), isError: false, origin: foreign }],
}))
const said: Message = { role: 'user', parts: [{ type: 'text', text: `Send ann@mail.example a mail about museum.example. ${text(10_000)}`, origin: OWNER }] }

export const guard: Bench = {
  name: 'guard',
  title: 'The guard: one step with texts of 10 kB, 60 kB of results in the conversation',
  async run({ quick }) {
    const secrets = createSecretRegistry()
    for (let index = 0; index < 10; index++) secrets.add(`sk-canary-${index}-0123456789abcdef`)
    const message: InboundMessage = { door: 'ws', sender: { kind: 'owner' }, sessionKey: 'main', parts: said.role === 'user' ? said.parts : [], options: {} }
    const evidence = new Evidence(tools)
    for (const one of [said, ...results]) evidence.add(one)
    const request = { model: 'm', system: 's', messages: [said, ...results], tools: [] }
    const call: ToolCall = {
      callId: 'c',
      tool: tool.name,
      input: { to: 'ann@mail.example', text: text(10_000) },
      turnId: 't',
      sessionId: null,
      effectId: 'e',
      binding: null,
      origin: { author: { kind: 'model', name: 'm' }, trust: 'untrusted', private: false },
    }
    const context = { tools, policy: { policy: 'allow-all', list: [] }, roots: [], evidence, word: NO_WORD } as const
    const reply = text(10_000)
    const pieces = reply.match(/.{1,40}/gs) ?? []
    const plain = { secrets, markup: 'markdown', personal: [], links: null } as const
    const links = new KnownLinks(evidence, [])
    const stream = (whole: readonly string[], isTainted: boolean) => {
      const one = new OutboundStream(isTainted ? { ...plain, links } : plain, quiet)
      for (const piece of whole) one.push(piece)
      one.end()
    }
    const steps: Readonly<Record<string, () => unknown>> = {
      'inbound, 10 kB of the owner': () => clearNow(inbound, message, { secrets, injection: 'mark' }, quiet),
      'prompt, 60 kB of results marked before': () =>
        clearNow(prompt, request, { systemPrompt: 's', windowTokens: 1e6, estimatedTokens: 1, injection: 'mark' }, quiet),
      'tool call, 10 kB of content': () => clear(toolCall, call, context, quiet, new AbortController().signal),
      'tool result, 10 kB': () =>
        clearNow(toolResult, { output: `${text(10_000)} `, isError: false, origin: foreign }, { tool, secrets, injection: 'mark' }, quiet),
      'reply, 10 kB at once, after untrusted text': () => stream([reply], true),
    }
    const apart: Readonly<Record<string, () => unknown>> = {
      'reply, 10 kB in 250 pieces, nothing untrusted': () => stream(pieces, false),
      'reply, 10 kB in 250 pieces, after untrusted text': () => stream(pieces, true),
    }
    const data = { message, results: [...results], reply }
    const rounds = quick ? 100 : 600
    const reference = await timed(rounds, () => JSON.parse(JSON.stringify(data)))
    const noise = await timed(rounds, () => spin(1))
    const figures: Figure[] = [{ name: 'a loop of 1 ms that does nothing, p99', value: quantile(noise, 0.99), unit: 'ms', note: 'the noise of this machine' }]
    for (const [name, step] of Object.entries({ ...steps, ...apart })) {
      const times = await timed(rounds, step)
      figures.push({
        name: `${name}, p50`,
        value: quantile(times, 0.5),
        unit: 'ms',
        reference: { name: 'the same data through JSON', value: quantile(reference, 0.5) },
        note: `p99 ${quantile(times, 0.99).toFixed(2)} ms`,
      })
    }
    const together = await timed(rounds, async () => {
      for (const step of Object.values(steps)) await step()
    })
    figures.push(
      {
        name: 'all checkpoints of one call together, p50',
        value: quantile(together, 0.5),
        unit: 'ms',
        reference: { name: 'JSON', value: quantile(reference, 0.5) },
      },
      {
        name: 'all checkpoints of one call together, p99',
        value: quantile(together, 0.99),
        unit: 'ms',
        reference: { name: 'JSON, p99', value: quantile(reference, 0.99) },
        bar: atMost(LIMIT_MS),
      },
    )
    return figures
  },
}

/** Milliseconds. A round is the fastest of three in a row: a slice of time that another program took does not count. */
async function timed(rounds: number, run: () => unknown): Promise<readonly number[]> {
  const times: number[] = []
  for (let round = -rounds / 4; round < rounds; round++) {
    let best = Infinity
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const from = performance.now()
      await run()
      best = Math.min(best, performance.now() - from)
    }
    if (round >= 0) times.push(best)
  }
  return times
}

function spin(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}
