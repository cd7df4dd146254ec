/**
 * The first entries of a group: one configuration change per founding member, equal on all of them.
 */
import { NitroError, emptyBytes } from '../../base/index.ts'
import { asV2 } from './confchange.ts'
import type { ConfChange } from './confchange.ts'
import { encodeConfChange } from './confchange-codec.ts'
import { applyConfChange } from './membership.ts'
import type { Raft } from './raft.ts'
import { none } from './types.ts'
import type { Entry, NodeId } from './types.ts'

/** A founding member; `context` comes back in the entry that adds it. */
export interface Peer {
  readonly id: NodeId
  readonly context?: Uint8Array
}

/** Fills an empty log. Throws InvalidArgument if there are no peers or the log is not empty. */
export function bootstrapGroup(raft: Raft, peers: readonly Peer[]): void {
  if (peers.length === 0) throw new NitroError('InvalidArgument', 'a group needs at least one peer')
  if (raft.log.lastIndex() !== 0) throw new NitroError('InvalidArgument', 'storage is not empty')
  raft.becomeFollower(1, none)
  const changes = peers.map(({ id, context }): ConfChange => ({
    version: 1,
    type: 'addNode',
    nodeId: id,
    context: context ?? emptyBytes,
  }))
  const entries = changes.map((change, i): Entry => {
    return { term: 1, index: i + 1, type: 'confChange', data: encodeConfChange(change) }
  })
  raft.log.append(entries)
  raft.log.committed = entries.length
  // In force at once, so that a node can campaign before it has applied them; applying them again changes nothing.
  for (const change of changes) applyConfChange(raft, asV2(change))
}
