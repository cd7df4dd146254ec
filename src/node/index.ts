/** The node: replica, port, store and admin in one object. */
export { openNode } from './node.ts'
export type { Node } from './node.ts'
export type { NodeOptions } from './options.ts'
export type { NodeFor } from './auth/node-for.ts'
export { anonymous } from '../../execution/index.ts'
export { restoreSnapshot } from './restore.ts'
export type { RestoreOptions, RestoreResult } from './restore.ts'
export { version } from './version.ts'
