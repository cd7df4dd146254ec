/** What a client needs to speak to the machine: codecs and limits, without the machine. */
export {
  CommandHeader,
  builtins,
  checkCommand,
  decodeCommand,
  decodeCommandHeader,
  encodeCommand,
  kvMethods,
  leaseMethods,
  sessionIdBytes,
  sessionMethods,
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
export type {
  Condition,
  DeleteOperation,
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
