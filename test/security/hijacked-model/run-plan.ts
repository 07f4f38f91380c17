/** Plays a plan in a gateway of its own and says what came of it. The owner says no to every question to which the plan has no other answer. */
import * as pipeline from '../../../src/guard/pipeline.ts'
import { join } from 'node:path'
import { OWNER } from '../../../src/contracts/origin.ts'
import { SUMMARY_SYSTEM_PROMPT } from '../../../src/agent/compact.ts'
import type { ModelRequest } from '../../../src/contracts/provider.ts'
import type { InboundMessage } from '../../../src/contracts/turn.ts'
import { newestReceipts } from '../../../src/telemetry/audit/newest.ts'
import { says, scriptedProvider, type Scene } from '../../doubles/scripted-provider.ts'
import { testGateway, type TestGateway } from '../../doubles/test-gateway.ts'
import { CANARY, type World } from './world.ts'
import type { Plan, Turn } from './plan.ts'

export interface Outcome {
  /** Effects beyond those that the owner asked for, files changed outside, and texts that must not show. */
  readonly breaches: readonly string[]
  /** Everything that arrived outside. */
  readonly effects: readonly string[]
  readonly replies: readonly string[]
  /** Calls that were not simply done. */
  readonly stopped: number
}

interface Stages {
  readonly stages: readonly { readonly name: string }[]
}
const checkpoints: Readonly<Record<string, Stages>> = pipeline

/** The world's own defence: which addresses count as public. */
export const PUBLIC_ADDRESSES = 'publicAddresses'
/** The folders that the owner opened: without them, all. */
export const ROOTS = 'roots'
/** What stays hidden inside them. */
export const PATTERNS = 'patterns'
/** What a turn may cost. */
export const BUDGETS = 'budgets'
const OWN: ReadonlySet<string> = new Set([PUBLIC_ADDRESSES, ROOTS, PATTERNS, BUDGETS])

/** Takes these stages out of the pipeline of this process as long as `use` runs. */
async function without<T>(names: readonly string[], use: () => Promise<T>): Promise<T> {
  const taken: (() => void)[] = []
  try {
    for (const name of names) {
      if (OWN.has(name)) continue
      const [checkpoint = '', stage] = name.split('.')
      const stages = mutable(checkpoints[checkpoint]?.stages)
      const index = stages.findIndex((one) => one.name === stage)
      if (index === -1) throw new RangeError(`there is no stage ${name}`)
      // A checkpoint without stages is closed, so something that always passes takes its place.
      const [one] = stages.splice(index, 1, passing(name))
      taken.unshift(() => void (one === undefined || stages.splice(index, 1, one)))
    }
    return await use()
  } finally {
    for (const putBack of taken) putBack()
  }
}

function passing(name: string): { readonly name: string } {
  return Object.assign({ name, check: () => ({ verdict: 'pass' }), unfinished: () => 0 })
}

/** The arrays are read-only for the compiler alone. */
function mutable(stages: Stages['stages'] | undefined): { readonly name: string }[] {
  if (!Array.isArray(stages)) throw new RangeError('there is no such checkpoint')
  return stages
}

export async function runPlan(plan: Plan, world: World, taken: readonly string[] = []): Promise<Outcome> {
  world.reset(plan.files ?? {})
  world.pages = plan.pages ?? {}
  world.mailbox = plan.mailbox ?? ''
  world.isOpen = taken.includes(PUBLIC_ADDRESSES)
  return without(taken, () => play(plan, world, taken))
}

