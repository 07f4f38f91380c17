/** The only way in: what is not cleared here is not journaled, and what is not journaled is not answered. */
import type { Cleared } from '../contracts/cleared.ts'
import type { SecretRegistry } from '../contracts/log.ts'
import type { InboundMessage } from '../contracts/turn.ts'
import type { CoreConfig } from '../config/schema.ts'
import { keepRefusal, type RefusalKeeping } from '../agent/keep-refusals.ts'
import { inbound, inboundWithClassifier } from '../guard/pipeline.ts'
import type { Classifier } from '../guard/stages/message/classified.ts'
import { clear, clearNow, refusalError, type Decision } from '../guard/run-checkpoint.ts'
import type { Reporter } from '../guard/stage.ts'

export interface IntakeDeps extends RefusalKeeping {
  readonly secrets: SecretRegistry
  readonly report: Reporter
  readonly config: Pick<CoreConfig, 'guard'>
  readonly classifier: Classifier | null
}

/** Throws the refusal. A promise only where a classifier has to be asked. */
export function clearInbound(message: InboundMessage, deps: IntakeDeps, signal: AbortSignal): Cleared<InboundMessage> | Promise<Cleared<InboundMessage>> {
  const { secrets, report, config, classifier } = deps
  const context = { secrets, injection: config.guard.injection }
  if (classifier !== null && message.parts.some(({ origin }) => origin.author.kind !== 'owner' || origin.trust === 'untrusted')) {
    return clear(inboundWithClassifier, message, { ...context, classifier }, report, signal).then((decision) => admitted(decision, deps))
  }
  return admitted(clearNow(inbound, message, context, report), deps)
}

function admitted(decision: Decision<InboundMessage>, keeping: RefusalKeeping): Cleared<InboundMessage> {
  if (!decision.ok) {
    const { stage, why, hint } = decision.refusal
    const id = keepRefusal({ checkpoint: inbound.name, rule: stage, why, hint }, { turnId: null, sessionId: null }, keeping)
    throw refusalError({ ...decision.refusal, hint: `${hint === undefined ? '' : `${hint}. `}cara why ${id}` })
  }
  return decision.value
}

/**
 * A request without a conversation, and without a key by which to ask again, lives as long as its connection: nothing is promised before the answer, which is durable
 * then, and after a crash nobody could hear it.
 */
export function isPromised({ sessionKey, idempotencyKey }: InboundMessage): boolean {
  return sessionKey !== null || idempotencyKey !== undefined
}

/** Why one that was not promised is not gone on with. */
export const nobodyHears = () => new DOMException('Nobody could hear the answer', 'AbortError')
