/** What the owner has answered about the calls of the model's last answer. Loaded where a turn is taken up again; a fresh one has asked nothing. */
import type { Approval, Decided } from '../contracts/approval.ts'
import type { ToolCallPart } from '../contracts/message.ts'
import type { ToolCall } from '../contracts/tool.ts'
import type { AnswerToCall } from '../guard/approvals/owners-word.ts'
import { callHash } from '../guard/approvals/call-hash.ts'

export interface DecidedApproval extends Approval {
  readonly decision: Decided
}

export class TurnAnswers {
  readonly #turnId: string
  readonly #all: readonly DecidedApproval[]
  /** Each word counts once: a second call like it is another call. */
  readonly #used = new Set<string>()
  #answers: number

  /** `answers`: how many answers the model has given. */
  constructor(turnId: string, answers: number, approvals: readonly Approval[]) {
    this.#turnId = turnId
    this.#answers = answers
    this.#all = approvals.filter((approval): approval is DecidedApproval => approval.decision !== null)
  }

  /** Questions about calls of one answer belong together, and no answer of his speaks of a later one: call ids come again. */
  get group(): string {
    return `${this.#turnId}.${this.#answers}`
  }

  /** What he let go in this turn, in earlier answers of the model too. */
  get allowed(): readonly DecidedApproval[] {
    return this.#all.filter(({ status }) => status === 'allowed')
  }

  get notes(): readonly string[] {
    return this.#all.flatMap(({ decision: { note } }) => (note === null ? [] : [note]))
  }

  nextAnswer(): void {
    this.#answers++
  }

  /** The call as he changed it. */
  asChanged(part: ToolCallPart): ToolCallPart {
    const change = this.about(part.callId).find(({ id, status, decision }) => status === 'allowed' && decision.input !== null && !this.#used.has(id))
    return change === undefined ? part : { ...part, input: change.decision.input }
  }

  answerTo(call: ToolCall): AnswerToCall | null {
    if (this.#all.length === 0) return null
    const about = this.about(call.callId)
    const hash = callHash(call)
    if (about.length === 0) return this.allowed.some(({ decision }) => decision.unlock === 'once' && decision.hash === hash) ? { kind: 'repeated' } : null
    const open = about.filter(({ id, status }) => status === 'allowed' && !this.#used.has(id))
    const allowed = open.find(({ decision }) => decision.hash === hash)
    if (allowed !== undefined) {
      this.#used.add(allowed.id)
      return { kind: 'allowed', approvalId: allowed.id }
    }
    const closed = about.find(({ status }) => status !== 'allowed')
    if (closed !== undefined && closed.status !== 'allowed' && closed.status !== 'pending')
      return { kind: 'refused', status: closed.status, note: closed.decision.note }
    return open.length > 0 ? { kind: 'changed' } : null
  }

  /** What he said with the approval of this id. */
  noteOf(approvalId: string): string | null {
    return this.#all.find(({ id }) => id === approvalId)?.decision.note ?? null
  }

  /** What he answered about calls of this id in the model's last answer, the newest first. */
  about(callId: string): readonly DecidedApproval[] {
    if (this.#all.length === 0) return []
    const { group } = this
    return this.#all.filter((approval) => approval.group === group && approval.callId === callId).toReversed()
  }
}
