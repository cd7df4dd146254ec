/** The deterministic machine: entries in, results, state and hash out. */
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
export { blockKey } from './flush.ts'
export { Machine } from './machine.ts'
export type { Flush, MachineOptions, ResultSink } from './machine.ts'
export { manifestOf } from './manifest.ts'
export type { Manifest, ManifestProgram } from './manifest.ts'
export { ProgramError, programErrorDetails } from './program.ts'
export type {
  KeyInput,
  Method,
  Program,
  ProgramErrorDetails,
  Query,
  RangeInput,
  ReadView,
  Transaction,
} from './program.ts'
