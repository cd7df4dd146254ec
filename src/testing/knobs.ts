/**
 * What a run is like, drawn from its seed and printed with it. Every knob is drawn on its own, so that among many runs there
 * are all sorts: with few kinds of faults and with many, close together and far apart (swarm testing).
 */
import type { MachineLimits } from '../../execution/index.ts'
import type { ReplicaSizes } from '../replica/index.ts'
import { clientFaultKinds, faultKinds } from './reached/rows.ts'
import type { ClientFaultKind, DurabilityPoint, FaultKind } from './reached/rows.ts'
import type { DiskTiming } from './disk/disk.ts'
import type { SeededRandom } from './random.ts'

/** How damage to disks is placed. `minority` leaves a quorum of good copies; `any` does not, and then only safety is asked. */
export type DamageRule = 'none' | 'minority' | 'any'

/** A run's knobs. Times are in virtual milliseconds. */
export interface Knobs {
  readonly nodes: number
  /** How long faults strike. */
  readonly faultsMs: number
  /** Whether the cluster has formed before the first fault. */
  readonly formFirst: boolean
  /** Where a node loses power before the cluster has formed, in some runs. */
  readonly firstCrash: DurabilityPoint | undefined
  /** Time between two faults. */
  readonly pauseMs: readonly [min: number, max: number]
  /** How often each kind of fault is chosen, in relation to the others. */
  readonly weights: Readonly<Record<FaultKind, number>>
  /** How often a fault is aimed at the leader rather than at anyone. */
  readonly aimAtLeader: number
  readonly damage: DamageRule
  /** Whether an operator changes the members meanwhile. */
  readonly reconfigure: boolean
  /** Pause between two things that the operator does. */
  readonly operatorPauseMs: readonly [min: number, max: number]
  /** Whether progress is first asked of a bare majority, while the others stay down. */
  readonly coreFirst: boolean
  /** Whether all nodes lose power once more at the end. */
  readonly blackoutAtEnd: boolean
  readonly clients: number
  readonly workers: number
  /** Clients of the state engine: transactions, history, leases, watches. */
  readonly stateClients: number
  /** Clients that lock and elect, the mean pause of a worker of theirs, and the time between two faults of theirs. */
  readonly syncClients: number
  readonly syncEveryMs: number
  /** How long they are there, up to the end of the faults: they cost as much as all the others. */
  readonly syncMs: number
  readonly syncPauseMs: readonly [min: number, max: number]
  /** How often each kind of fault of theirs is chosen. */
  readonly syncWeights: Readonly<Record<ClientFaultKind, number>>
  /** Revisions that the machine keeps by itself. */
  readonly historyRevisions: number
  /** Leases that the machine sweeps at the start of an entry; with few, some are over and still there. */
  readonly leaseExpiries: number
  readonly everyMs: number
  /** A run goes on until this many operations have begun. */
  readonly operations: number
  readonly hurryRate: number
  readonly cancelRate: number
  /** How many of the clients move on to the leader; the others stay with the node that answers them. */
  readonly followRate: number
  /** Sessions the machine keeps; few make it forget clients. */
  readonly sessions: number
  readonly tickMs: number
  readonly electionTimeoutMs: number
  readonly delayMs: readonly [min: number, max: number]
  /** How far clocks run from true time, as a fraction. */
  readonly skew: number
  readonly disk: DiskTiming
  readonly sizes: Partial<ReplicaSizes>
}

/** The machine's limits of a run. */
export function limitsOf({ sessions, historyRevisions, leaseExpiries }: Knobs): Partial<MachineLimits> {
  return { sessions, historyRevisions, leaseExpiriesPerEntry: leaseExpiries }
}

/** At work mostly, a busy time, and hardly a quorum ever. */
const rhythms: readonly (readonly [number, number])[] = [
  [4_000, 12_000],
  [2_000, 6_000],
  [1_000, 3_500],
  [300, 2_500],
]

/** Durability points of a node that forms a cluster; those that are met only then twice. */
const formingPoints: readonly DurabilityPoint[] = [
  'bootstrap:intent-saved',
  'bootstrap:intent-saved',
  'bootstrap:before-form',
  'bootstrap:before-form',
  'state:before-pointer',
  'state:after-pointer',
  'state:before-write',
  'state:after-write',
  'wal:after-write',
  'wal:after-sync',
]

/** These need a damage rule that allows them. */
export const damagingKinds: ReadonlySet<FaultKind> = new Set([
  'rot in the log',
  'misdirected log write',
  'rot in another file',
  'wiped directory',
  'rot in the state',
  'wrong state value',
  'lost state record',
  'lost middle batch',
  'lost last batches',
  'short iterator',
  'empty database',
])

