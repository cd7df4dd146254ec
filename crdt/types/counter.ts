/**
 * Counter with an exact reset.
 *
 *   add ∥ add      both count
 *   add ∥ reset    the add counts; what the reset had seen does not
 *   add → reset    0
 *
 * One dot for each addition of a bundle, never a running total of an author: a total would carry what a reset removed (the
 * anomaly of Riak's emcntr) or what was voided into later states. An author's dots are added up only when every replica has
 * them ({@link Cell.forget}). Dots that follow each other with equal amounts are one run.
 */
import type { ByteReader, ByteWriter } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'
import { readValue, writeValue } from '../codec/values.ts'
import type { Cell, CellType } from '../kernel/cell.ts'
import { emptyingBy } from '../kernel/cell.ts'
import type { Past } from '../kernel/dot.ts'
import { maxReplicaId, maxSeq } from '../kernel/dot.ts'
import type { Op } from '../kernel/op.ts'
import { opShape } from '../kernel/op.ts'
import type { Amount } from './amounts.ts'
import { addAmounts, amountOf, isAmount, negated } from './amounts.ts'

/** Kinds of operation of a counter. */
export const counterOps = { add: 0, reset: 1 } as const

/** Dots [from, to) of one author, each with this amount. */
interface Run {
  from: number
  to: number
  amount: Amount
}

/** A counter. */
export class Counter implements Cell {
  readonly type: CellType = counterType
  /** By author, ascending, never touching with equal amounts; no list is empty. */
  private runs = new Map<number, Run[]>()
  private total: Amount = 0

  /** The sum of all additions that no reset has seen. */
  sum(): bigint {
    return BigInt(this.total)
  }

  value(): Amount {
    return this.total
  }

  /** The newest dot of a replica if it has at least this number: then more can still be added to it. Otherwise -1. */
  rewritable(rid: number, from: number): number {
    const newest = (this.runs.get(rid)?.at(-1)?.to ?? 0) - 1
    return newest >= from ? newest : -1
  }

  isEmpty(): boolean {
    return this.runs.size === 0
  }

  isVisible(): boolean {
    return !this.isEmpty()
  }

  apply(op: Op, past: Past): void {
    if (op.kind === counterOps.add) this.put(op.rid, op.seq, op.value as Amount)
    else this.rebuild((rid, seq) => !past.covers(rid, seq))
  }

  join(other: Counter, mine: Past, theirs: Past): void {
    const own = this.runs
    this.rebuild((rid, seq) => !theirs.covers(rid, seq) || amountAt(other.runs, rid, seq) !== undefined)
    for (const [rid, runs] of other.runs) {
      const fresh: [number, Amount][] = []
      for (const { from, to, amount } of runs) {
        for (let seq = from; seq < to; seq++) {
          if (!mine.covers(rid, seq) && amountAt(own, rid, seq) === undefined) fresh.push([seq, amount])
        }
      }
      if (fresh.length > 0) this.mergeIn(rid, fresh)
    }
  }

  write(writer: ByteWriter): void {
    const authors = [...this.runs.keys()].sort((a, b) => a - b)
    writer.uint(authors.length)
    for (const rid of authors) {
      const runs = this.runs.get(rid) as Run[]
      writer.uint(rid)
      writer.uint(runs.length)
      let before = 0
      for (const { from, to, amount } of runs) {
        writer.uint(from - before)
        writer.uint(to - from - 1)
        writeValue(writer, amount)
        before = to
      }
    }
  }

  read(reader: ByteReader): void {
    let last = -1
    for (let authors = reader.uint(); authors > 0; authors--) {
      const rid = reader.uint()
      if (rid <= last || rid > maxReplicaId) throw notCanonical('authors of a counter out of order')
      last = rid
      const runs: Run[] = []
      for (let count = reader.uint(); count > 0; count--) {
        const before = runs.at(-1)
        const from = (before?.to ?? 0) + reader.uint()
        const to = from + reader.uint() + 1
        const amount = readValue(reader)
        if (to > maxSeq || !isAmount(amount)) throw notCanonical('a run of a counter')
        if (before?.to === from && before.amount === amount) throw notCanonical('runs of a counter touch')
        runs.push({ from, to, amount })
        this.total = addAmounts(this.total, times(amount, to - from))
      }
      if (runs.length === 0) throw notCanonical('an author without runs')
      this.runs.set(rid, runs)
    }
  }

