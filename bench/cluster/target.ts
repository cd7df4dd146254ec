/** What a cluster under load looks like to the load, whoever made the cluster. */

/** One member's process. */
export interface Member {
  readonly name: string
  readonly pid: number
}

/**
 * What a load asks for. Keys are numbers of {@link keyBytes} digits. A txn has one condition, which holds, and eight puts; a range
 * has {@link rangeKeys} keys. `committed` reads are answered by the node asked, without a barrier: etcd's `serializable`.
 */
export type Operation = 'put' | 'get' | 'get committed' | 'txn' | 'range' | 'range committed'

/** Runs an operation over connection number `at`, from key `number` on. */
export type Send = (at: number, number: number, value: Uint8Array) => Promise<unknown>

/** Connections to the leader of a cluster. */
export interface Connections {
  readonly send: Readonly<Record<Operation, Send>>
  readonly close: () => Promise<void>
}

/** Bytes of each key. */
export const keyBytes = 8
/** Keys of a range read. */
export const rangeKeys = 100
/** Puts of a transaction. */
export const txnPuts = 8

/** A running cluster of three. */
export interface Target {
  /** As it stands in the tables. */
  readonly name: string
  readonly members: readonly Member[]
  /** Name of the member that leads now. */
  readonly leader: () => Promise<string>
  readonly connect: (connections: number) => Promise<Connections>
  readonly stop: () => Promise<void>
}
