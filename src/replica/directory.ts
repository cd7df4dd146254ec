/**
 * The address book: the newest member table that a node knows of, applied here or told by a peer.
 *
 * A member that was away still stands at an old table. Judging and dialing by that one, it would refuse whoever joined
 * meanwhile, the leader perhaps among them, and could never catch up. So members tell each other their tables when they meet,
 * and links go by the newest; Raft and the machine go by the log alone.
 */
import { ByteReader, ByteWriter, equalBytes } from '../../base/index.ts'
import { decodeConfiguration, encodeConfiguration, memberByName } from './configuration.ts'
import type { Configuration } from './configuration.ts'

/** A table with an applied index at which it was in force. */
export interface DatedTable {
  readonly index: number
  readonly configuration: Configuration
}

/** The address book of one node. */
export class Directory {
  private readonly name: string
  private readonly incarnation: Uint8Array
  private newest: DatedTable

  constructor(name: string, incarnation: Uint8Array, table: DatedTable) {
    this.name = name
    this.incarnation = incarnation
    this.newest = table
  }

  /** The newest table. */
  get configuration(): Configuration {
    return this.newest.configuration
  }

  /** The log is the authority: the table that was applied at an index. */
  applied(index: number, configuration: Configuration): void {
    if (index >= this.newest.index) this.newest = { index, configuration }
  }

  /** A peer of this cluster told its table; true if it is newer. One without this node is left to the log to tell. */
  heard(table: DatedTable): boolean {
    const self = memberByName(table.configuration, this.name)
    if (table.index <= this.newest.index || self === undefined) return false
    if (!equalBytes(self.incarnation, this.incarnation)) return false
    this.newest = table
    return true
  }

  /** For a hello, behind the bootstrap facts. */
  encode(): Uint8Array {
    const writer = new ByteWriter()
    writer.u64(this.newest.index)
    writer.blob(encodeConfiguration(this.newest.configuration))
    return writer.take()
  }
}

/** The table in a hello; undefined when there is none. Throws `MalformedFrame`, `UnsupportedFormat`. */
export function decodeTable(bytes: Uint8Array): DatedTable | undefined {
  if (bytes.length === 0) return undefined
  const reader = new ByteReader(bytes)
  const index = reader.u64()
  const configuration = decodeConfiguration(reader.blob().slice())
  reader.finish()
  return { index, configuration }
}

/** The `extra` part of a hello. */
export interface HelloExtra {
  /** Bootstrap facts. */
  readonly facts: Uint8Array
  /** The address book; empty for none. */
  readonly table: Uint8Array
  /** The programs and flags that the sender can run. */
  readonly offer: Uint8Array
}

/** The `extra` part of a hello: bootstrap facts, the address book, if there is one, and what this node offers. */
export function encodeExtra(facts: Uint8Array, directory: Directory | undefined, offer: Uint8Array): Uint8Array {
  const writer = new ByteWriter()
  writer.blob(facts)
  writer.blob(directory?.encode() ?? new Uint8Array(0))
  writer.blob(offer)
  return writer.take()
}

/** The inverse of {@link encodeExtra}. Throws `MalformedFrame`. */
export function decodeExtra(extra: Uint8Array): HelloExtra {
  const reader = new ByteReader(extra)
  const facts = reader.blob()
  const table = reader.blob()
  const offer = reader.blob()
  reader.finish()
  return { facts, table, offer }
}
