/** The replica: a consensus core with its disk, clock, links and machine. */
export { callOnce } from './calls.ts'
export {
  encodeConfiguration,
  decodeConfiguration,
  foundingBytes,
  foundingConfiguration,
  isClaimed,
  memberById,
  memberByName,
  memberRole,
} from './configuration.ts'
export type { Configuration, Founder, Member } from './configuration.ts'
export type { Group } from './group.ts'
export type { GroupParts } from './group-types.ts'
export { isMemberName } from './options.ts'
export { planAdd, planJoin, planPromote, planRemove, planReplace } from './membership.ts'
export { defaultSizes, defaultTiming } from './ports.ts'
export type { ReplicaObserver, ReplicaPorts, ReplicaSizes, ReplicaTiming } from './ports.ts'
export { Replica } from './replica.ts'
export { seedName } from './seed.ts'
