/**
 * The libraries as one interface, so that a workload is written once and every library does the same work.
 *
 * Each driver uses its library the way its documentation tells: the update of a transaction comes from the library's own event
 * or call for it, and the encoded document from its own format for storage.
 */

/** A scalar, or a small object. */
export type Scalar = number | string | Readonly<Record<string, number | string>>

/** One document on one replica, with a text, a list, a map and a counter. */
export interface Replica {
  /** Runs edits as one transaction, of which no update is wanted. */
  transact(work: () => void): void
  /** Runs edits as one transaction and gives the update that others need. */
  update(work: () => void): Uint8Array
  insertText(position: number, text: string): void
  deleteText(position: number, length: number): void
  text(): string
  insertItems(position: number, items: readonly (number | string)[]): void
  items(): readonly unknown[]
  setKey(key: string, value: Scalar): void
  /** The map as a plain object. */
  map(): Readonly<Record<string, unknown>>
  increment(by: number): void
  counter(): number
  /** Takes updates of others, as one batch where the library has that. */
  apply(updates: readonly Uint8Array[]): void
  /** What this replica knows and the other does not. */
  since(other: Replica): Uint8Array
  /** Takes what `since` gave. */
  receive(difference: Uint8Array): void
  /** Gives back memory that the garbage collector does not see. */
  free(): void
}

/** A way to store a whole document. */
export interface Format {
  readonly name: string
  encode(replica: Replica): Uint8Array
  /** The size without compression, where the library compresses on its own. */
  rawSize?(bytes: Uint8Array): number
  load(bytes: Uint8Array): Replica
}

/** What is compared. */
export interface Library {
  readonly name: LibraryName
  /** A new document; `number` tells replicas apart and breaks ties. */
  create(number: number): Replica
  /** The smallest first. */
  readonly formats: readonly Format[]
  /** A counter of its own type; the others write a register, which loses concurrent increments. */
  readonly hasCounter: boolean
  /**
   * At most so many transactions in a workload of many small ones; the time of all is reckoned from that. Undefined: no limit.
   */
  readonly transactionsMax?: number
  /** The same for operations in a map, within one transaction. */
  readonly mapOperationsMax?: number
}

/** All libraries, ours first. */
export const libraryNames = ['nitrostate', 'yjs', 'automerge', 'loro'] as const

/** One of them. */
export type LibraryName = (typeof libraryNames)[number]
