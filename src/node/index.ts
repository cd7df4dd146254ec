/** The node: replica, port, store and admin in one object. */
export { openNode } from './node.ts'
export type { Node, NodeOptions } from './node.ts'
export { restoreSnapshot } from './restore.ts'
export type { RestoreOptions, RestoreResult } from './restore.ts'
export { version } from './version.ts'
