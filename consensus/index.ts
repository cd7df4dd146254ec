/** The ordering protocols: one public list of what drivers and tools use. */
export type { Peer } from './raft/bootstrap.ts'
export { applyChange, changeSimple, enterJoint, leaveJoint, restoreConfiguration } from './raft/changer.ts'
export type { ChangeBase, ChangeResult } from './raft/changer.ts'
export { decodeMessage, encodeMessage, entriesPerMessageMax, messageFormat } from './raft/codec.ts'
export { readConfState, readSnapshot, writeConfState, writeSnapshot } from './raft/codec.ts'
export { changesMax, confChangeOf, decodeConfChange, encodeConfChange, entryTypeOf } from './raft/confchange-codec.ts'
export { asV2, isLeaveJoint, jointModeOf, leaveJointChange } from './raft/confchange.ts'
export type { AnyConfChange, ConfChange, ConfChangeSingle, ConfChangeType } from './raft/confchange.ts'
export type { ConfChangeV2, Transition } from './raft/confchange.ts'
export type { LogLevel, Logger as RaftLogger, RaftConfig, ReadOnlyOption } from './raft/config.ts'
export {
  describeChanges,
  describeConfState,
  describeConfiguration,
  describeEntries,
  describeEntry,
  describeHardState,
  describeMessage,
  describeProgress,
  describeProgressMap,
  describeReady,
  describeRole,
  describeSnapshot,
  describeSoftState,
} from './raft/describe.ts'
export type { EntryFormatter } from './raft/describe.ts'
export { Inflights } from './raft/inflights.ts'
export { MemoryStorage } from './raft/memory-storage.ts'
export { isVoteRequest, localTypes, messageTypes, newMessage, responseTypes } from './raft/message.ts'
export type { Message, MessageType } from './raft/message.ts'
export { Progress } from './raft/progress.ts'
export type { ProgressState } from './raft/progress.ts'
export { jointIndex, jointVote, majorityIndex, majorityOf, majorityVote, unbounded } from './raft/quorum.ts'
export type { AckedIndexer, VoteResult } from './raft/quorum.ts'
export type { StepOutcome } from './raft/raft.ts'
export { RawNode, leavesBeforeSync } from './raft/rawnode.ts'
export type { ConfChangeRef, ProposalRef } from './raft/rawnode.ts'
export type { Ready } from './raft/ready.ts'
export type { BasicStatus, Status } from './raft/status.ts'
export type { InitialState, RaftStorage, StorageFault } from './raft/storage.ts'
export type { TraceEvent, TraceMessage } from './raft/trace.ts'
export { allVoters, confStateOf, emptyConfiguration, isJoint } from './raft/tracker.ts'
export type { Configuration, ProgressMap } from './raft/tracker.ts'
export {
  emptyConfState,
  emptyHardState,
  emptySnapshot,
  entriesSize,
  entrySize,
  equalHardState,
  isEmptyHardState,
  isEmptySnapshot,
  isLocalTarget,
  localAppendThread,
  localApplyThread,
  noEntries,
  noLimit,
  none,
  payloadsSize,
} from './raft/types.ts'
export type { ConfState, Entry, EntryType, HardState, Index, NodeId, ReadState, Role } from './raft/types.ts'
export type { Snapshot, SnapshotMeta, SoftState, Term } from './raft/types.ts'
