/**
 * The causal graph of a document: which change was made knowing which others.
 *
 * Every operation has two names. Everywhere it is a *dot* (replica, seq); a replica numbers its operations 0, 1, 2, ... Here it is
 * also a *local version* (LV): a dense integer in order of arrival, so parents always have smaller ones. A *frontier* is an
 * ascending list of LVs none of which includes another; it stands for them and all their ancestors. `[]` is the empty document.
 *
 * Operations are kept as runs: each member after the first has exactly the one before it as parent.
 *
 *     run     start  replica  seq  parents        0─1─2─3───────6─7
 *     0       0      A        0    []                  └─4─5─┘
 *     1       4      B        0    [2]            3 and 5 are the parents of 6
 *     2       6      A        4    [3, 5]
 *
 * A *critical* version is an LV that includes everything before it and is included by everything after it. Nothing made later can
 * be concurrent with what it includes, so a merge never has to look behind it.
 */
import { NitroError, assert } from '../../base/index.ts'
import { IntColumn } from './columns.ts'
import { dominators, includes, sameFrontier } from './walk.ts'

/** The most operations a document may hold: LVs are 32-bit integers. */
export const maxOperations = 0x7fff_fffe

/** Name of one operation in all replicas. */
export interface Dot {
  readonly rid: number
  readonly seq: number
}

/** For each replica how many of its operations are included: the next `seq` it would use. */
export type VersionVector = ReadonlyMap<number, number>

/** A run of one replica's operations as it travels: all replicas read it alike. */
export interface Span {
  readonly rid: number
  readonly seq: number
  readonly length: number
  /** LV of the first operation, here. */
  readonly lv: number
  readonly parents: readonly number[]
}

/** The runs of one replica, ascending in seq and in LV: positions in the run columns. */
interface Author {
  readonly runs: number[]
  next: number
}

/** See the header. Grows only; nothing is ever removed or renumbered. */
export class CausalGraph {
  private readonly starts = new IntColumn()
  private readonly seqs = new IntColumn()
  private readonly firstParents = new IntColumn()
  private readonly depths = new IntColumn()
  /** 1 for a run whose parents were the whole frontier when it came. All of a run share this. */
  private readonly whole = new IntColumn()
  private readonly parents = new IntColumn()
  private readonly rids: number[] = []
  private readonly authors = new Map<number, Author>()
  /** Critical versions as closed ranges: from, to, from, to, ..., ascending. */
  private readonly criticals: number[] = []
  private heads: number[] = []
  /** The run found last; neighbours are asked for one after the other. */
  private hint = 0
  /** How many operations there are; the next LV. */
  length = 0

  /** The LVs that nothing follows yet, ascending. */
  get frontier(): readonly number[] {
    return this.heads
  }

  /** How many runs there are. */
  get runs(): number {
    return this.rids.length
  }

  /** The seq that the next operation of a replica must have. */
  nextSeq(rid: number): number {
    return this.authors.get(rid)?.next ?? 0
  }

  /** All replicas that have made operations, in order of their first one's arrival. */
  replicas(): IterableIterator<number> {
    return this.authors.keys()
  }

  /**
   * Adds `length` operations of a replica, the first of which has these parents (a frontier), and returns the LV of the first.
   * `seq` must be the replica's next: the caller holds back what comes early and drops what it has.
   */
  add(rid: number, seq: number, length: number, parents: readonly number[]): number {
    const lv = this.length
    assert(length > 0 && seq === this.nextSeq(rid), () => `span ${rid}:${seq}+${length} is not next`)
    assert(parents.length === 0 || (parents.at(-1) as number) < lv, 'parents come before their children')
    if (length > maxOperations - lv) throw new NitroError('LimitExceeded', `more than ${maxOperations} operations`)
    const last = this.rids.length - 1
    const linear = parents.length === 1 && parents[0] === lv - 1
    const oldest = parents.length === 0 ? -1 : (parents[0] as number)
    const all = sameFrontier(parents, this.heads)
    this.author(rid).next = seq + length
    if (!(linear && this.rids[last] === rid)) this.addRun(rid, seq, parents, all)
    this.length = lv + length
    if (all) this.heads = [this.length - 1]
    else {
      const heads = this.heads.filter((head) => !parents.includes(head))
      heads.push(this.length - 1)
      this.heads = heads
    }
    this.updateCriticals(oldest, all, lv)
    return lv
  }

