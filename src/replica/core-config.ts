/** How the Node configures its core. */
import { RawNode } from '../../consensus/index.ts'
import type { HardState, Snapshot } from '../../consensus/index.ts'
import type { GroupOptions, GroupParts } from './group-types.ts'

const inflightMsgsMax = 256
const appendBytesMax = 1 << 20
const uncommittedBytesMax = 64 << 20

/** A core on this member's log; `snapshot` gives the newest flushed position, if there is one. */
export function makeCore(
  parts: GroupParts,
  options: GroupOptions,
  snapshot: () => Snapshot | 'snapshotTemporarilyUnavailable',
): RawNode {
  const { log, position, raftId } = parts
  const { timing, ports } = options
  return new RawNode({
    id: raftId,
    electionTick: timing.electionTicks,
    heartbeatTick: 1,
    applied: position.index,
    asyncStorageWrites: true,
    maxSizePerMsg: appendBytesMax,
    maxCommittedSizePerReady: 4 * appendBytesMax,
    maxUncommittedEntriesSize: uncommittedBytesMax,
    maxInflightMsgs: inflightMsgsMax,
    maxInflightBytes: 16 * appendBytesMax,
    checkQuorum: true,
    preVote: true,
    disableProposalForwarding: true,
    stepDownOnRemoval: true,
    random: (bound) => Math.floor((ports.random.u32() / 0x1_0000_0000) * bound),
    logger: (level, message) => {
      if (level === 'debug' || level === 'info') ports.logger.debug({}, message)
      else ports.logger.warn({}, message)
    },
    storage: {
      initialState: () => ({
        hardState: atLeast(log.hardState, position.index),
        confState: position.configuration.confState,
      }),
      entries: (lo, hi, maxBytes) => log.entries(lo, hi, maxBytes),
      term: (index) => log.term(index),
      firstIndex: () => log.firstIndex(),
      lastIndex: () => log.lastIndex(),
      snapshot,
    },
  })
}

/** What is applied is committed; the recovered hard state may not know it, because commit indexes are not synced. */
function atLeast(hardState: HardState, commit: number): HardState {
  return commit > hardState.commit ? { ...hardState, commit } : hardState
}
