/** The nodes, as one of them sees them: those that live, and those that were seen within an hour. */
import { DEAD_MS, type ClusterStore, type NodeLoad } from '../../contracts/cluster.ts'

const LISTED_MS = 3_600_000

/** A node as the others see it. */
export interface NodeView extends NodeLoad {
  readonly isAlive: boolean
  /** Since its last sign of life. */
  readonly lagMs: number
  /** Whether it has the configuration of the one that answers. */
  readonly isAlike: boolean
}

export interface NodeList {
  /** The id of the one that answers. */
  readonly self: string
  readonly nodes: readonly NodeView[]
}

/** `now`: by the clock of the database. `config`: of the one that asks. */
export async function listNodes(store: ClusterStore, self: string, config: string, now: number): Promise<NodeList> {
  const nodes = await store.nodes(now - LISTED_MS)
  const view = (node: NodeLoad): NodeView => {
    const lagMs = Math.max(0, now - node.seenAt)
    return { ...node, lagMs, isAlive: lagMs < DEAD_MS, isAlike: node.config === config }
  }
  return { self, nodes: nodes.map(view) }
}