  /** Adds operations of the local replica that follow everything here, and returns the LV of the first. */
  append(rid: number, length: number): number {
    const { heads, length: lv } = this
    const last = this.rids.length - 1
    if (heads.length === 1 && this.rids[last] === rid && heads[0] === lv - 1 && length <= maxOperations - lv) {
      // The run goes on. All that changes are three ends.
      this.author(rid).next += length
      this.length = lv + length
      this.heads = [this.length - 1]
      this.criticals[this.criticals.length - 1] = this.length - 1
      return lv
    }
    return this.add(rid, this.nextSeq(rid), length, this.heads)
  }

  /** Adds operations of a replica that has some, the first of which has only its last one as parent; returns the LV of the first. */
  follow(rid: number, length: number): number {
    const { length: lv } = this
    const author = this.author(rid)
    const run = author.runs.at(-1)
    assert(run !== undefined, 'there is something to follow')
    if (run + 1 < this.rids.length || length > maxOperations - lv)
      return this.add(rid, author.next, length, [this.endOfRun(run) - 1])
    // The run goes on, and is one of the heads; the only one perhaps.
    author.next += length
    this.length = lv + length
    const { heads } = this
    if (heads.length === 1) {
      this.heads = [this.length - 1]
      this.criticals[this.criticals.length - 1] = this.length - 1
    } else this.heads = [...heads.slice(0, -1), this.length - 1]
    return lv
  }

  private author(rid: number): Author {
    let author = this.authors.get(rid)
    if (author === undefined) this.authors.set(rid, (author = { runs: [], next: 0 }))
    return author
  }

  private addRun(rid: number, seq: number, parents: readonly number[], all: boolean): void {
    let depth = 0
    for (const parent of parents) depth = Math.max(depth, this.depthOf(parent) + 1)
    this.depths.push(depth)
    this.whole.push(all ? 1 : 0)
    this.author(rid).runs.push(this.rids.length)
    this.starts.push(this.length)
    this.seqs.push(seq)
    this.rids.push(rid)
    this.firstParents.push(this.parents.length)
    for (const parent of parents) this.parents.push(parent)
  }

  private updateCriticals(oldest: number, all: boolean, lv: number): void {
    const list = this.criticals
    if (all && list.length > 0 && list[list.length - 1] === lv - 1) {
      list[list.length - 1] = this.length - 1
      return
    }
    while (list.length > 0 && (list[list.length - 1] as number) > oldest) {
      if ((list[list.length - 2] as number) <= oldest) list[list.length - 1] = oldest
      else list.length -= 2
    }
    if (all) list.push(lv, this.length - 1)
  }

  /** The latest critical version that is at most `lv`; -1, the empty document, when there is none. */
  criticalBefore(lv: number): number {
    const range = this.criticalRange(lv)
    return range < 0 ? -1 : Math.min(lv, this.criticals[range + 1] as number)
  }

  /** The end, exclusive, of the stretch of critical versions that begins at `lv`; `lv` itself when that is not critical. */
  criticalEnd(lv: number): number {
    const range = this.criticalRange(lv)
    return range < 0 ? lv : Math.max(lv, (this.criticals[range + 1] as number) + 1)
  }

