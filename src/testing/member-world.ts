/** What the members of a virtual cluster share, and what becomes of what they report. */
import { defaultTiming } from '../replica/index.ts'
import { smallSizes } from './cluster-options.ts'
import type { ClusterOptions } from './cluster-options.ts'
import type { Cluster } from './cluster.ts'
import { defaultDiskTiming } from './disk/disk.ts'
import type { MemberWorld } from './member.ts'
import { nodeLogger } from './node-log.ts'
import { durabilityPoints } from './reached/rows.ts'
import type { CoverageRow, DurabilityPoint } from './reached/rows.ts'

/** As in production. */
export const defaultTickMs: number = defaultTiming.tickMs

/** As in production. */
export const defaultElectionTimeoutMs: number = defaultTiming.electionTicks * defaultTickMs

/** How far clocks run from true time when nothing is said. */
export const defaultSkew: number = 0.005

const endings = {
  sync: 'repair: end after a failed sync',
  full: 'repair: end because the disk was full',
  log: 'repair: damaged log refused',
  identity: 'repair: lost identity refused',
} as const satisfies Record<string, CoverageRow>

/** The world of the members of `cluster`. */
export function memberWorld(cluster: Cluster, options: ClusterOptions): MemberWorld {
  const { time, network, checkers, coverage, violations } = cluster
  return {
    time,
    network,
    programs: options.programs ?? [],
    limits: options.limits ?? {},
    sizes: { ...smallSizes, ...options.sizes },
    tickMs: options.tickMs ?? defaultTickMs,
    electionTimeoutMs: options.electionTimeoutMs ?? defaultElectionTimeoutMs,
    disk: options.disk ?? defaultDiskTiming,
    skew: options.skew ?? defaultSkew,
    logger: (name) => nodeLogger(name, () => time.nowMs, coverage, options.log),
    observer: (name) => checkers.observer(name),
    down: (name) => checkers.down(name),
    failed: (name, code) => checkers.failed(name, code),
    point(_name, point, powerLost) {
      const known = durabilityPoints.find((one): one is DurabilityPoint => one === point)
      if (known === undefined) violations.add('run', `the durability point ${point} is in no row of the coverage table`)
      else if (powerLost) coverage.hit(`power lost at ${known}`)
    },
    ended(name, reason) {
      if (!cluster.names.includes(name)) return
      violations.add('nodes stay up', `at ${time.nowMs.toFixed(0)} ms ${name} ended: ${reason}`)
    },
    gaveUp(name, why) {
      coverage.hit(endings[why])
      if (why === 'log' || why === 'identity') cluster.ruined.add(name)
    },
  }
}
