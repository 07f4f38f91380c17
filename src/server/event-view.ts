/** What clients see of an event of a turn. `turnSeq` numbers the events of a turn where they are kept for some minutes: with it a stream is resumed (`agent.resume`). */
import type { TurnEvent } from '../contracts/turn.ts'
import type { AgentEvent } from '../contracts/ws/agent.ts'
import type { TurnAddress } from '../gateway/gateway.ts'
import { viewApproval } from './approval-view.ts'
import { viewResult } from './turn-view.ts'

export function viewEvent({ turnId, sessionKey }: TurnAddress, event: TurnEvent, seq?: number): AgentEvent {
  const run = { runId: turnId, sessionKey, ...(seq === undefined ? {} : { turnSeq: seq }) }
  switch (event.type) {
    case 'text-delta':
      return { ...run, stream: 'text', data: { delta: event.text } }
    case 'reasoning-delta':
      return { ...run, stream: 'reasoning', data: { delta: event.text } }
    case 'turn-started':
      return { ...run, stream: 'started', data: { model: event.model, demo: event.demo } }
    case 'model-switched':
      return { ...run, stream: 'model_switched', data: { from: event.from, to: event.to, reason: event.reason } }
    case 'model-retried':
      return { ...run, stream: 'model_retried', data: { model: event.model, reason: event.reason, waitMs: event.waitMs } }
    case 'tool-started':
      return { ...run, stream: 'tool_use', data: { callId: event.callId, tool: event.tool, input: event.input } }
    case 'tool-finished':
      return { ...run, stream: 'tool_result', data: { ...event.outcome } }
    case 'approval-requested':
      return { ...run, stream: 'approval', data: { approvals: event.approvals.map(viewApproval) } }
    case 'turn-finished': {
      const { status } = event.result
      const stream = status === 'completed' ? 'complete' : status === 'cancelled' ? 'cancelled' : 'error'
      return { ...run, stream, data: { result: viewResult(event.result) } }
    }
  }
}