  forget(stable: Past): void {
    for (const [rid, runs] of this.runs) {
      let sum: Amount = 0
      let newest = -1
      const left: [number, Amount][] = []
      for (const { from, to, amount } of runs) {
        for (let seq = from; seq < to; seq++) {
          if (stable.covers(rid, seq)) {
            sum = addAmounts(sum, amount)
            newest = seq
          } else left.push([seq, amount])
        }
      }
      if (newest < 0) continue
      this.runs.set(rid, [{ from: newest, to: newest + 1, amount: sum }])
      for (const [seq, amount] of left) append(this.runs.get(rid) as Run[], seq, amount)
    }
  }

  /** Adds a dot above the author's others, or replaces the newest one. */
  private put(rid: number, seq: number, amount: Amount): void {
    const runs = this.runs.get(rid)
    this.total = addAmounts(this.total, amount)
    if (runs === undefined) {
      this.runs.set(rid, [{ from: seq, to: seq + 1, amount }])
      return
    }
    const last = runs.at(-1) as Run
    if (seq === last.to - 1) {
      this.total = addAmounts(this.total, negated(last.amount))
      if (last.from === seq) runs.pop()
      else last.to = seq
    }
    append(runs, seq, amount)
  }

  /** Puts dots of an author in their places. */
  private mergeIn(rid: number, fresh: readonly (readonly [number, Amount])[]): void {
    const all = [...fresh]
    for (const { from, to, amount } of this.runs.get(rid) ?? []) {
      for (let seq = from; seq < to; seq++) all.push([seq, amount])
    }
    for (const [, amount] of fresh) this.total = addAmounts(this.total, amount)
    const runs: Run[] = []
    for (const [seq, amount] of all.sort(([a], [b]) => a - b)) append(runs, seq, amount)
    this.runs.set(rid, runs)
  }

  /** Keeps only some dots. */
  private rebuild(keeps: (rid: number, seq: number) => boolean): void {
    const kept = new Map<number, Run[]>()
    this.total = 0
    for (const [rid, runs] of this.runs) {
      const left: Run[] = []
      for (const { from, to, amount } of runs) {
        for (let seq = from; seq < to; seq++) {
          if (!keeps(rid, seq)) continue
          append(left, seq, amount)
          this.total = addAmounts(this.total, amount)
        }
      }
      if (left.length > 0) kept.set(rid, left)
    }
    this.runs = kept
  }
}

function append(runs: Run[], seq: number, amount: Amount): void {
  const last = runs.at(-1)
  if (last?.to === seq && last.amount === amount) last.to++
  else runs.push({ from: seq, to: seq + 1, amount })
}

function amountAt(all: ReadonlyMap<number, readonly Run[]>, rid: number, seq: number): Amount | undefined {
  const runs = all.get(rid) ?? []
  let low = 0
  let high = runs.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((runs[middle] as Run).to <= seq) low = middle + 1
    else high = middle
  }
  const run = runs[low]
  return run !== undefined && run.from <= seq ? run.amount : undefined
}

function times(amount: Amount, count: number): Amount {
  return amountOf(BigInt(amount) * BigInt(count))
}

/** The type of {@link Counter}. */
export const counterType: CellType = {
  tag: 4,
  name: 'counter',
  ops: [opShape('add', 'value'), opShape('reset')],
  create: () => new Counter(),
  emptying: emptyingBy(counterOps.reset),
  check(op) {
    if (op.kind === counterOps.add && !isAmount(op.value)) throw notCanonical('an amount of a counter')
  },
}
