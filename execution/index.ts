/** The deterministic machine: entries in, results, state and hash out; and everything of `codec.ts`. */
export * from './codec.ts'
export type { EventKind, EventView, EventVisitor, PreviousRecord } from './events.ts'
export { defineProgram } from './define-program.ts'
export type { ProgramDefinition, TypedMethods, TypedProgram, TypedQueries } from './define-program.ts'
export type { BlockReader } from './block-store.ts'
export { blockKey } from './flush.ts'
export { authFlag, knownFlags } from './flags.ts'
export type { Flag } from './flags.ts'
export { Machine } from './machine.ts'
export type { Flush, MachineOptions, ResultSink } from './machine-types.ts'
export { manifestOf } from './manifest.ts'
export type { Manifest } from './manifest.ts'
export { decodeProgramSet, emptyProgramSet, lacking, namesOf, nextActivation, writeProgramSet } from './program-set.ts'
export type { ProgramSet, ProgramVersion } from './program-set.ts'
export { boundsOf } from './range.ts'
export { ProgramError, programErrorDetails } from './program.ts'
export type {
  GrantInput,
  KeyInput,
  LeaseInfo,
  LeaseTransaction,
  LeaseView,
  Method,
  MethodGuard,
  Program,
  ProgramErrorDetails,
  PutOptions,
  Query,
  RangeInput,
  ReadView,
  Transaction,
} from './program.ts'
