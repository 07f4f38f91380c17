/**
 * What a gateway does more where it shares its store: it says that it lives, keeps the events of its turns where others can read them, hears theirs, and takes up what is next and nobody carries on.
 * Order and ownership stand in the database: a signal that is lost costs a second, never an effect.
 */
import { DEAD_MS, EVENTS_KEPT_MS, type ClusterStore, type NodeLoad, type Signal } from '../../contracts/cluster.ts'
import type { Clock } from '../../contracts/clock.ts'
import type { TurnLeases } from '../../contracts/turn-lease.ts'
import type { TurnEvent, TurnResult } from '../../contracts/turn.ts'
import { newId } from '../../std/ids.ts'
import type { Company, CompanyParts, Place } from '../company.ts'
import type { TurnAddress } from '../gateway.ts'
import type { ClusterDeps, ClusterHooks } from './cluster-parts.ts'
import { EventFollower } from './event-follower.ts'
import { EventRecorder } from './event-recorder.ts'
import { HeldTurns } from './held-turns.ts'
import { listNodes, type NodeList } from './list-nodes.ts'
import { SharedTurns } from './shared-turns.ts'
import { SharedWork } from './shared-work.ts'

const BEAT_MS = 1000
const MAX_LEFT = 100
/** Taken from dead nodes at once: the others take some, too. */
const MAX_TAKEN = 50
const TAKEN_MS = 5000
const SILENT_MS = 2000
/** Looked at with each sign of life, in turns. */
const MAX_SILENT = 20
const PRUNE_MS = 60_000

export class Cluster implements Place {
  readonly id: string
  readonly leases: TurnLeases
  /** By the database. */
  readonly clock: Clock
  readonly work: SharedWork
  readonly record = ({ turnId }: TurnAddress, event: TurnEvent) => this.#recorder.record(turnId, event)
  readonly #deps: ClusterDeps
  readonly #mine = new Set<string>()
  readonly #recorder: EventRecorder
  readonly #follower: EventFollower
  readonly #held: HeldTurns
  readonly #startedAt: number
  readonly #listeners = new Map<(signal: Signal) => void, () => void>()
  #hooks: ClusterHooks | null = null
  #url = ''
  #offset = 0
  #others: readonly NodeLoad[] = []
  #isDrained = false
  #timer: NodeJS.Timeout | null = null
  #stopListening: (() => Promise<void>) | null = null
  #prunedAt = 0
  #isBeating = false

