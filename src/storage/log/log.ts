/**
 * The durable log of one node: entries, term, vote. Nothing it acknowledged is ever lost without `LogDamaged` at the next
 * open, as far as the marks on disk reach (README: damage table).
 *
 * One `write` is one gathered pwrite into a pre-zeroed segment and one sync; the witness is synced beside it when term or
 * vote changed. Bytes that were synced are not written again while they are part of the log: a replaced suffix is simply
 * followed by the new entries with lower indexes.
 */
import type { Clock, Crypto, FileHandle, Files, Metrics, Scheduler, Timer } from '../../../base/index.ts'
import { NitroError, assert, messageOf } from '../../../base/index.ts'
import type { Entry, HardState, StorageFault } from '../../../consensus/index.ts'
import { RecordArena, batchSize } from './arena.ts'
import { sectorBytes } from './bytes.ts'
import { NextSegment } from './next-segment.ts'
import type { RecordContext } from './record.ts'
import type { Recovered, SegmentPlace } from './recovery.ts'
import type { SegmentHeader } from './segment.ts'
import { encodeSegmentHeader, nextSegmentName, segmentName } from './segment.ts'
import type { EntryWindow } from './window.ts'
import type { Witness } from './witness.ts'

/** What a log stands on. */
export interface LogPorts {
  readonly files: Files
  readonly directory: string
  readonly crypto: Crypto
  readonly scheduler: Scheduler
  readonly clock: Clock
  readonly metrics: Metrics
  readonly hook: (point: string) => void
  readonly incarnation: Uint8Array
  readonly segmentBytes: number
  readonly witnessIntervalMs: number
}

/** One durable write. */
export interface LogBatch {
  /** In index order; the first replaces everything from its index on. */
  readonly entries: readonly Entry[]
  readonly hardState?: HardState | undefined
  /** The state up to here is on disk: the log now starts after it. */
  readonly snapshot?: { readonly index: number; readonly term: number } | undefined
}

interface ActiveSegment extends SegmentPlace {
  readonly file: FileHandle
  readonly capacity: number
  position: number
}

/** An open log. Made by `openLog`. */
export class DurableLog {
  private readonly ports: LogPorts
  private readonly window: EntryWindow
  private readonly witness: Witness
  private state: HardState
  private active: ActiveSegment
  private readonly closedSegments: SegmentPlace[]
  private readonly next: NextSegment
  private readonly arena = new RecordArena()
  /** Number and header checksum of the last record written, and number of the last one synced. */
  private number: number
  private chain: number
  private durable: number
  private writing = false
  private closed = false
  private failed: unknown
  private timer: Timer | undefined
  private dropping: Promise<void> = Promise.resolve()

  constructor(ports: LogPorts, recovered: Recovered, file: FileHandle, witness: Witness) {
    this.ports = ports
    this.next = new NextSegment(ports, (error) => this.poison(error))
    this.window = recovered.window
    this.witness = witness
    this.state = recovered.hardState
    this.active = { ...recovered.active, file }
    this.closedSegments = [...recovered.closed]
    this.number = recovered.number
    this.chain = recovered.chain
    this.durable = recovered.number
  }

  /** Term and vote as last written; commit as last given. */
  get hardState(): HardState {
    return this.state
  }

  /** Why the log refuses to work, if it does. Once set, it stays: the process is to stop. */
  get failure(): unknown {
    return this.failed
  }

  /** Sum of `entrySize` over the retained entries. */
  get retainedBytes(): number {
    return this.window.bytes
  }

  get retainedEntries(): number {
    return this.window.count
  }

  /** Bytes of the data of a retained entry. */
  dataBytes(index: number): number {
    return this.window.dataBytes(index)
  }

  /** Index of the first retained entry; `lastIndex() + 1` if there is none. */
  firstIndex(): number {
    return this.window.baseIndex + 1
  }

  lastIndex(): number {
    return this.window.lastIndex
  }

  /** The term at an index in [firstIndex - 1, lastIndex]. */
  term(index: number): number | StorageFault {
    return this.window.term(index)
  }

  /** Entries in [lo, hi), as many as fit in `maxBytes` as counted by `entrySize`, but at least one. */
  entries(lo: number, hi: number, maxBytes: number): Entry[] | StorageFault {
    return this.window.slice(lo, hi, maxBytes)
  }

  /**
   * Writes durably; entries can be read once it resolves. One write at a time. Throws `DiskFull` and `DiskFailed`, and from
   * then on the same error for every call.
   */
  async write(batch: LogBatch): Promise<void> {
    this.refuse()
    assert(!this.writing, 'one durable write at a time')
    const snapshot = this.checked(batch)
    this.writing = true
    try {
      await this.perform(batch, snapshot)
    } catch (error) {
      this.poison(error)
      throw error
    } finally {
      this.writing = false
    }
  }

