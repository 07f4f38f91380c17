import type { ModelEvent } from '../../contracts/provider.ts'

/** Appends an event, joined with the one before it where both are pieces of the same text: what arrives in one network chunk travels on as one event. */
export function appendMerged(events: ModelEvent[], event: ModelEvent): void {
  const last = events.at(-1)
  const joined = last === undefined ? null : join(last, event)
  if (joined === null) events.push(event)
  else events[events.length - 1] = joined
}

function join(last: ModelEvent, event: ModelEvent): ModelEvent | null {
  if (last.type === 'text-delta' && event.type === 'text-delta') return { type: 'text-delta', text: last.text + event.text }
  if (last.type === 'reasoning-delta' && event.type === 'reasoning-delta') return { type: 'reasoning-delta', text: last.text + event.text }
  if (last.type === 'tool-call-delta' && event.type === 'tool-call-delta' && last.callId === event.callId) {
    return { type: 'tool-call-delta', callId: last.callId, text: last.text + event.text }
  }
  return null
}
