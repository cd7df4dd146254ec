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
  decodeDeleteResult,
  decodeGetResult,
  decodePutResult,
  decodeRangeArgs,
  decodeRangeResult,
  encodeDeleteArgs,
  encodePutArgs,
  encodeRangeArgs,
  readKeyRange,
  writeDelete,
  writeKeyRange,
  writePut,
  writePutArgs,
} from './kv-codec.ts'
export type { DeleteResult, GetResult, KeyRange, KvEntry, PutResult, RangeRequest, RangeResult } from './kv-codec.ts'
export { defaultLimits, limitsWith, maxCommandBytes, maxEntryBytes, maxEntryCommands } from './limits.ts'
export type { MachineLimits } from './limits.ts'
export { decodeResult, errorResult, okResult, okStatus } from './result.ts'
export type { Result } from './result.ts'
export { decodeSessionResult, encodeCancelArgs, encodeSessionArgs } from './session-codec.ts'