  /** Forgets entries up to `index`; files go once nothing needed is in them. `index` must be in the log. */
  async compact(index: number): Promise<void> {
    this.refuse()
    if (index <= this.window.baseIndex) return
    this.window.compact(index)
    await this.dropSegments()
  }

  /** Writes the witness a last time and closes the files. After a failure it only closes them. */
  async close(): Promise<void> {
    if (this.closed) return
    assert(!this.writing, 'close during a write')
    this.closed = true
    this.timer?.cancel()
    try {
      await this.dropping.catch(() => undefined)
      if (this.failed === undefined) await this.saveWitness()
    } finally {
      const prepared = await this.next.take()
      await prepared?.file.close().catch(() => undefined)
      await this.active.file.close()
      await this.witness.close()
    }
  }

  /** The batch's snapshot if it changes the log. Asserts what consensus guarantees. */
  private checked({ entries, hardState, snapshot }: LogBatch): LogBatch['snapshot'] {
    const effective = snapshot !== undefined && snapshot.index > this.window.baseIndex ? snapshot : undefined
    const resets = effective !== undefined && this.window.term(effective.index) !== effective.term
    const base = effective?.index ?? this.window.baseIndex
    const last = resets ? base : this.window.lastIndex
    let expected = entries[0]?.index ?? 0
    if (entries.length > 0) assert(expected > base && expected <= last + 1, () => `entry ${expected} leaves a hole`)
    const term = Math.max(hardState?.term ?? this.state.term, snapshot?.term ?? 0)
    for (const entry of entries) {
      assert(entry.index === expected++, () => `entry ${entry.index} out of order`)
      assert(entry.term <= term, () => `entry ${entry.index} of term ${entry.term} in term ${term}`)
    }
    return effective
  }

  private async perform({ entries, hardState }: LogBatch, snapshot: LogBatch['snapshot']): Promise<void> {
    const next = promiseOf(hardState ?? this.state, snapshot)
    const promised = next.term !== this.state.term || next.vote !== this.state.vote
    const resets = snapshot !== undefined && this.window.term(snapshot.index) !== snapshot.term
    const startedMs = this.ports.clock.monotonicMs()
    const writesRecords = entries.length > 0 || resets
    // the record must name the last witness known to be synced, so it is encoded before the next save ends
    const records = writesRecords ? this.append(entries, resets ? snapshot : undefined, next.commit) : undefined
    if (promised) {
      this.notePosition()
      this.witness.update({ term: next.term, vote: next.vote })
      await Promise.all([records, this.witness.save()])
    } else {
      await records
    }
    if (writesRecords || promised) {
      const seconds = (this.ports.clock.monotonicMs() - startedMs) / 1000
      this.ports.metrics.observe('nitrostate_disk_wal_fsync_duration_seconds', seconds)
    }
    this.state = next
    this.durable = this.number
    if (snapshot !== undefined) {
      if (resets) this.window.reset(snapshot.index, snapshot.term)
      else this.window.compact(snapshot.index)
    }
    for (const entry of entries) this.window.put(entry)
    if (snapshot !== undefined) await this.dropSegments()
    else this.saveLater()
  }

  /** Writes one record per entry at the end of the log and syncs. */
  private async append(entries: readonly Entry[], reset: LogBatch['snapshot'], commit: number): Promise<void> {
    const { hook, metrics } = this.ports
    const size = batchSize(entries, reset)
    if (this.active.position + size > this.active.capacity) {
      await this.appendToNext(entries, reset, commit, size)
      return
    }
    const { file, position } = this.active
    const from = position % sectorBytes
    this.encode(entries, reset, commit, from, size)
    hook('wal:before-write')
    await file.write(position, this.arena.bytes.subarray(from, from + size))
    hook('wal:after-write')
    await file.sync()
    this.active.position = position + size
    hook('wal:after-sync')
    metrics.add('nitrostate_disk_wal_bytes_total', size)
    if (this.active.position * 2 > this.active.capacity) this.next.prepare()
  }

