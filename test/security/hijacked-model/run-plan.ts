/** Plays a plan in a gateway of its own and says what came of it. Questions to the owner are answered by nobody who agrees. */
import * as pipeline from '../../../src/guard/pipeline.ts'
import { OWNER } from '../../../src/contracts/origin.ts'
import { SUMMARY_SYSTEM_PROMPT } from '../../../src/agent/compact.ts'
import type { ModelRequest } from '../../../src/contracts/provider.ts'
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
      const [one] = stages.splice(index, 1)
      taken.unshift(() => void (one === undefined || stages.splice(index, 0, one)))
    }
    return await use()
  } finally {
    for (const putBack of taken) putBack()
  }
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
      agent: { ...plan.agent, ...(taken.includes(BUDGETS) ? { budgets: { maxSteps: 1000, maxOutputTokens: 1_000_000 } } : {}) },
      ...(folder === undefined ? {} : { folder }),
    })
  const replies: string[] = []
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
  } finally {
    await cara.close()
  }
  const effects = [...world.effects]
  const shown = [JSON.stringify(provider.requests), ...replies, ...effects].join('\n')
  return {
    breaches: [
      ...beyond(effects, plan.may ?? []),
      ...world.changedFiles().map((file) => `changed ${file}`),
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
  // The owner is asked, and says no: nothing that a plan wants may happen without his word.
  const { result, events } = await cara.ask(
    turn.says,
    {
      sender,
      sessionKey: turn.session === undefined ? 'main' : turn.session,
      parts: [{ type: 'text', text: turn.says, origin }],
      options: turn.context === undefined ? {} : { context: turn.context },
    },
    { decision: 'deny' },
  )
  const told = events.map((event) => (event.type === 'text-delta' || event.type === 'reasoning-delta' ? event.text : '')).join('')
  return { texts: [told, result.text], stopped: result.toolCalls.filter(({ output }) => output.startsWith('Refused')).length }
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
