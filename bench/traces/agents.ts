/**
 * From agents to replicas. An agent's transactions, in the order of its sequence numbers, are cut wherever one does not have
 * the one before it in its past; each piece is a replica. Pieces are numbered by (agent, sequence number).
 *
 * A transaction of a replica may then name its predecessor among its past without a version vector having a hole.
 */

interface Made<Agent> {
  readonly agent: Agent
  /** Grows with the agent's own order. */
  readonly sequence: number
  readonly parents: readonly number[]
}

/** The replica of each transaction. */
export interface Split {
  readonly replicas: number
  readonly replicaOf: readonly number[]
}

/** Cuts agents into totally ordered replicas; `compare` is the order of agents in which ties fall. */
export function splitAgents<Agent>(txns: readonly Made<Agent>[], compare: (a: Agent, b: Agent) => number): Split {
  const order = txns.map((_txn, at) => at)
  order.sort((a, b) => {
    const [x, y] = [txns[a] as Made<Agent>, txns[b] as Made<Agent>]
    return compare(x.agent, y.agent) || x.sequence - y.sequence
  })
  const replicaOf = Array.from({ length: txns.length }, () => 0)
  let replica = -1
  let before: number | undefined
  for (const at of order) {
    const txn = txns[at] as Made<Agent>
    const follows =
      before !== undefined &&
      before < at &&
      compare((txns[before] as Made<Agent>).agent, txn.agent) === 0 &&
      isInPast(txns, before, at)
    if (!follows) replica++
    replicaOf[at] = replica
    before = at
  }
  return { replicas: replica + 1, replicaOf }
}

/** Whether `earlier` is an ancestor of `later`. Nothing below `earlier` is looked at: parents come before children. */
function isInPast(txns: readonly Made<unknown>[], earlier: number, later: number): boolean {
  const seen = new Set<number>()
  const open = [later]
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const parent of (txns[at] as Made<unknown>).parents) {
      if (parent === earlier) return true
      if (parent > earlier && !seen.has(parent)) {
        seen.add(parent)
        open.push(parent)
      }
    }
  }
  return false
}