  /** Goes on in a new segment, which gets its name only when header and records are synced. */
  private async appendToNext(
    entries: readonly Entry[],
    reset: LogBatch['snapshot'],
    commit: number,
    size: number,
  ): Promise<void> {
    const { hook, files, directory, crypto, incarnation, metrics } = this.ports
    const sequence = this.active.sequence + 1
    const header: Omit<SegmentHeader, 'capacity'> = {
      sequence,
      witnessSequence: this.witness.sequence,
      lastIndex: this.window.lastIndex,
      lastTerm: this.window.lastTerm,
      number: this.number,
      compactedIndex: this.window.baseIndex,
      compactedTerm: this.window.baseTerm,
      chain: this.chain,
    }
    const prepared = await this.next.take()
    this.refuse()
    const { file, capacity } = await this.next.fit(prepared, sectorBytes + size)
    const place = { sequence, maxIndex: 0, file, capacity, position: sectorBytes + size }
    const full = this.active
    this.closedSegments.push({ sequence: full.sequence, maxIndex: full.maxIndex })
    this.active = place
    this.encode(entries, reset, commit, sectorBytes, size)
    encodeSegmentHeader(crypto, incarnation, { ...header, capacity }, this.arena.bytes)
    hook('wal:before-write')
    await file.write(0, this.arena.bytes.subarray(0, sectorBytes + size))
    hook('wal:after-write')
    await file.sync()
    hook('segment:before-rename')
    await files.rename(`${directory}/${nextSegmentName}`, `${directory}/${segmentName(sequence)}`)
    hook('segment:after-rename')
    await files.syncDirectory(directory)
    hook('wal:after-sync')
    // from now on the file may not be missing, and what is in it neither
    const { index, term } = entries.at(-1) ?? (reset as NonNullable<typeof reset>)
    this.witness.update({ lastSegment: sequence, durableNumber: this.number, durableIndex: index, durableTerm: term })
    await this.witness.save()
    await full.file.close()
    metrics.add('nitrostate_disk_wal_bytes_total', size)
  }

  private encode(
    entries: readonly Entry[],
    reset: LogBatch['snapshot'],
    commit: number,
    from: number,
    size: number,
  ): void {
    const context: RecordContext = {
      number: this.number,
      durable: this.durable,
      witnessSequence: this.witness.sequence,
      commit,
      previous: this.chain,
    }
    this.arena.encode(this.ports.crypto, entries, reset, context, from, size)
    this.number = context.number
    this.chain = context.previous
    this.active.maxIndex = Math.max(this.active.maxIndex, reset?.index ?? 0, entries.at(-1)?.index ?? 0)
  }

  /** Removes the oldest segments that hold nothing above the compaction point, after the witness says so. */
  private dropSegments(): Promise<void> {
    const kept = this.closedSegments.findIndex((segment) => segment.maxIndex > this.window.baseIndex)
    const count = kept < 0 ? this.closedSegments.length : kept
    if (count === 0) {
      this.saveLater()
      return this.dropping
    }
    const dropped = this.closedSegments.splice(0, count)
    this.dropping = this.dropping.then(() => this.removeSegments(dropped))
    // whoever waits sees the error; nobody has to
    this.dropping.catch((error: unknown) => this.poison(error))
    return this.dropping
  }

  private async removeSegments(dropped: readonly SegmentPlace[]): Promise<void> {
    const { hook, files, directory } = this.ports
    const last = dropped.at(-1) as SegmentPlace
    this.noteCompaction()
    this.witness.update({ firstSegment: last.sequence + 1 })
    await this.witness.save()
    hook('segment:before-remove')
    await this.next.discard(dropped.map(({ sequence }) => sequence))
    hook('segment:after-remove')
    await files.syncDirectory(directory)
  }

  private noteCompaction(): void {
    this.witness.update({ compactedIndex: this.window.baseIndex, compactedTerm: this.window.baseTerm })
  }

  /** Brings the log's position into the witness within the interval. */
  private saveLater(): void {
    if (this.timer !== undefined || this.closed) return
    this.timer = this.ports.scheduler.after(this.ports.witnessIntervalMs, () => {
      this.timer = undefined
      if (this.failed !== undefined) return
      this.saveWitness().catch((error: unknown) => this.poison(error))
    })
  }

  private saveWitness(): Promise<void> {
    this.notePosition()
    this.noteCompaction()
    return this.witness.save()
  }

  private notePosition(): void {
    this.witness.update({
      commit: this.state.commit,
      durableNumber: this.durable,
      durableIndex: this.window.lastIndex,
      durableTerm: this.window.lastTerm,
    })
  }

  private refuse(): void {
    if (this.closed) throw new NitroError('Closed', 'the log is closed')
    if (this.failed === undefined) return
    if (this.failed instanceof NitroError) throw this.failed
    throw new NitroError('DiskFailed', `the log failed before: ${messageOf(this.failed)}`, { cause: this.failed })
  }

  private poison(error: unknown): void {
    this.failed ??= error
    this.timer?.cancel()
    this.timer = undefined
  }
}

/** What is promised after a batch: a snapshot may be of a later term than any this node has voted in. */
function promiseOf(state: HardState, snapshot: LogBatch['snapshot']): HardState {
  if (snapshot === undefined) return state
  const commit = Math.max(state.commit, snapshot.index)
  if (snapshot.term > state.term) return { term: snapshot.term, vote: 0, commit }
  return { ...state, commit }
}
