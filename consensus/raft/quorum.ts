/**
 * Quorum arithmetic: what a majority, or two majorities at once, has acknowledged or voted.
 *
 * A majority configuration is a sorted list of voters. The empty list decides nothing and therefore agrees with
 * everything; that makes a joint configuration with one empty half behave like its other half.
 */
import type { NodeId } from './types.ts'

/** Where each voter stands; undefined when it has not reported. */
export interface AckedIndexer {
  ackedIndex(id: NodeId): number | undefined
}

/** The value of an empty majority: it holds nothing back. */
export const unbounded: number = Number.MAX_SAFE_INTEGER

/** The state of an election. `lost` means that a majority can no longer be reached. */
export type VoteResult = 'pending' | 'lost' | 'won'

/** The number of voters that make a majority of `count`. */
export function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1
}

/** The highest value that a majority of `voters` has reached; a voter that did not report counts as 0. */
export function majorityIndex(voters: readonly NodeId[], acked: AckedIndexer): number {
  const count = voters.length
  if (count === 0) return unbounded
  const sorted: number[] = []
  for (let i = 0; i < count; i++) {
    // insertion sort, descending: groups are small and this runs once per acknowledgement
    const value = acked.ackedIndex(voters[i] as NodeId) ?? 0
    let at = i
    while (at > 0 && (sorted[at - 1] as number) < value) {
      sorted[at] = sorted[at - 1] as number
      at--
    }
    sorted[at] = value
  }
  return sorted[majorityOf(count) - 1] as number
}

/** The highest value that a majority of both lists has reached. */
export function jointIndex(incoming: readonly NodeId[], outgoing: readonly NodeId[], acked: AckedIndexer): number {
  return Math.min(majorityIndex(incoming, acked), majorityIndex(outgoing, acked))
}

/** The result of a vote among `voters`; others' votes do not count. */
export function majorityVote(voters: readonly NodeId[], votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  if (voters.length === 0) return 'won'
  let granted = 0
  let missing = 0
  for (const id of voters) {
    const vote = votes.get(id)
    if (vote === undefined) missing++
    else if (vote) granted++
  }
  const needed = majorityOf(voters.length)
  if (granted >= needed) return 'won'
  return granted + missing >= needed ? 'pending' : 'lost'
}

/** The result of a vote that needs both majorities: lost as soon as one is lost. */
export function jointVote(
  incoming: readonly NodeId[],
  outgoing: readonly NodeId[],
  votes: ReadonlyMap<NodeId, boolean>,
): VoteResult {
  const one = majorityVote(incoming, votes)
  const other = majorityVote(outgoing, votes)
  if (one === other) return one
  if (one === 'lost' || other === 'lost') return 'lost'
  return 'pending'
}
