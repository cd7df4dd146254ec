/** The harness of the scripts that run real processes. */
export { type CliRun, nitrostate } from './cli.ts'
export { Cluster, type ClusterOptions, type Place, type StartOptions } from './cluster.ts'
export { Load, Promises, writeCounterProgram } from './load.ts'
export { freePorts } from './ports.ts'
export { expect, Failed, type Report } from './report.ts'
export { atExit, main, mainPath, root, type Scene } from './run.ts'
export { type Exit, ServerProcess, type ServerStart } from './server-process.ts'
export { sleep, until } from './wait.ts'
