/** The only way in: what is not cleared here is not journaled, and what is not journaled is not answered. */
import type { Cleared } from '../contracts/cleared.ts'
import type { SecretRegistry } from '../contracts/log.ts'
import type { InboundMessage } from '../contracts/turn.ts'
import type { CoreConfig } from '../config/schema.ts'
import { inbound } from '../guard/pipeline.ts'
import { clearNow, refusalError } from '../guard/run-checkpoint.ts'
import type { Reporter } from '../guard/stage.ts'

/** Throws the refusal. */
export function clearInbound(
  message: InboundMessage,
  { secrets, report, config }: { readonly secrets: SecretRegistry; readonly report: Reporter; readonly config: Pick<CoreConfig, 'guard'> },
): Cleared<InboundMessage> {
  const decision = clearNow(inbound, message, { secrets, injection: config.guard.injection }, report)
  if (!decision.ok) throw refusalError(decision.refusal)
  return decision.value
}
