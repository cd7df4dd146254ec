/** What a cluster under load looks like to the load, whoever made the cluster. */

/** One member's process. */
export interface Member {
  readonly name: string
  readonly pid: number
}

/** Connections to the leader of a cluster. */
export interface Connections {
  /** Writes over connection number `at`. */
  readonly put: (at: number, key: Uint8Array, value: Uint8Array) => Promise<unknown>
  /** Reads linearizably over connection number `at`. */
  readonly get: (at: number, key: Uint8Array) => Promise<unknown>
  readonly close: () => Promise<void>
}

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
