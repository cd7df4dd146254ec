/**
 * Climates: runs that dwell on one kind of trouble. A mutant is looked for where it would do harm, with every seed in its climate,
 * and the product as it is has to pass the same seeds in the same climate.
 */
import type { Knobs } from '../../../src/testing/knobs.ts'
import { faultKinds } from '../../../src/testing/reached/rows.ts'
import type { FaultKind } from '../../../src/testing/reached/rows.ts'

function only(kinds: Partial<Record<FaultKind, number>>): Record<FaultKind, number> {
  return Object.fromEntries(faultKinds.map((kind) => [kind, kinds[kind] ?? 0])) as Record<FaultKind, number>
}

/** Short and dense; what is not said is drawn from the seed. */
const dense: Partial<Knobs> = {
  syncClients: 0,
  nodes: 3,
  faultsMs: 12_000,
  everyMs: 250,
  pauseMs: [200, 1_500],
  blackoutAtEnd: false,
}
const steady: Partial<Knobs> = { ...dense, damage: 'none', reconfigure: false }

const readers: Partial<Knobs> = {
  ...steady,
  faultsMs: 5_000,
  clients: 4,
  workers: 8,
  everyMs: 30,
  hurryRate: 0.05,
  pauseMs: [400, 1_500],
  electionTimeoutMs: 1_000,
  followRate: 0,
  weights: only({ duplicates: 1, 'slow route': 0.5 }),
}

/** Clients lock and elect, and little else is done. */
const lockers: Partial<Knobs> = {
  ...steady,
  syncClients: 3,
  syncEveryMs: 120,
  syncMs: 20_000,
  syncPauseMs: [200, 1_500],
  syncWeights: {
    'client pause': 1,
    'client stall': 0.5,
    'client kill': 0.5,
    'client cut off': 1,
    'client slow route': 1,
  },
  faultsMs: 20_000,
  clients: 1,
  workers: 1,
  stateClients: 0,
  operations: 10,
  sessions: 10_000,
  pauseMs: [800, 4_000],
  electionTimeoutMs: 300,
  historyRevisions: 100_000,
}

const callers: Partial<Knobs> = {
  ...lockers,
  skew: 0,
  syncWeights: {
    'client pause': 0,
    'client stall': 0,
    'client kill': 0,
    'client cut off': 0.2,
    'client slow route': 1,
  },
  weights: only({ crash: 0.5, kill: 0.5, pause: 1, 'slow route': 1 }),
}