  constructor(deps: ClusterDeps) {
    const { cluster, turns, clock, log } = deps
    this.#deps = deps
    this.#startedAt = clock.now()
    this.id = newId('node', this.#startedAt)
    this.clock = { ...clock, now: () => clock.now() + this.#offset, sleep: (ms, signal) => clock.sleep(ms, signal) }
    this.leases = { ...turns.leases, lapsed: (now) => this.#takeLapsed(now) }
    this.#held = new HeldTurns(cluster.order, this.id)
    this.work = new SharedWork({ kept: cluster.work, node: this.id, now: () => this.clock.now(), log })
    const tell = (turn: TurnAddress, event: TurnEvent, seq: number) => {
      this.#follower.heard(turn.turnId, seq, event.type === 'turn-finished')
      this.#hooks?.tell(turn, event, seq)
    }
    this.#recorder = new EventRecorder({ events: cluster.events, node: this.id, now: () => this.clock.now(), log, tell })
    this.#follower = new EventFollower({
      events: cluster.events,
      log,
      hear: (turnId, sessionKey, { event, seq }) => {
        this.#hooks?.hear({ turnId, sessionKey }, event)
        this.#hooks?.tell({ turnId, sessionKey }, event, seq)
      },
    })
  }

  company(parts: CompanyParts): Company {
    return new SharedTurns(this, parts)
  }

  /** It takes nothing new. */
  get isDrained(): boolean {
    return this.#isDrained
  }

  /** Whether somebody on another node hears turns as they come. */
  get isHeardElsewhere(): boolean {
    return this.#others.some(({ hears }) => hears)
  }

  get store(): ClusterStore {
    return this.#deps.cluster
  }

  /** Before the first turn: clock and place among the nodes. */
  async join(hooks: ClusterHooks): Promise<void> {
    this.#hooks = hooks
    await this.#beat()
    this.#stopListening = await this.#deps.cluster.listen(
      (signal) => this.#hear(signal),
      () => {
        for (const onGap of this.#listeners.values()) onGap()
        void this.#beat()
      },
    )
    this.#timer = setInterval(() => void this.#beat(), BEAT_MS).unref()
  }

  listensAt(url: string): void {
    this.#url = url
  }

  /** `onGap`: something may have been missed. */
  subscribe(listener: (signal: Signal) => void, onGap: () => void = () => undefined): () => void {
    this.#listeners.set(listener, onGap)
    return () => this.#listeners.delete(listener)
  }

  /** This node is about to accept or to claim it. */
  reserve(turnId: string): void {
    this.#mine.add(turnId)
  }

  isMine(turnId: string): boolean {
    return this.#mine.has(turnId)
  }

  carry(turn: TurnAddress, fence: number): void {
    this.#mine.add(turn.turnId)
    this.#recorder.begin(turn, fence)
  }

  /** It has ended, waits, or somebody else has it: from now on this node hears of it like the others. */
  async letGo(turnId: string): Promise<void> {
    await this.#recorder.close(turnId)
    this.#mine.delete(turnId)
  }

  /** Somebody here waits for a turn that another node carries on. */
  async follow(turnId: string): Promise<void> {
    this.#follower.follow(turnId, await this.#deps.cluster.events.last(turnId))
  }

  /** Tells the others; that nobody could hear it is no fault of what happened. */
  send(signal: Signal): void {
    this.#deps.cluster.send(signal).catch((error: unknown) => this.#deps.log.warn('signal.unsent', { kind: signal.kind, error }))
  }

  /** A turn has ended: what waited behind it in its conversation is next. */
  async next(sessionId: string): Promise<void> {
    if (this.#isDrained) return
    const turnId = await this.#deps.cluster.order.next(sessionId)
    if (turnId !== null && !this.#mine.has(turnId)) await this.#hooks?.takeUp([turnId])
  }

  list(): Promise<NodeList> {
    return listNodes(this.#deps.cluster, this.id, this.#deps.facts().config, this.clock.now())
  }

  async leave(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    await this.#stopListening?.()
    await Promise.all([...this.#mine].map((turnId) => this.letGo(turnId)))
    await this.work.settled()
    await this.#deps.cluster.leave(this.id)
  }

  #hear(signal: Signal): void {
    if ('node' in signal && signal.node === this.id) return
    if (signal.kind === 'events') {
      const isHeard = this.#hooks?.isHeard(signal.turn) === true
      if (isHeard && !this.#recorder.isOpen(signal.turn)) this.#follower.signalled(signal.turn, signal.session, signal.seq)
    } else if (signal.kind === 'abort') this.#hooks?.abort(signal.turns, signal.reason)
    else if (signal.kind === 'approvals') this.#hooks?.approvals(signal.ids)
    else if (signal.kind === 'work') void this.work.look()
    else if (signal.kind === 'nodes') void this.#beat()
    this.#tell(signal)
  }

  #tell(signal: Signal): void {
    for (const listener of this.#listeners.keys()) listener(signal)
  }

  async #beat(): Promise<void> {
    if (this.#isBeating) return
    this.#isBeating = true
    const { cluster, facts, clock, log } = this.#deps
    try {
      const before = clock.now()
      const { now, draining, settings } = await cluster.beat({
        ...facts(),
        id: this.id,
        url: this.#url,
        hears: this.#hooks?.hears() === true,
        startedAt: this.#startedAt,
      })
      this.#offset = Math.round(now - (before + clock.now()) / 2)
      if (draining !== this.#isDrained) log.info(draining ? 'node.drained' : 'node.undrained', { node: this.id })
      this.#isDrained = draining
      this.#tell({ kind: 'settings', version: settings })
      this.#others = (await cluster.nodes(now - DEAD_MS)).filter(({ id }) => id !== this.id)
      this.#hooks?.lost(await this.#held.compare(this.#mine, this.#recorder.open()))
      await this.#hooks?.look()
      if (!this.#isDrained) await this.#hooks?.takeUp(await cluster.order.left(MAX_LEFT))
      await this.#lookForEnds()
      await this.work.look()
      this.#follower.forget((turnId) => this.#hooks?.isHeard(turnId) === true)
      if (before - this.#prunedAt >= PRUNE_MS) {
        this.#prunedAt = before
        await cluster.events.prune(now - EVENTS_KEPT_MS)
        await cluster.work.prune(now - EVENTS_KEPT_MS)
      }
    } catch (error) {
      log.warn('node.unseen', { error })
    } finally {
      this.#isBeating = false
    }
  }

  /** Held by this node from then on, until it runs them or lets them go. */
  async #takeLapsed(now: number): Promise<readonly string[]> {
    if (this.#isDrained) return []
    const taken = await this.#deps.cluster.order.takeLapsed({ owner: this.id, until: now + TAKEN_MS }, now, MAX_TAKEN)
    for (const turnId of taken) this.#mine.add(turnId)
    return taken
  }

  /** An end that nobody told of: whoever carried the turn on died right after it. */
  async #lookForEnds(): Promise<void> {
    for (const turnId of this.#follower.silent(SILENT_MS, MAX_SILENT)) {
      if (this.#mine.has(turnId)) continue
      const result: TurnResult | null = await this.#deps.turns.result(turnId)
      if (result === null) continue
      this.#follower.heard(turnId, 0, true)
      const event = { type: 'turn-finished', result } as const
      this.#hooks?.hear({ turnId, sessionKey: result.sessionKey }, event)
      this.#hooks?.tell({ turnId, sessionKey: result.sessionKey }, event)
    }
  }
}