  /** Index of the last range that begins at `lv` or before; negative when there is none. */
  private criticalRange(lv: number): number {
    const list = this.criticals
    let low = 0
    let high = list.length >> 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((list[2 * middle] as number) <= lv) low = middle + 1
      else high = middle
    }
    return 2 * (low - 1)
  }

  /** Index of the run that holds an LV. */
  runAt(lv: number): number {
    const { starts, hint } = this
    if (starts.at(hint) <= lv && (hint + 1 === starts.length || starts.at(hint + 1) > lv)) return hint
    return (this.hint = starts.floor(lv))
  }

  /** LV of the first operation of a run. */
  startOfRun(run: number): number {
    return this.starts.at(run)
  }

  /** LV after the last operation of a run. */
  endOfRun(run: number): number {
    return run + 1 === this.starts.length ? this.length : this.starts.at(run + 1)
  }

  /** Whether the operations of a run include everything that has a smaller LV. */
  includesAllBefore(run: number): boolean {
    return this.whole.at(run) === 1
  }

  /** Length of the longest path to an LV: the same in all replicas, and greater than that of everything it includes. */
  depthOf(lv: number): number {
    const run = this.runAt(lv)
    return this.depths.at(run) + lv - this.starts.at(run)
  }

  /**
   * The order in which the last writer wins: what includes the other wins, between concurrent ones the deeper, then the greater
   * replica, then the greater seq. The same in all replicas.
   */
  compareWriters(a: number, b: number): number {
    const order = this.depthOf(a) - this.depthOf(b)
    return order === 0 ? this.compare(a, b) : order
  }

  /** The replica of a run. */
  ridOfRun(run: number): number {
    return this.rids[run] as number
  }

  /** The seq of the first operation of a run. */
  seqOfRun(run: number): number {
    return this.seqs.at(run)
  }

  /** Where the parents of a run begin; see {@link parentAt}. */
  parentsStart(run: number): number {
    return this.firstParents.at(run)
  }

  /** Where the parents of a run end. */
  parentsEnd(run: number): number {
    return run + 1 === this.firstParents.length ? this.parents.length : this.firstParents.at(run + 1)
  }

  /** A parent between {@link parentsStart} and {@link parentsEnd}. */
  parentAt(index: number): number {
    return this.parents.at(index)
  }

  /** The parents of one operation, ascending. */
  parentsOf(lv: number): number[] {
    const run = this.runAt(lv)
    if (this.startOfRun(run) < lv) return [lv - 1]
    const parents: number[] = []
    for (let i = this.parentsStart(run); i < this.parentsEnd(run); i++) parents.push(this.parents.at(i))
    return parents
  }

  /** The dot of an LV. */
  dotOf(lv: number): Dot {
    const run = this.runAt(lv)
    return { rid: this.ridOfRun(run), seq: this.seqOfRun(run) + lv - this.startOfRun(run) }
  }

  /** The LV of a dot; -1 when it has not arrived. */
  lvOf(rid: number, seq: number): number {
    const author = this.authors.get(rid)
    if (author === undefined || seq >= author.next) return -1
    let low = 0
    let high = author.runs.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.seqs.at(author.runs[middle] as number) <= seq) low = middle + 1
      else high = middle
    }
    const run = author.runs[low - 1] as number
    return this.startOfRun(run) + seq - this.seqOfRun(run)
  }

  /** Order of two LVs that is the same everywhere: by replica, then by seq. */
  compare(a: number, b: number): number {
    const runA = this.runAt(a)
    const runB = this.runAt(b)
    const order = this.ridOfRun(runA) - this.ridOfRun(runB)
    if (order !== 0) return order
    return this.seqOfRun(runA) + a - this.startOfRun(runA) - (this.seqOfRun(runB) + b - this.startOfRun(runB))
  }

  /** The runs within LVs `[start, end)`, cut to it, in order. */
  *spans(start: number, end: number): Generator<Span> {
    if (start >= end) return
    for (let run = this.runAt(start); run < this.runs && this.startOfRun(run) < end; run++) {
      const lv = Math.max(start, this.startOfRun(run))
      const length = Math.min(end, this.endOfRun(run)) - lv
      const seq = this.seqOfRun(run) + lv - this.startOfRun(run)
      yield { rid: this.ridOfRun(run), seq, length, lv, parents: this.parentsOf(lv) }
    }
  }

  /** The spans that a replica with this version vector lacks, parents before children. */
  *spansSince(known: VersionVector): Generator<Span> {
    for (const span of this.spans(0, this.length)) {
      const skip = Math.max(0, (known.get(span.rid) ?? 0) - span.seq)
      if (skip >= span.length) continue
      if (skip === 0) yield span
      else {
        const lv = span.lv + skip
        yield { rid: span.rid, seq: span.seq + skip, length: span.length - skip, lv, parents: [lv - 1] }
      }
    }
  }

  /** Whether a frontier includes an LV. */
  includes(frontier: readonly number[], lv: number): boolean {
    return sameFrontier(frontier, this.heads) ? lv < this.length : includes(this, frontier, lv)
  }

  /** What a frontier includes, by replica. Each replica's own operations must follow each other. */
  versionVector(frontier: readonly number[] = this.heads): Map<number, number> {
    const vector = new Map<number, number>()
    if (sameFrontier(frontier, this.heads)) {
      for (const [rid, author] of this.authors) vector.set(rid, author.next)
      return vector
    }
    for (const [rid, author] of this.authors) {
      const count = this.included(author, frontier)
      if (count > 0) vector.set(rid, count)
    }
    return vector
  }

  /** How many operations of an author a frontier includes: the last run that is reached, and how far in it. */
  private included(author: Author, frontier: readonly number[]): number {
    let low = 0
    let high = author.next
    while (low < high) {
      const middle = (low + high) >>> 1
      const lv = this.lvOf(this.ridOfRun(author.runs[0] as number), middle)
      if (includes(this, frontier, lv)) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The frontier of everything that a version vector includes; what is beyond this graph is left out. */
  frontierOf(vector: VersionVector): number[] {
    const last: number[] = []
    for (const [rid, count] of vector) {
      const known = Math.min(count, this.nextSeq(rid))
      if (known > 0) last.push(this.lvOf(rid, known - 1))
    }
    return dominators(
      this,
      last.sort((a, b) => a - b),
    )
  }
}
