/** What the race consists of. */
import { below } from '../../base/index.ts'
import type { Connections, Operation } from '../cluster/target.ts'
import { keyBytes, rangeKeys } from '../cluster/target.ts'
import { seededRandom } from '../harness/random.ts'

/** Parts of the race that can be chosen. */
export const sections = ['put', 'range', 'txn', 'lease', 'watch'] as const

/** One of them. */
export type Section = (typeof sections)[number]

/**
 * What a client does again and again: one of the operations on keys; `keep-alive`, the renewal of a lease of its own; or `watch`, a put to
 * a key of its own that is over when the event has come to its own watch of that key.
 */
export type Work = Operation | 'keep-alive' | 'watch'

/** One load. */
export interface RaceLoad {
  readonly section: Section
  /** As it stands in the tables. */
  readonly title: string
  readonly work: Work
  /** Requests outstanding at any time. */
  readonly clients: number
  readonly connections: number
}

/** Clients of a subject that are ready to begin. */
export interface Driver {
  /** Does the work once as client number `client`. */
  readonly send: (client: number) => Promise<unknown>
  readonly close: () => Promise<void>
}

/** Keys that are there before the race begins: the decimal numbers below it. */
export const keySpace = 10_000
/** Bytes of every value. */
export const valueBytes = 256
/** Seconds that leases live: longer than any load, so that only renewals that are measured are made. */
export const leaseTtlSeconds = 600

const few = [1, 1] as const
const some = [100, 10] as const
const many = [1000, 100] as const
/** As many clients, as programs have them that share a few connections. */
const manyOverFew = [1000, 10] as const

/** The loads, in the order of the tables. */
export const loads: readonly RaceLoad[] = [
  ...each('put', 'put', 'put', few, some, many, manyOverFew),
  ...each('range', 'range 1 key, linearizable', 'get', few, some, many),
  ...each('range', 'range 1 key, serializable', 'get committed', some, many),
  ...each('range', `range ${rangeKeys} keys, linearizable`, 'range', some),
  ...each('range', `range ${rangeKeys} keys, serializable`, 'range committed', some),
  ...each('txn', 'txn of 8 puts', 'txn', some, many),
  ...each('lease', 'lease keep-alive', 'keep-alive', some, many),
  ...each('watch', 'put until its event', 'watch', few, some),
]

/** What each subject does before anything is measured. */
export const warmupLoads: { readonly puts: RaceLoad; readonly reads: RaceLoad } = {
  puts: one('put', 'warm-up of puts', 'put', many),
  reads: one('range', 'warm-up of reads', 'get', many),
}

type Size = readonly [clients: number, connections: number]

function each(section: Section, title: string, work: Work, ...sizes: readonly Size[]): RaceLoad[] {
  return sizes.map((size) => one(section, title, work, size))
}

function one(section: Section, title: string, work: Work, [clients, connections]: Size): RaceLoad {
  return { section, title: `${title}, ${clients}/${connections}`, work, clients, connections }
}

/** Whether the load leaves history behind. */
export function writes({ work }: RaceLoad): boolean {
  return work === 'put' || work === 'txn' || work === 'watch'
}

/** A driver of an operation on keys, over connections of either protocol; every subject meets the same sequence of keys. */
export function keyDriver(connections: Connections, operation: Operation, load: RaceLoad): Driver {
  const random = seededRandom(load.clients)
  const value = random.bytes(valueBytes)
  const send = connections.send[operation]
  // operations on several keys find them all
  const numbers = keySpace - rangeKeys
  return {
    send: (client) => send(client % load.connections, below(random, numbers), value),
    close: connections.close,
  }
}

/** The key that a client of the load `watch` has to itself; never one of the numbers. */
export function watchedKey(client: number): Uint8Array {
  return Buffer.from(`w${String(client).padStart(keyBytes - 1, '0')}`, 'latin1')
}
