/** Whose words the plans of a model are. */
import type { JobAuthor } from '../contracts/schedule.ts'
import type { StoredTurn } from '../contracts/store.ts'
import type { ToolCall } from '../contracts/tool.ts'

/** The turn that a call belongs to. */
export type TurnOf = (turnId: string) => Promise<Pick<StoredTurn, 'request'> | null>

/** The model's own, never more trusted than what the conversation has seen. Null where the turn itself came of such a plan: it makes no other one. */
export async function modelAuthor({ turnId, origin: { trust, private: isPrivate } }: ToolCall, turnOf: TurnOf): Promise<JobAuthor | null> {
  const turn = await turnOf(turnId)
  if (turn === null || turn.request.sender.kind === 'model') return null
  return { origin: { author: { kind: 'model', name: 'agent' }, trust, private: isPrivate }, credential: turn.request.credential ?? null, by: 'model' }
}
