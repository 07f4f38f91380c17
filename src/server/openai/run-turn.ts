import type { Approval } from '../../contracts/approval.ts'
import { AppError } from '../../contracts/errors.ts'
import { TEXT_SEPARATOR } from '../../contracts/message.ts'
import type { InboundMessage, Pace, TurnEvent, TurnListener, TurnResult } from '../../contracts/turn.ts'
import type { RouteCall } from '../route.ts'
import { waitingNotice, waitingResult } from './waiting-answer.ts'

/** Hears the events of a turn whose id is known. */
export type TurnHearer = (event: TurnEvent, turnId: string) => void

const CLIENT_GONE = new AppError('turn/cancelled')

/**
 * Submits the message, tells every event once the turn has its id, and resolves with the result. When the client goes away the turn is cancelled at once, unless it is
 * one that somebody else began (a repeated idempotency key), or waits for the owner in a conversation. One that waits too long for the owner is answered with a word about that.
 */
export async function runTurn(
  { response, facts, deps: { gateway, holdConnectionMs, log } }: RouteCall,
  message: InboundMessage,
  hear: TurnHearer,
  pace: Pace,
): Promise<TurnResult> {
  const finished = Promise.withResolvers<TurnResult>()
  // Nobody may wait yet when it is rejected.
  finished.promise.catch(() => undefined)
  const gone = new AbortController()
  const goesOn = message.sessionKey !== null || message.idempotencyKey !== undefined
  let turnId: string | null = null
  let waiting: NodeJS.Timeout | null = null
  const early: TurnEvent[] = []
  const ear = createEar((event) => {
    if (turnId === null) return void early.push(event)
    if (waiting !== null) clearTimeout(waiting)
    waiting = null
    if (event.type === 'approval-requested') {
      const id = turnId
      waiting = setTimeout(() => void answerWaiting(id, event.approvals), holdConnectionMs)
    }
    if (!gone.signal.aborted) tell(event, turnId)
    if (event.type === 'turn-finished') finished.resolve(event.result)
  })
  const tell = (event: TurnEvent, id: string) => {
    try {
      hear(event, id)
    } catch (error) {
      finished.reject(error)
      gone.abort(CLIENT_GONE)
    }
  }
  const answerWaiting = async (id: string, approvals: readonly Approval[]) => {
    ear.close()
    const steps = await gateway.store.turns.open(id).then(
      (turn) => turn?.steps ?? [],
      (error: unknown) => {
        log.warn('turn.unread', { turn: id, error })
        return []
      },
    )
    const notice = waitingNotice(approvals, goesOn)
    const { result, said } = waitingResult({ turnId: id, steps }, message.sessionKey, notice)
    tell({ type: 'text-delta', text: said ? `${TEXT_SEPARATOR}${notice}` : notice }, id)
    tell({ type: 'turn-finished', result }, id)
    gone.signal.removeEventListener('abort', cancel)
    finished.resolve(result)
    if (!goesOn) abort(id, 'nobody can hear the answer')
  }
  const abort = (id: string, reason: string) => {
    gateway.abort({ turnId: id }, reason).catch((error: unknown) => log.warn('turn.unaborted', { turn: id, error }))
  }
  const cancel = () => {
    if (turnId === null) return
    if (waiting === null || !goesOn) return abort(turnId, 'the client went away')
    clearTimeout(waiting)
    ear.close()
    finished.reject(CLIENT_GONE)
  }
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(CLIENT_GONE)
  })
  const accepted = await gateway.submit(facts.principal === null ? message : { ...message, credential: facts.principal.credential }, ear.listen, pace)
  turnId = accepted.turnId
  if (accepted.status === 'repeated') {
    // Its first words may be long gone: it is told whole.
    ear.close()
    const end = await gateway.waitOrAsked(turnId, gone.signal)
    const result = 'turnId' in end ? end : waitingResult({ turnId, steps: [] }, message.sessionKey, waitingNotice(end, true)).result
    if (!gone.signal.aborted) hear({ type: 'turn-finished', result }, turnId)
    return result
  }
  gone.signal.addEventListener('abort', cancel, { once: true })
  if (gone.signal.aborted) cancel()
  for (const event of early) ear.listen(event)
  return finished.promise
}

/** A listener that can be closed: a turn that waits for days must not hold the connection that it came through. */
function createEar(hear: TurnListener): { readonly listen: TurnListener; readonly close: () => void } {
  let open: TurnListener | null = hear
  return {
    listen: (event) => open?.(event),
    close: () => {
      open = null
    },
  }
}