/** Kinds that are much rarer or more common than others. */
const commonness: Partial<Record<FaultKind, number>> = { blackout: 0.2, 'crash at a point': 2 }

/** How often a kind is left out of a run altogether. */
const absentRate = 0.3

/** Draws all knobs. */
export function drawKnobs(random: SeededRandom): Knobs {
  const size = random.between(0, 1)
  const nodes = size < 0.85 ? 3 : size < 0.95 ? 5 : 1
  const lot = random.between(0, 1)
  const damage = lot < 0.3 ? 'none' : lot < 0.9 ? 'minority' : 'any'
  return {
    nodes,
    faultsMs: 60_000,
    formFirst: random.chance(0.8),
    firstCrash: random.chance(0.25) ? random.pick(formingPoints) : undefined,
    pauseMs: random.pick(rhythms),
    weights: drawWeights(random, damage),
    aimAtLeader: random.between(0.1, 0.7),
    damage,
    reconfigure: nodes === 3 && random.chance(0.35),
    operatorPauseMs: random.pick([
      [1_000, 5_000],
      [4_000, 15_000],
    ]),
    coreFirst: random.chance(0.5),
    blackoutAtEnd: random.chance(0.3),
    clients: 3,
    workers: 2,
    stateClients: 2,
    ...drawSync(random.split('sync')),
    historyRevisions: random.split('history').pick([100_000, 100_000, 40]),
    leaseExpiries: random.split('expiries').pick([500, 500, 1]),
    everyMs: random.between(500, 1_000),
    operations: 200,
    hurryRate: random.between(0, 0.25),
    cancelRate: random.between(0, 0.1),
    sessions: random.chance(0.15) ? 2 : 10_000,
    tickMs: random.pick([50, 100]),
    electionTimeoutMs: random.pick([300, 500, 500, 1_000]),
    delayMs: random.pick([
      [0.1, 1],
      [0.2, 3],
      [2, 20],
    ]),
    skew: random.pick([0, 0.005, 0.05, 0.2]),
    disk: drawDisk(random),
    sizes: {
      flushIntervalMs: random.pick([10, 40, 200]),
      logRetainEntries: random.pick([4, 12, 60]),
      logRetainBytes: 16 << 10,
      logSegmentBytes: random.pick([2 << 10, 2 << 10, 8 << 10]),
    },
    followRate: random.pick([0, 0.5, 1]),
  }
}

function drawWeights(random: SeededRandom, damage: DamageRule): Record<FaultKind, number> {
  const weights: Partial<Record<FaultKind, number>> = {}
  for (const kind of faultKinds) {
    const absent = random.chance(absentRate) || (damage === 'none' && damagingKinds.has(kind))
    const most = commonness[kind] ?? (damagingKinds.has(kind) ? 0.5 : 1)
    const weight = random.between(most / 5, most)
    weights[kind] = absent ? 0 : weight
  }
  return weights as Record<FaultKind, number>
}

/** From a source of its own, so that what was drawn before there were such clients stays as it was. */
function drawSync(
  random: SeededRandom,
): Pick<Knobs, 'syncClients' | 'syncEveryMs' | 'syncMs' | 'syncPauseMs' | 'syncWeights'> {
  const weights = clientFaultKinds.map((kind) => [kind, random.chance(absentRate) ? 0 : random.between(0.2, 1)])
  return {
    syncClients: random.pick([0, 0, 0, 2, 3]),
    syncEveryMs: random.between(200, 1_000),
    syncMs: 12_000,
    syncPauseMs: random.pick(rhythms),
    syncWeights: Object.fromEntries(weights) as Record<ClientFaultKind, number>,
  }
}

function drawDisk(random: SeededRandom): DiskTiming {
  const slow = random.pick([1, 1, 4])
  return {
    plainMs: [0.01 * slow, 0.1 * slow],
    syncMs: [0.2 * slow, 2 * slow],
    stallRate: random.pick([0, 0.005, 0.02]),
    stallMs: random.pick([150, 800]),
  }
}

/** The knobs as lines of text. */
export function describeKnobs(knobs: Knobs): string[] {
  return Object.entries(knobs).map(([name, value]: [string, unknown]) => `${name} ${shown(value)}`)
}

function shown(value: unknown): string {
  if (typeof value === 'number') return String(Math.round(value * 1000) / 1000)
  if (Array.isArray(value)) return value.map(shown).join(' to ')
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value)
    .filter(([, one]) => one !== 0)
    .map(([name, one]: [string, unknown]) => `${name} ${shown(one)}`)
    .join(', ')
}
