/** Locks, elections and their kin over any engine, and the plain interface in memory or over these. */
export { plainSync } from './plain.ts'
export { EngineSync, createSync } from './sync.ts'
export type { SyncPorts } from './ports.ts'
