/** The deterministic machine: entries in, results, state and hash out; and everything of `codec.ts`. */
export * from './codec.ts'
export type { EventKind, EventView, EventVisitor, PreviousRecord } from './events.ts'
export { defineProgram } from './define-program.ts'
export type { ProgramDefinition, TypedMethods, TypedProgram, TypedQueries } from './define-program.ts'
export { blockKey } from './flush.ts'
export { Machine } from './machine.ts'
export type { Flush, MachineOptions, ResultSink } from './machine.ts'
export { manifestOf } from './manifest.ts'
export type { Manifest, ManifestProgram } from './manifest.ts'
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
