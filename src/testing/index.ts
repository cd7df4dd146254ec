/** Whole Nodes and clients in one process under virtual time: one seed, one run. */
export { Cluster, cluster } from './cluster.ts'
export type { ClusterClient, ClusterOptions } from './cluster.ts'
export { SeededRandom } from './random.ts'
export { simulate } from './simulation.ts'
export type { Simulation, SimulationOptions } from './simulation.ts'
export { Trace, firstDifference } from './trace.ts'
export type { TraceEvent } from './trace.ts'
