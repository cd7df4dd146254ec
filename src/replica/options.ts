/** What a replica is opened with: validated once, here, with errors that say what to change. */
import { NitroError } from '../../base/index.ts'
import { manifestOf } from '../../execution/index.ts'
import type { MachineLimits, Program } from '../../execution/index.ts'
import { parseAddress } from '../../net/index.ts'
import { defaultSizes, defaultTiming } from './ports.ts'
import type { ReplicaSizes, ReplicaTiming } from './ports.ts'

/** Options of a replica, complete. */
export interface ReplicaOptions {
  readonly name: string
  /** Where log, state and identity live; a path of the Files and Kv ports. */
  readonly dataDir: string
  /** `host:port` that peers and clients use; what was bound if nothing else is advertised. */
  readonly address: string
  /** Founding members by name, this one included. */
  readonly peers: Readonly<Record<string, string>>
  /** Addresses of a running cluster to join; empty to form one. */
  readonly join: readonly string[]
  /** What a joining node wants to be. */
  readonly target: 'voter' | 'learner'
  readonly programs: readonly Program[]
  /** Numbers of the flags this node can run; undefined for all that the release knows. */
  readonly flags: readonly number[] | undefined
  /** Whether every method runs twice, to find those that are not deterministic. */
  readonly checkPrograms: boolean
  /** Limits of the machine that differ from the defaults; the same on every member. */
  readonly limits: Partial<MachineLimits>
  readonly timing: ReplicaTiming
  readonly sizes: ReplicaSizes
}

/** The parts of {@link ReplicaOptions} that have defaults. */
export interface ReplicaSettings {
  readonly name: string
  readonly dataDir: string
  readonly address: string
  readonly peers?: Readonly<Record<string, string>> | undefined
  readonly join?: readonly string[] | undefined
  readonly learner?: boolean | undefined
  readonly programs?: readonly Program[] | undefined
  readonly flags?: readonly number[] | undefined
  readonly checkPrograms?: boolean | undefined
  readonly limits?: Partial<MachineLimits> | undefined
  readonly timing?: Partial<ReplicaTiming> | undefined
  readonly sizes?: Partial<ReplicaSizes> | undefined
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

/** Whether a member may have this name: 1 to 63 letters, digits, dots, dashes or underscores. */
export function isMemberName(name: string): boolean {
  return namePattern.test(name)
}

/** Fills in defaults. Throws `InvalidArgument`. */
export function resolveOptions(settings: ReplicaSettings): ReplicaOptions {
  const { name, address } = settings
  const peers = settings.peers ?? {}
  const join = settings.join ?? []
  if (!isMemberName(name))
    bad('name', `${JSON.stringify(name)} is not 1 to 63 letters, digits, dots, dashes or underscores`)
  if (join.length > 0 && Object.keys(peers).length > 0) {
    bad('join', 'give either peers (to form a cluster) or join (to enter one), not both')
  }
  for (const [peer, at] of Object.entries(peers)) {
    if (!isMemberName(peer)) bad('peers', `${JSON.stringify(peer)} is not a name`)
    parseAddress(at)
  }
  for (const at of join) parseAddress(at)
  if (Object.keys(peers).length > 0 && !Object.hasOwn(peers, name)) {
    bad('peers', `${name} itself is missing; peers lists every founding member: ${Object.keys(peers).join(', ')}`)
  }
  if (new Set(Object.values(peers)).size < Object.keys(peers).length) bad('peers', 'two members have the same address')
  const timing = { ...defaultTiming, ...settings.timing }
  const sizes = { ...defaultSizes, ...settings.sizes }
  if (!(timing.tickMs >= 1 && timing.tickMs <= 10_000)) bad('tickMs', 'must be 1 to 10,000 milliseconds')
  if (!(Number.isInteger(timing.electionTicks) && timing.electionTicks >= 3)) bad('electionTicks', 'must be 3 or more')
  for (const [key, value] of Object.entries(sizes)) {
    if (!(value >= 1)) bad(key, 'must be a positive number')
  }
  if (sizes.logSegmentBytes % 512 !== 0 || sizes.logSegmentBytes < 1024) {
    bad('logSegmentBytes', 'must be a multiple of 512 from 1,024 on')
  }
  // Refused here, before a directory is locked.
  manifestOf(settings.programs ?? [], settings.limits)
  return {
    name,
    dataDir: settings.dataDir,
    address,
    peers: Object.keys(peers).length > 0 || join.length > 0 ? peers : { [name]: address },
    join,
    target: settings.learner === true ? 'learner' : 'voter',
    programs: settings.programs ?? [],
    flags: settings.flags,
    checkPrograms: settings.checkPrograms === true,
    limits: settings.limits ?? {},
    timing,
    sizes,
  }
}

function bad(option: string, why: string): never {
  throw new NitroError('InvalidArgument', `${option}: ${why}`, { details: { option } })
}
