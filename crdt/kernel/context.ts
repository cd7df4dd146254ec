/**
 * Causal contexts: sets of dots, as sorted ranges per replica. The context of a replica is a plain version vector (one range
 * from 0 for each replica); the context of a delta is any set.
 */
import type { ByteReader, ByteWriter } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import type { Dot, Past, ReplicaId } from './dot.ts'
import { maxReplicaId, maxSeq } from './dot.ts'

/** A growing set of dots. */
export class Context implements Past {
  /** For each replica the ranges [from, to), ascending, never touching: from, to, from, to, ... */
  private readonly ranges = new Map<ReplicaId, number[]>()

  covers(rid: ReplicaId, seq: number): boolean {
    const list = this.ranges.get(rid)
    if (list === undefined) return false
    for (let i = 0; i < list.length; i += 2) {
      if (seq < (list[i] as number)) return false
      if (seq < (list[i + 1] as number)) return true
    }
    return false
  }

  /** Adds the dots [from, to) of a replica. */
  add(rid: ReplicaId, from: number, to: number = from + 1): void {
    const list = this.ranges.get(rid)
    if (list === undefined) this.ranges.set(rid, [from, to])
    else if (list.at(-1) === from) list[list.length - 1] = to
    else insertRange(list, from, to)
  }

  /** The smallest number the replica has not used here. */
  next(rid: ReplicaId): number {
    return this.ranges.get(rid)?.at(-1) ?? 0
  }

  /** Adds every dot of another context. */
  join(other: Context): void {
    for (const [rid, list] of other.ranges) {
      for (let i = 0; i < list.length; i += 2) this.add(rid, list[i] as number, list[i + 1])
    }
  }

  /** Every dot, by replica and number. */
  *dots(): Generator<Dot> {
    for (const rid of this.replicas()) {
      const list = this.ranges.get(rid) as number[]
      for (let i = 0; i < list.length; i += 2) {
        for (let seq = list[i] as number; seq < (list[i + 1] as number); seq++) yield { rid, seq }
      }
    }
  }

  /** Appends the canonical bytes: replicas ascending, then gaps and lengths. */
  write(writer: ByteWriter): void {
    const replicas = this.replicas()
    writer.uint(replicas.length)
    for (const rid of replicas) {
      const list = this.ranges.get(rid) as number[]
      writer.uint(rid)
      writer.uint(list.length / 2)
      let before = 0
      for (let i = 0; i < list.length; i += 2) {
        writer.uint((list[i] as number) - before)
        writer.uint((list[i + 1] as number) - (list[i] as number) - 1)
        before = list[i + 1] as number
      }
    }
  }

  /** Reads what {@link write} wrote. Throws `NotCanonical`. */
  static read(reader: ByteReader): Context {
    const context = new Context()
    let last = -1
    for (let count = reader.uint(); count > 0; count--) {
      const rid = reader.uint()
      if (rid <= last || rid > maxReplicaId) throw notCanonical('replicas of a context out of order')
      last = rid
      const list: number[] = []
      const ranges = reader.uint()
      if (ranges === 0) throw notCanonical('a replica without dots in a context')
      for (let i = 0; i < ranges; i++) {
        const from = (list.at(-1) ?? 0) + reader.uint()
        const to = from + reader.uint() + 1
        if (i > 0 && from === list.at(-1)) throw notCanonical('ranges of a context touch')
        if (to > maxSeq) throw notCanonical('a dot above the limit')
        list.push(from, to)
      }
      context.ranges.set(rid, list)
    }
    return context
  }

  private replicas(): ReplicaId[] {
    return [...this.ranges.keys()].sort((a, b) => a - b)
  }
}

/** Puts [from, to) into a sorted list of ranges and merges what then touches. */
function insertRange(list: number[], from: number, to: number): void {
  let i = 0
  while (i < list.length && (list[i + 1] as number) < from) i += 2
  let j = i
  let low = from
  let high = to
  while (j < list.length && (list[j] as number) <= to) {
    low = Math.min(low, list[j] as number)
    high = Math.max(high, list[j + 1] as number)
    j += 2
  }
  list.splice(i, j - i, low, high)
}
