import { AppError } from '../../contracts/errors.ts'
import type { InboundMessage, TurnEvent, TurnResult } from '../../contracts/turn.ts'
import type { RouteCall } from '../route.ts'

/** Hears the events of a turn whose id is known. */
export type TurnHearer = (event: TurnEvent, turnId: string) => void

const CLIENT_GONE = new AppError('turn/cancelled')

/**
 * Submits the message, tells every event once the turn has its id, and resolves with the result. When the client goes away the turn is cancelled at once, unless it is
 * one that somebody else began (a repeated idempotency key).
 */
export async function runTurn({ response, facts, deps: { gateway } }: RouteCall, message: InboundMessage, hear: TurnHearer): Promise<TurnResult> {
  const finished = Promise.withResolvers<TurnResult>()
  // Nobody may wait yet when it is rejected.
  finished.promise.catch(() => undefined)
  const gone = new AbortController()
  let turnId: string | null = null
  let isRepeat = false
  const early: TurnEvent[] = []
  const listen = (event: TurnEvent) => {
    if (isRepeat) return
    if (turnId === null) return void early.push(event)
    if (!gone.signal.aborted) tell(event, turnId)
    if (event.type === 'turn-finished') finished.resolve(event.result)
  }
  const tell = (event: TurnEvent, id: string) => {
    try {
      hear(event, id)
    } catch (error) {
      finished.reject(error)
      gone.abort(CLIENT_GONE)
    }
  }
  const cancel = () => {
    if (turnId !== null) gateway.abort({ turnId }, 'the client went away')
  }
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(CLIENT_GONE)
  })
  const accepted = await gateway.submit(facts.principal === null ? message : { ...message, credential: facts.principal.credential }, listen)
  turnId = accepted.turnId
  if (accepted.status === 'repeated') {
    // Its first words may be long gone: it is told whole.
    isRepeat = true
    const result = await gateway.wait(turnId, gone.signal)
    if (!gone.signal.aborted) hear({ type: 'turn-finished', result }, turnId)
    return result
  }
  gone.signal.addEventListener('abort', cancel, { once: true })
  if (gone.signal.aborted) cancel()
  for (const event of early) listen(event)
  return finished.promise
}