async function play(plan: Plan, world: World, taken: readonly string[]): Promise<Outcome> {
  let script: readonly Scene[] = []
  let step = 0
  const next = (request: ModelRequest): Scene => {
    if (request.system === SUMMARY_SYSTEM_PROMPT) return says(plan.summary ?? 'They talked.')
    return script[step++] ?? says('Done.')
  }
  const provider = scriptedProvider('fake', next)
  const open = (folder?: string) =>
    testGateway({
      providers: [provider],
      fetch: world.fetch,
      tools: world.tools,
      secrets: [CANARY],
      filesystem: {
        roots: [taken.includes(ROOTS) ? '/' : world.root],
        writeAccess: plan.mayWrite ?? false,
        ...(taken.includes(PATTERNS) || taken.includes(ROOTS) ? { excludePatterns: [] } : {}),
      },
      agent: { ...plan.agent, ...(taken.includes(BUDGETS) ? { budgets: { maxSteps: 1000, maxCalls: 1000, maxOutputTokens: 1_000_000 } } : {}) },
      ...(folder === undefined ? {} : { folder }),
    })
  const replies: string[] = []
  const wrong: string[] = []
  let stopped = 0
  let cara = await open()
  try {
    for (const turn of plan.turns) {
      if (turn.afterRestart === true) {
        await cara.crash()
        cara = await open(cara.folder)
      }
      script = turn.steps
      step = 0
      const said = await playTurn(cara, turn)
      replies.push(...said.texts)
      stopped += said.stopped
    }
    cara.audit.close()
    wrong.push(...unrecorded(cara.folder))
  } finally {
    await cara.close()
  }
  const effects = [...world.effects]
  const shown = [JSON.stringify(provider.requests), ...replies, ...effects].join('\n')
  return {
    breaches: [
      ...beyond(effects, plan.may ?? []),
      ...wrong,
      ...world.changedFiles().map((file) => `changed ${file}`),
      ...(plan.leadsTo === undefined ? [] : replies.filter((text) => leadsTo(text, plan.leadsTo ?? ''))),
      ...(plan.never ?? []).filter((text) => shown.includes(text)).map((text) => `showed ${text}`),
    ],
    effects,
    replies,
    stopped,
  }
}

async function playTurn(cara: TestGateway, turn: Turn): Promise<{ readonly texts: readonly string[]; readonly stopped: number }> {
  const sender = turn.sender ?? OWNER.author
  const origin = sender.kind === 'owner' ? OWNER : ({ author: sender, trust: 'untrusted', private: true } as const)
  const texts: string[] = []
  const message: InboundMessage = {
    door: 'test',
    sender,
    sessionKey: turn.session === undefined ? 'main' : turn.session,
    parts: [{ type: 'text', text: turn.says, origin }],
    options: turn.context === undefined ? {} : { context: turn.context },
  }
  const { turnId } = await cara.gateway.submit(message, (event) => {
    if (event.type === 'text-delta' || event.type === 'reasoning-delta') texts.push(event.text)
  })
  let asked = 0
  for (;;) {
    const end = await cara.next(turnId)
    if ('turnId' in end)
      return { texts: [texts.join(''), end.text], stopped: asked + end.toolCalls.filter(({ output }) => output.startsWith('Refused')).length }
    const answer = turn.answers?.[asked] ?? 'deny'
    asked++
    if (answer === 'leave') return { texts: [texts.join('')], stopped: asked }
    await cara.answer(end, answer === 'deny' ? { decision: 'deny' } : { decision: 'allow', unlock: answer })
  }
}

/** Effects whose receipt names a word of the owner that was not on record before. */
function unrecorded(folder: string): readonly string[] {
  const decided = new Set<unknown>()
  const wrong: string[] = []
  for (const receipt of newestReceipts(join(folder, 'state', 'audit'), 10_000, null)) {
    if ((receipt['kind'] === 'approval-decided' && receipt['status'] === 'allowed') || receipt['kind'] === 'grant-made')
      decided.add(receipt['approval']).add(receipt['grant'])
    const named = receipt['kind'] === 'effect-intended' ? (receipt['approval'] ?? null) : null
    if (named !== null && !decided.has(named)) wrong.push(`nobody allowed ${String(receipt['tool'])}`)
  }
  return wrong
}

/** A client that reads HTML and Markdown, and makes links of whatever looks like one. */
function leadsTo(text: string, host: string): boolean {
  const decoded = text
    .replaceAll(/&#x([0-9a-f]+);/gi, (_all, code: string) => String.fromCodePoint(Number.parseInt(code, 16)))
    .replaceAll(/&#(\d+);/g, (_all, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll('&period;', '.')
    .replaceAll(/\\([.:/])/g, '$1')
    .replaceAll(/%2e/gi, '.')
  return decoded
    .normalize('NFKC')
    .replaceAll(/\p{Cf}/gu, '')
    .replaceAll('。', '.')
    .toLowerCase()
    .includes(host)
}

/** What came that was not allowed, each allowance being used once. */
function beyond(effects: readonly string[], may: readonly string[]): readonly string[] {
  const left = [...may]
  return effects.filter((effect) => {
    const at = left.indexOf(effect)
    if (at !== -1) left.splice(at, 1)
    return at === -1
  })
}
