/**
 * Where the owner's answers arrive. One after the other, so that of two answers one wins; checked against what he was shown; on the audit trail before they are kept, and kept
 * before anything happens. What nobody answers in time is refused.
 */
import { canonicalJson } from '../std/canonical-json.ts'
import { newId } from '../std/ids.ts'
import type { Answer, Approval, Decided, Grant } from '../contracts/approval.ts'
import type { Decision } from '../contracts/approval-store.ts'
import { AppError } from '../contracts/errors.ts'
import type { AnyTool, ToolCall } from '../contracts/tool.ts'
import { bindCall } from '../agent/admit-call.ts'
import type { AgentDeps } from '../agent/agent-turn.ts'
import { callHash } from '../guard/approvals/call-hash.ts'
import { grantOf } from '../guard/approvals/unlocks.ts'
import type { Answerer, Approvals } from './approvals.ts'
import { proposeGrants } from './propose-grants.ts'

type Deps = Pick<AgentDeps, 'store' | 'tools' | 'audit' | 'clock' | 'log'>
type GivenAnswer = Answer & { readonly id: string }

interface Settled {
  readonly approval: Approval
  readonly decision: Decision
  readonly grant: Grant | null
}

const MAX_GRANTS = 1000
const MAX_NOTE = 2000
const BIND_MS = 10_000
/** The longest that a timer sleeps before it looks again. */
const MAX_SLEEP_MS = 3_600_000
const FROM_PROPOSAL = 'proposal'
const WHY_LIMIT = 50

export class ApprovalDesk implements Approvals {
  readonly #deps: Deps
  /** Something about these turns was decided. */
  readonly #onDecided: (turnIds: readonly string[], approvalIds: readonly string[]) => void
  readonly #listeners = new Set<(approvals: readonly Approval[]) => void>()
  /** Those who want to hear what was asked and answered on other nodes, too. */
  readonly #everywhere = new Set<(approvals: readonly Approval[]) => void>()
  #last: Promise<unknown> = Promise.resolve()
  #timer: NodeJS.Timeout | null = null
  #wakesAt = Infinity

  constructor(deps: Deps, onDecided: (turnIds: readonly string[], approvalIds: readonly string[]) => void) {
    this.#deps = deps
    this.#onDecided = onDecided
  }

  list: Approvals['list'] = (query) => this.#deps.store.approvals.list(query)

  async get(id: string): Promise<Approval> {
    const approval = await this.#deps.store.approvals.get(id)
    if (approval === null) throw new AppError('approval/not-found', id)
    return approval
  }

  resolve(answers: readonly GivenAnswer[], who: Answerer): Promise<readonly Approval[]> {
    return this.#inTurn(async () => {
      if (new Set(answers.map(({ id }) => id)).size < answers.length) throw new AppError('request/invalid', 'two answers to one question')
      const settled: Settled[] = []
      for (const answer of answers) settled.push(await this.#check(answer, who))
      const isNew = settled.some(({ grant }) => grant !== null)
      if (isNew && (await this.#deps.store.approvals.grants()).length >= MAX_GRANTS) throw tooMany()
      return this.#settle(settled)
    })
  }

  grants: Approvals['grants'] = () => this.#deps.store.approvals.grants()

  async revoke(id: string, { by, door }: Answerer): Promise<boolean> {
    const revoked = (await this.#deps.store.approvals.revoke(id)) !== null
    if (revoked) this.#deps.audit.note({ kind: 'grant-revoked', grant: id, by, door })
    return revoked
  }

  async proposal(): ReturnType<Approvals['proposal']> {
    const { approvals } = this.#deps.store
    return proposeGrants(await approvals.shadow(), await approvals.grants())
  }

  applyProposal(hash: string, { by, door }: Answerer): Promise<readonly Grant[]> {
    return this.#inTurn(async () => {
      const { store, audit, clock, tools, log } = this.#deps
      const proposal = await this.proposal()
      if (proposal.hash !== hash) throw new AppError('approval/changed', 'the proposal', { hint: 'Look at it again: cara approvals proposal' })
      const gone = proposal.proposals.find(({ tool }) => !tools.has(tool))
      if (gone !== undefined) throw new AppError('request/invalid', `there is no tool ${gone.tool} any more`)
      if ((await store.approvals.grants()).length + proposal.proposals.length > MAX_GRANTS) throw tooMany()
      const now = clock.now()
      const grants = proposal.proposals.map(({ tool, unlock, values, shape }): Grant => {
        return { id: newId('grt', now), unlock, tool, sessionId: null, values, shape, approvalId: FROM_PROPOSAL, createdAt: now }
      })
      for (const { id, unlock, tool } of grants) await audit.keep({ kind: 'grant-made', grant: id, approval: FROM_PROPOSAL, unlock, tool, by, door })
      await store.approvals.decide([], grants)
      log.info('approval.proposal-applied', { grants: grants.map(({ id }) => id) })
      return grants
    })
  }

