/** Tool calls as doors are told of them. What runs and what is kept is not changed. */
import type { TurnEvent } from '../contracts/turn.ts'
import { clearText } from '../guard/outbound-stream.ts'
import type { Reporter } from '../guard/stage.ts'
import type { OutboundContext } from '../guard/stages/message/outbound-facts.ts'
import { cleanJson } from './call-model.ts'

/** A client may render what it is told of a call like a reply, so it passes like one. */
export function toldEvent(event: TurnEvent, context: OutboundContext, report: Reporter): TurnEvent {
  const clean = (text: string) => clearText(text, context, report)
  if (event.type === 'tool-started') return { ...event, input: cleanJson(event.input, clean) }
  if (event.type !== 'tool-finished') return event
  const { input, output } = event.outcome
  return { ...event, outcome: { ...event.outcome, input: cleanJson(input, clean), output: clean(output) } }
}
