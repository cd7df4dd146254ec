/** What a client needs to speak to the machine: codecs and limits, without the machine. */
export {
  decodeAuthRevision,
  decodeAuthStatus,
  decodeNames,
  decodePermissions,
  decodeUserInfo,
  encodeAuthArgs,
  encodeGrantPermissionArgs,
} from './auth/codec.ts'
export type { AuthStatus, Permission, UserInfo } from './auth/codec.ts'
export { programPermissionKey } from './auth/names.ts'
export type { Access } from './auth/permission.ts'
export { anonymous } from './auth/principal.ts'
export type { Caller, Principal } from './auth/principal.ts'
export {
  CommandHeader,
  builtins,
  callerOf,
  checkCommand,
  decodeCommand,
  decodeCommandHeader,
  encodeCommand,
  kvMethods,
  leaseMethods,
  sessionIdBytes,
  sessionMethods,
  syncMethods,
  writeSessionHeader,
} from './command.ts'
export type { Command, SessionHeader } from './command.ts'
export { decodeEvents, writeEvent } from './event-codec.ts'
export type { DecodedEvent, DecodedRevision } from './event-codec.ts'
export { EntryBuilder, entryHeaderBytes, readEntryHeader } from './entry.ts'
export type { EntryHeader } from './entry.ts'
export {
  decodeCompactResult,
  decodeDeleteResult,
  decodeGetResult,
  decodeHistoryResult,
  decodePutResult,
  decodeRangeArgs,
  decodeRangeResult,
  encodeCompactArgs,
  encodeDeleteArgs,
  encodeHistoryArgs,
  encodePutArgs,
  encodeRangeArgs,
  readKeyRange,
  writeDelete,
  writeKeyRange,
  writePut,
  writePutArgs,
} from './kv-codec.ts'
export type {
  DeleteResult,
  GetResult,
  HistoryRequest,
  HistoryResult,
  KeyRange,
  KeyVersion,
  KvEntry,
  PutResult,
  RangeRequest,
  RangeResult,
  RangeSort,
} from './kv-codec.ts'
export {
  decodeKeepAliveResult,
  decodeLeaseGrantResult,
  decodeLeaseListResult,
  decodeLeaseRevokeResult,
  decodeTimeToLiveResult,
  encodeKeepAliveArgs,
  encodeLeaseGrantArgs,
  encodeLeaseRevokeArgs,
  encodeTimeToLiveArgs,
} from './lease-codec.ts'
export type { LeaseGrant, LeaseRevoke, LeaseStatus } from './lease-codec.ts'
export { defaultLimits, limitsWith, maxCommandBytes, maxEntryBytes, maxEntryCommands } from './limits.ts'
export type { MachineLimits } from './limits.ts'
export { decodeResult, errorResult, okResult, okStatus } from './result.ts'
export type { Result } from './result.ts'
export { decodeSessionResult, encodeCancelArgs, encodeSessionArgs } from './session-codec.ts'
export {
  decodeAcquireResult,
  decodeSetResult,
  decodeSyncCancelResult,
  decodeSyncRevision,
  encodeAcquireArgs,
  encodeProclaimArgs,
  encodeReleaseArgs,
  encodeSetArgs,
  encodeSyncCancelArgs,
} from './sync/codec.ts'
export type { AcquireAnswer, AcquireRequest, CancelOutcome, SetRequest } from './sync/codec.ts'
export { decodeSyncEntry } from './sync/entry.ts'
export type { SyncEntry, SyncMode } from './sync/entry.ts'
export { acquireIdBytes, decodeSyncKey, syncCellKey, syncKey, syncKinds, syncRange } from './sync/key.ts'
export type { SyncKey, SyncResource } from './sync/key.ts'
export {
  decodeCellResult,
  decodeInspectResult,
  decodeSyncListResult,
  encodeCellArgs,
  encodeInspectArgs,
  encodeSyncListArgs,
} from './sync/query-codec.ts'
export type {
  SyncCell,
  SyncHolding,
  SyncInspection,
  SyncList,
  SyncListItem,
  SyncListRequest,
} from './sync/query-codec.ts'
export type {
  Condition,
  DeleteOperation,
  Grant,
  NumberTarget,
  Operation,
  PutOperation,
  RangeOperation,
  Relation,
  Txn,
  TxnOperation,
} from './txn.ts'
export {
  decodeRemoveResult,
  decodeTxnResult,
  decodeWriteResult,
  encodeRemoveArgs,
  encodeTxnArgs,
  encodeWriteArgs,
} from './txn-codec.ts'
export type { DeleteAnswer, OperationAnswer, PutAnswer, Revised, TxnAnswer } from './txn-codec.ts'