  async why(id: string | null): ReturnType<Approvals['why']> {
    const { approvals, refusals } = this.#deps.store
    if (id === null) return { refusals: await refusals.newest(WHY_LIMIT), approvals: [] }
    const one = await approvals.get(id)
    const asked = one === null ? [...(await approvals.ofTurn(id)), ...(await approvals.ofEffect(id))] : [one]
    return { refusals: await refusals.about(id, WHY_LIMIT), approvals: asked.slice(0, WHY_LIMIT) }
  }

  subscribe(listener: (approvals: readonly Approval[]) => void, where: 'here' | 'everywhere' = 'here'): () => void {
    this.#listeners.add(listener)
    if (where === 'everywhere') this.#everywhere.add(listener)
    return () => {
      this.#listeners.delete(listener)
      this.#everywhere.delete(listener)
    }
  }

  /** These were asked or answered on another node. */
  async hear(ids: readonly string[]): Promise<void> {
    const heard: Approval[] = []
    for (const id of ids) {
      const approval = await this.#deps.store.approvals.get(id)
      if (approval !== null) heard.push(approval)
    }
    this.#tell(heard, this.#everywhere)
    for (const { status, expiresAt } of heard) if (status === 'pending') this.#wakeAt(expiresAt)
  }

  /** These were asked: listeners hear of them, and they expire. */
  announce(approvals: readonly Approval[]): void {
    this.#tell(approvals)
    for (const { expiresAt } of approvals) this.#wakeAt(expiresAt)
  }

