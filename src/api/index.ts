/** The interfaces of the product: types and tables only. */
export type * from './admin.ts'
export type * from './engine.ts'
export type * from './leases.ts'
export type * from './programs.ts'
export type * from './store.ts'
export type * from './sync.ts'
export type * from './txn.ts'
export type * from './watch.ts'
