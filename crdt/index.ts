/** Values that merge: the public list. */
export { CausalGraph, maxOperations } from './graph/graph.ts'
export type { Dot, Span, VersionVector } from './graph/graph.ts'
export { sameFrontier } from './graph/walk.ts'
