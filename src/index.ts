/**
 * NitroState: a consensus-backed distributed state engine.
 *
 * `openNode` embeds a node, `connect` reaches a cluster from outside; both give the same `store`, `leases`, `session`
 * and `programs`. The functions make conditions and operations for transactions.
 */
export { NitroError, errorCodes, isNitroError } from '../base/index.ts'
export type { ErrorCode, ErrorDetails, Executed, Logger, Metrics, Value } from '../base/index.ts'
export { ProgramError, defineProgram } from '../execution/index.ts'
export type {
  LeaseInfo,
  LeaseTransaction,
  LeaseView,
  Method,
  Program,
  PutOptions,
  Query,
  ReadView,
  Transaction,
  TypedProgram,
} from '../execution/index.ts'
export type * from './api/index.ts'
export { connect } from './client/index.ts'
export type { Client, ConnectOptions } from './client/index.ts'
export { del, get, key, keys, put, range, txn } from './store/index.ts'
export { plainSync } from './sync/index.ts'
export { anonymous, openNode, restoreSnapshot } from './node/index.ts'
export type { Node, NodeFor, NodeOptions } from './node/index.ts'