/** All climates by name. */
export const climates = {
  /** Leaders die, stand still and are cut off, one after the other, while messages take long. */
  turmoil: {
    ...steady,
    pauseMs: [200, 900],
    aimAtLeader: 0.8,
    electionTimeoutMs: 300,
    delayMs: [2, 20],
    weights: only({ crash: 1, kill: 0.5, pause: 1, partition: 1, 'one way': 1, pair: 1, split: 1, 'slow route': 0.5 }),
  },
  /** Members come and go while leaders change. */
  members: {
    ...dense,
    damage: 'none',
    reconfigure: true,
    operatorPauseMs: [50, 400],
    aimAtLeader: 0.6,
    electionTimeoutMs: 300,
    weights: only({ crash: 1, pause: 1, partition: 1, pair: 1, stop: 1 }),
  },
  /** Members come and go while clients write without a pause, and nothing breaks. */
  crowd: {
    ...dense,
    nodes: 4,
    damage: 'none',
    faultsMs: 3_000,
    workers: 4,
    everyMs: 20,
    reconfigure: true,
    operatorPauseMs: [20, 100],
    delayMs: [2, 60],
    weights: only({}),
  },
  /** Power fails again and again, for one and for all, also in the middle of durable steps. */
  power: {
    ...steady,
    pauseMs: [100, 800],
    aimAtLeader: 0.5,
    weights: only({ crash: 1, 'crash at a point': 1, blackout: 0.3, 'failed sync': 0.5, kill: 0.3 }),
  },
  /** Disks change what was written long ago. */
  rot: {
    ...dense,
    faultsMs: 20_000,
    damage: 'minority',
    reconfigure: false,
    weights: only({
      ...{ crash: 1, stop: 0.5, 'rot in the log': 1, 'misdirected log write': 1, 'wiped directory': 0.5 },
      ...{ 'rot in the state': 1, 'wrong state value': 1, 'lost state record': 0.5 },
    }),
  },
  /** Routes are slow, one-sided, or doubled; processes stand still. */
  routes: {
    ...steady,
    everyMs: 120,
    pauseMs: [150, 900],
    aimAtLeader: 0.7,
    electionTimeoutMs: 300,
    followRate: 0,
    weights: only({
      pause: 1,
      stall: 0.5,
      'one way': 1,
      pair: 1,
      partition: 1,
      split: 0.5,
      'slow route': 1,
      duplicates: 1,
    }),
  },
  /** Leaders fall while their disks are slow and their followers quick: entries of old terms lie about (figure 8). */
  tails: {
    ...steady,
    everyMs: 100,
    pauseMs: [150, 700],
    aimAtLeader: 0.9,
    electionTimeoutMs: 300,
    delayMs: [0.1, 0.5],
    disk: { plainMs: [0.01, 0.1], syncMs: [5, 60], stallRate: 0.05, stallMs: 150 },
    weights: only({
      crash: 1,
      'crash at a point': 1,
      kill: 1,
      pause: 0.5,
      partition: 1,
      'one way': 1,
      pair: 1,
      'slow route': 1,
    }),
  },
  /** Writes stand still for as long as it takes to apply much, and logs are kept short. */
  stalls: {
    ...steady,
    workers: 4,
    everyMs: 40,
    pauseMs: [100, 500],
    aimAtLeader: 0.3,
    electionTimeoutMs: 500,
    delayMs: [0.1, 1],
    disk: { plainMs: [0.01, 0.1], syncMs: [1, 5], stallRate: 0.06, stallMs: 500 },
    sizes: { flushIntervalMs: 200, logRetainEntries: 4, logRetainBytes: 16 << 10, logSegmentBytes: 4 << 10 },
    weights: only({ crash: 1, blackout: 0.2 }),
  },
  /** Clients of the state engine are busy; nodes die and come back, logs are short, and snapshots are frequent. */
  engine: {
    ...steady,
    everyMs: 120,
    stateClients: 3,
    pauseMs: [200, 1_200],
    aimAtLeader: 0.5,
    electionTimeoutMs: 300,
    historyRevisions: 100_000,
    weights: only({ crash: 1, kill: 1, stop: 0.5, pause: 1, partition: 1, 'one way': 0.5, 'slow route': 0.5 }),
  },
  /** The same with a short history. */
  oblivion: {
    ...steady,
    everyMs: 120,
    stateClients: 3,
    pauseMs: [200, 1_200],
    aimAtLeader: 0.5,
    electionTimeoutMs: 300,
    historyRevisions: 40,
    weights: only({ crash: 1, kill: 1, stop: 0.5, pause: 1, partition: 1, 'one way': 0.5, 'slow route': 0.5 }),
  },
  /** A short history again, and flushes so rare that most of what is forgotten has not been written yet. */
  hoard: {
    ...steady,
    everyMs: 40,
    stateClients: 4,
    pauseMs: [400, 2_000],
    aimAtLeader: 0.5,
    historyRevisions: 40,
    sizes: { flushIntervalMs: 3_000, logRetainEntries: 60, logRetainBytes: 64 << 10, logSegmentBytes: 8 << 10 },
    weights: only({ crash: 1, kill: 1, stop: 0.5, pause: 1, partition: 1, 'slow route': 0.5 }),
  },
  /** Many leases are over at once, after leaders have fallen, and are swept one by one while their owners go on renewing them. */
  backlog: {
    ...steady,
    everyMs: 40,
    stateClients: 8,
    pauseMs: [400, 1_500],
    aimAtLeader: 0.9,
    electionTimeoutMs: 500,
    skew: 0.2,
    leaseExpiries: 1,
    weights: only({ crash: 1, kill: 1, pause: 1, partition: 1, stall: 0.5 }),
  },
  /** Clocks run badly wrong, and leaders fall all the time. */
  clocks: {
    ...steady,
    faultsMs: 25_000,
    everyMs: 200,
    stateClients: 3,
    skew: 0.2,
    pauseMs: [400, 2_500],
    aimAtLeader: 0.9,
    electionTimeoutMs: 500,
    weights: only({ crash: 1, kill: 1, pause: 1.5, partition: 1, 'one way': 1, blackout: 0.2 }),
  },
  /** Clients lock and elect with clocks that run badly wrong; they stand still, die and are cut off, and so do nodes. */
  holders: {
    ...lockers,
    skew: 0.2,
    weights: only({ crash: 1, kill: 1, pause: 1, partition: 1, 'one way': 0.5 }),
  },
  /** The same with right clocks, while nodes come and go, with logs that are short. */
  heirs: {
    ...lockers,
    skew: 0,
    pauseMs: [300, 1_500],
    aimAtLeader: 0.7,
    weights: only({ crash: 1, kill: 1, stop: 1, pause: 0.5 }),
  },
  /** Nothing happens to nodes, clocks are right, and what clients say is lost while old answers still come. */
  deaf: {
    ...lockers,
    skew: 0,
    faultsMs: 15_000,
    syncPauseMs: [100, 700],
    syncWeights: {
      'client pause': 0.2,
      'client stall': 0,
      'client kill': 0,
      'client cut off': 1,
      'client slow route': 1,
    },
    weights: only({}),
  },
  /** Answers to clients are late or lost, and hardly any session is. */
  callers,
  /** The machine keeps the answers of few clients. */
  forgetful: { ...steady, sessions: 4, weights: only({ pause: 1, partition: 1, crash: 1, 'slow route': 1 }) },
  /** Many read from followers, who are far from the leader, and what is said comes twice, late and out of order. */
  far: { ...readers, delayMs: [10, 120] },
  /** The same at a distance at which most barriers need one attempt only. */
  near: { ...readers, delayMs: [3, 40] },
  /** Leaders stand still or are cut off from the others, and those who read stay with them. */
  apart: {
    ...readers,
    delayMs: [1, 10],
    electionTimeoutMs: 300,
    pauseMs: [300, 1_200],
    aimAtLeader: 1,
    weights: only({ pause: 1, split: 1 }),
  },
} satisfies Readonly<Record<string, Partial<Knobs>>>

/** The name of a climate. */
export type Climate = keyof typeof climates
