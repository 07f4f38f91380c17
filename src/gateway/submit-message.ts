/** How a message comes in: the guard, a place in its conversation, the journal, and only then its turn. */
import type { JournaledMessage } from '../contracts/store.ts'
import { AppError } from '../contracts/errors.ts'
import { FIRST_FENCE } from '../contracts/turn-lease.ts'
import { sentBy } from '../contracts/turn.ts'
import { newId } from '../std/ids.ts'
import type { Clock } from '../contracts/clock.ts'
import type { AgentDeps } from '../agent/agent-turn.ts'
import type { Company } from './company.ts'
import type { Gateway } from './gateway.ts'
import { clearInbound, isPromised } from './intake.ts'
import type { Lanes } from './lanes.ts'
import type { LeaseWatch } from './lease-watch.ts'
import type { RunningTurns } from './running-turns.ts'
import type { TurnRunner } from './turn-runner.ts'

export interface SubmitDeps {
  readonly agent: AgentDeps
  readonly company: Company
  readonly lanes: Lanes
  readonly turns: RunningTurns
  readonly watch: LeaseWatch
  readonly runner: TurnRunner
  readonly clock: Clock
  readonly stopping: AbortSignal
}

export function createSubmit({ agent, company, lanes, turns, watch, runner, clock, stopping }: SubmitDeps): Gateway['submit'] {
  const { store } = agent
  return async (message, listener, pace = 'pieces') => {
    if (stopping.aborted) throw new AppError('gateway/stopping')
    const clearance = clearInbound(message, { ...agent, refusals: store.refusals }, stopping)
    const request = clearance instanceof Promise ? await clearance : clearance
    await agent.models.resolve(request.options.model ?? null)
    const turnId = newId('turn', clock.now())
    const { sessionKey } = request
    const running = turns.add({ turnId, sessionKey }, listener === undefined ? null : { listener, pace }, request.credential)
    const lane = company.laneOf(sessionKey)
    const queued = lanes.isBusy(lane)
    const accepted = Promise.withResolvers<JournaledMessage | null>()
    try {
      // The place in the lane is taken before the journal is written, so that the order of arrival is the order of the conversation. The model may be asked as soon as the
      // message survives this process; nobody hears of it before it also survives a power cut.
      lanes.enter(lane, async () => {
        const kept = await accepted.promise
        if (kept === null || kept.repeatedOf !== null || kept.isBehind) return
        return runner.run({ turnId, sessionId: kept.sessionId, fence: FIRST_FENCE, request, steps: [] }, running)
      })
      const room = company.admit(turnId, sessionKey)
      if (room !== null) await room
      const kept = await store.turns.accept({ turnId, request, now: clock.now(), queued, lease: watch.lease() })
      if (kept.repeatedOf === null) {
        agent.audit.note({ kind: 'turn-accepted', turn: turnId, session: kept.sessionId, door: request.door, by: sentBy(request) })
      }
      const durable = isPromised(request) ? kept.durable() : null
      if (durable !== null) running.holdUntil(durable)
      accepted.resolve(kept)
      if (durable !== null) await durable
      if (kept.isBehind) await company.waitBehind(turnId)
      if (kept.repeatedOf === null) return { turnId, sessionId: kept.sessionId, sessionKey, status: queued || kept.isBehind ? 'queued' : 'started' }
      await company.letGo(turnId)
      turns.remove(turnId)
      if (listener !== undefined) {
        const first = turns.get(kept.repeatedOf) ?? (await company.find(kept.repeatedOf))
        first?.listen(listener, pace)
      }
      return { turnId: kept.repeatedOf, sessionId: kept.sessionId, sessionKey, status: 'repeated' }
    } catch (error) {
      accepted.resolve(null)
      await company.letGo(turnId)
      turns.remove(turnId)
      throw error
    }
  }
}
