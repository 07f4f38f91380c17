/** Questions to the owner, as doors see them. */
import type { Answer, Approval, Grant, RefusalRecord } from '../contracts/approval.ts'
import type { ApprovalList, ApprovalStore } from '../contracts/approval-store.ts'

/** Who answers, and through which door. */
export interface Answerer {
  /** `Principal.id`. */
  readonly by: string
  readonly door: string
}

export interface Approvals {
  list(query: Parameters<ApprovalStore['list']>[0]): Promise<ApprovalList>
  /** Throws `approval/not-found`. */
  get(id: string): Promise<Approval>
  /**
   * All of them or none; the turns that waited for nothing else go on. Throws `approval/not-found`, `approval/changed`, `approval/decided` (also where it has expired),
   * `tool/invalid-input`, `request/invalid` and `audit/unwritable`. The caller has checked that he may answer.
   */
  resolve(answers: readonly (Answer & { readonly id: string })[], who: Answerer): Promise<readonly Approval[]>
  grants(): Promise<readonly Grant[]>
  /** False when there is none. */
  revoke(id: string, who: Answerer): Promise<boolean>
  proposal(): Promise<Proposal>
  /** Makes the proposed grants, all or none. Throws `approval/changed` where the proposal is not what he was shown (`Proposal.hash`), `request/invalid` and `audit/unwritable`. */
  applyProposal(hash: string, who: Answerer): Promise<readonly Grant[]>
  /** Why something was refused or asked: by the id of a refusal, an approval, a turn or an effect; without one the newest refusals. */
  why(id: string | null): Promise<{ readonly refusals: readonly RefusalRecord[]; readonly approvals: readonly Approval[] }>
  /** Told of questions that were asked or decided, on this node or on any. Returns the way to stop. */
  subscribe(listener: (approvals: readonly Approval[]) => void, where?: 'here' | 'everywhere'): () => void
}

export interface Proposal {
  /** Calls that passed because of shadow mode alone. */
  readonly calls: number
  /** Hex SHA-256 over what is proposed. */
  readonly hash: string
  readonly proposals: readonly {
    readonly tool: string
    readonly unlock: 'destination' | 'always'
    readonly values: readonly string[]
    readonly shape: string | null
    /** Calls that would have passed by it. */
    readonly covers: number
  }[]
}
