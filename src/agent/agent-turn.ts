/** What a run of the agent is given: the turn, and what all runs share. */
import type { AuditTrail } from '../contracts/audit.ts'
import type { Clock } from '../contracts/clock.ts'
import type { Log, SecretRegistry } from '../contracts/log.ts'
import type { ToolDefinition } from '../contracts/provider.ts'
import type { JournalStep, Session, Store } from '../contracts/store.ts'
import type { AnyTool } from '../contracts/tool.ts'
import type { InboundMessage, TurnEvent } from '../contracts/turn.ts'
import type { CoreConfig } from '../config/schema.ts'
import type { Classifier } from '../guard/stages/message/classified.ts'
import type { Reporter } from '../guard/stage.ts'
import type { ModelDirectory } from './models.ts'
import type { Questions } from './questions.ts'

export interface AgentDeps {
  readonly models: ModelDirectory
  readonly questions: Questions
  readonly store: Store
  readonly tools: ReadonlyMap<string, AnyTool>
  readonly definitions: readonly ToolDefinition[]
  readonly config: Pick<CoreConfig, 'agent' | 'tools' | 'filesystem' | 'guard' | 'approvals'>
  readonly secrets: SecretRegistry
  /** A second model that looks at text of others; null where the owner wants none. */
  readonly classifier: Classifier | null
  readonly report: Reporter
  readonly audit: AuditTrail
  readonly clock: Clock
  readonly timeZone: string
  readonly log: Log
}

export interface AgentTurn {
  readonly turnId: string
  readonly fence: number
  readonly session: Session | null
  readonly request: InboundMessage
  /** Steps that an earlier process, or this one before it asked the owner, journaled. */
  readonly steps: readonly JournalStep[]
  readonly emit: (event: TurnEvent) => void
  /** Whether anybody hears text as it comes; else it is judged once, when the answer has ended. */
  readonly wantsPieces: () => boolean
}
