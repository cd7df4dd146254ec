/** What a client needs to speak to the machine: codecs and limits, without the machine. */
export {
  CommandHeader,
  builtins,
  checkCommand,
  decodeCommand,
  decodeCommandHeader,
  encodeCommand,
  kvMethods,
  sessionIdBytes,
  sessionMethods,
  writeSessionHeader,
} from './command.ts'
export type { Command, SessionHeader } from './command.ts'
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
export { defaultLimits, limitsWith, maxCommandBytes, maxEntryBytes, maxEntryCommands } from './limits.ts'
export type { MachineLimits } from './limits.ts'
export { decodeResult, errorResult, okResult, okStatus } from './result.ts'
export type { Result } from './result.ts'
export { decodeSessionResult, encodeCancelArgs, encodeSessionArgs } from './session-codec.ts'
