/** The typed interfaces over an engine: the key-value store, leases and sessions, and calls of programs. */
export { key, keys } from './conditions.ts'
export { createLeases } from './leases.ts'
export { del, get, put, range } from './operations.ts'
export { createPrograms } from './programs.ts'
export { Sessions, holderBound, holderMs } from './session.ts'
export type { HolderMs } from './session.ts'
export { createStore } from './store.ts'
export { txn } from './txn.ts'