  /** Refuses what nobody has answered in time. */
  expire(): Promise<void> {
    return this.#inTurn(async () => {
      const { store, clock } = this.#deps
      for (let due = await store.approvals.due(clock.now()); due.length > 0; due = await store.approvals.due(clock.now())) {
        const decided: Decided = { at: clock.now(), by: 'clock', door: 'gateway', unlock: null, input: null, hash: null, note: null }
        await this.#settle(due.map((approval) => ({ approval, decision: { id: approval.id, status: 'expired', decided }, grant: null })))
      }
      const next = await store.approvals.nextExpiry()
      if (next !== null) this.#wakeAt(next)
    })
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#wakesAt = -Infinity
  }

  async #check({ id, hash, decision, unlock = 'once', input, note: said }: GivenAnswer, { by, door }: Answerer): Promise<Settled> {
    const note = said ?? null
    const { clock, tools } = this.#deps
    const approval = await this.get(id)
    const now = clock.now()
    if (approval.status !== 'pending') throw new AppError('approval/decided', approval.status)
    if (approval.expiresAt <= now) throw new AppError('approval/decided', 'expired')
    if (approval.hash !== hash) throw new AppError('approval/changed', id, { hint: 'Look at it again before you answer' })
    if (note !== null && note.length > MAX_NOTE) throw new AppError('request/invalid', `a note holds ${MAX_NOTE} characters`)
    const decided: Decided = { at: now, by, door, unlock: null, input: null, hash: null, note }
    if (decision === 'deny') {
      if (unlock !== 'once' || input !== undefined) throw new AppError('request/invalid', 'what is denied has no unlock and no input')
      return { approval, decision: { id, status: 'denied', decided }, grant: null }
    }
    const tool = tools.get(approval.tool)
    if (tool === undefined) throw new AppError('request/invalid', `there is no tool ${approval.tool} any more`)
    if (!approval.unlocks.includes(unlock)) throw new AppError('request/invalid', `unlock: ${unlock} is not offered (${approval.unlocks.join(', ')})`)
    const isEdited = input !== undefined && canonicalJson(input) !== canonicalJson(approval.input)
    if (isEdited && unlock !== 'once') throw new AppError('request/invalid', 'changed arguments are allowed once')
    const call = callOf(approval, isEdited ? { input, binding: await bindingOf(tool, input) } : approval)
    const allowed: Decided = { ...decided, unlock, hash: callHash(call), input: isEdited ? input : null }
    const grant = unlock === 'once' ? null : { ...grantOf(unlock, call, tool), id: newId('grt', now), approvalId: id, createdAt: now }
    return { approval, decision: { id, status: 'allowed', decided: allowed }, grant }
  }

  /** Receipts first: what was allowed without one would be an effect without the owner's recorded word. */
  async #settle(settled: readonly Settled[]): Promise<readonly Approval[]> {
    const { store, audit, log } = this.#deps
    for (const { approval, decision, grant } of settled) {
      const { by, door, unlock, input, hash } = decision.decided
      const { id, turnId } = approval
      const rules = approval.holds.map(({ rule }) => rule)
      const receipt = { kind: 'approval-decided', approval: id, turn: turnId, rules, by, door, unlock } as const
      await audit.keep({ ...receipt, status: decision.status, call: hash ?? approval.hash, edited: input !== null })
      if (grant !== null) await audit.keep({ kind: 'grant-made', grant: grant.id, approval: id, unlock: grant.unlock, tool: grant.tool, by, door })
    }
    await store.approvals.decide(
      settled.map(({ decision }) => decision),
      settled.flatMap(({ grant }) => (grant === null ? [] : [grant])),
    )
    const decided = settled.map(({ approval, decision }): Approval => ({ ...approval, status: decision.status, decision: decision.decided }))
    log.info('approval.decided', { approvals: decided.map(({ id, status }) => `${id} ${status}`) })
    this.#tell(decided)
    this.#onDecided(
      [...new Set(decided.map(({ turnId }) => turnId))],
      decided.map(({ id }) => id),
    )
    return decided
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#last
    const done = before.then(work, work)
    this.#last = done.catch(() => undefined)
    return done
  }

  #tell(approvals: readonly Approval[], listeners: Iterable<(approvals: readonly Approval[]) => void> = this.#listeners): void {
    for (const listener of listeners) {
      try {
        listener(approvals)
      } catch (error) {
        this.#listeners.delete(listener)
        this.#deps.log.error('listener.defect', { error })
      }
    }
  }

  #wakeAt(time: number): void {
    if (time >= this.#wakesAt) return
    this.#wakesAt = time
    if (this.#timer !== null) clearTimeout(this.#timer)
    const wake = () => {
      this.#wakesAt = Infinity
      this.expire().catch((error: unknown) => {
        this.#deps.log.error('approval.unexpired', { error })
        this.#wakeAt(this.#deps.clock.now() + MAX_SLEEP_MS / 60)
      })
    }
    this.#timer = setTimeout(wake, Math.min(MAX_SLEEP_MS, Math.max(0, time - this.#deps.clock.now()))).unref()
  }
}

function tooMany(): AppError {
  return new AppError('request/invalid', `there can be ${MAX_GRANTS} grants`, { hint: 'Take back what is not needed: cara approvals grants' })
}

function callOf({ callId, tool, turnId, sessionId, effectId }: Approval, { input, binding }: Pick<ToolCall, 'input' | 'binding'>): ToolCall {
  const origin = { author: { kind: 'owner' }, trust: 'trusted', private: false } as const
  return { callId, tool, input, binding, turnId, sessionId, effectId, origin }
}

async function bindingOf(tool: AnyTool, input: ToolCall['input']): Promise<ToolCall['binding']> {
  const parsed = tool.input.safeParse(input)
  if (!parsed.success) throw new AppError('tool/invalid-input', parsed.error.issues[0]?.message)
  return tool.bind === undefined ? null : bindCall(tool, parsed.data, BIND_MS, new AbortController().signal)
}
