/**
 * What was on disk at each moment of a trace: records of the log and slots of the witness, in the formats of
 * src/storage/README.md. A write counts as on disk once a sync of its file, begun after the write had returned, has returned 0, or
 * when it has returned itself if the file was opened with O_DSYNC; in a new segment only when the file has its name, and the
 * directory was synced after that.
 */
import type { Syscall } from './strace.ts'

/** What is on disk. */
export interface OnDisk {
  /** Index of the last record. */
  lastIndex: number
  /** Term and vote of the newest witness slot. */
  term: number
  vote: number
  /** Records that were written but not synced. */
  unsynced: number
}

interface LogRecord {
  readonly number: number
  readonly index: number
  synced: boolean
}

interface Slot {
  readonly sequence: number
  readonly term: number
  readonly vote: number
}

/** What one file was given and did not sync yet. */
interface Pending {
  records: LogRecord[]
  slots: Slot[]
}

interface Change {
  readonly line: number
  readonly apply: () => void
}

const segmentHeaderBytes = 512
const recordHeaderBytes = 72
const recordMagic = 0x3152534e
const witnessMagic = 0x3157534e

/** Replays the disk side of a trace. */
export class DiskReplay {
  readonly now: OnDisk = { lastIndex: 0, term: 0, vote: 0, unsynced: 0 }
  /** Completed syncs of the log and of the witness. */
  logSyncs = 0
  witnessSyncs = 0
  segments = 0
  private readonly changes: Change[]
  private next = 0
  private lastNumber = 0
  private lastSequence = 0
  private readonly files = new Map<string, Pending>()
  /** Descriptors of the log that sync each write. */
  private readonly syncing = new Set<number>()
  /** Synced, but in a file that would not be found after a crash; and whether it has been renamed. */
  private nameless: LogRecord[] = []
  private named: LogRecord[] = []

  constructor(calls: readonly Syscall[]) {
    const changes: Change[] = []
    for (const call of calls) {
      if (!/\/log(?:$|\/wal-|\/witness$)/.test(call.target) || call.result === undefined || call.result < 0) continue
      if (call.name === 'openat') changes.push({ line: call.ended, apply: () => this.opened(call) })
      // A used segment becomes the next one; that one becomes part of the log.
      if (call.name === 'rename' && !call.target.endsWith('/wal-next.tmp'))
        changes.push({ line: call.ended, apply: () => this.renamed() })
      if (call.name === 'pwrite64') changes.push({ line: call.ended, apply: () => this.wrote(call) })
      if (call.name !== 'fdatasync' && call.name !== 'fsync') continue
      let covered: Pending = { records: [], slots: [] }
      changes.push({ line: call.began, apply: () => (covered = this.begin(call)) })
      changes.push({ line: call.ended, apply: () => this.synced(call, covered) })
    }
    // At one line a call begins before it ends: the sort is stable.
    this.changes = changes.toSorted((a, b) => a.line - b.line)
  }

  /** Goes on to just before a line. */
  advance(line: number): OnDisk {
    for (; this.next < this.changes.length; this.next++) {
      const change = this.changes[this.next] as Change
      if (change.line >= line) break
      change.apply()
    }
    return this.now
  }

  private file(call: Syscall): Pending {
    const name = `${call.fd} ${call.target}`
    const file = this.files.get(name) ?? { records: [], slots: [] }
    this.files.set(name, file)
    return file
  }

  private wrote(call: Syscall): void {
    this.note(call)
    if (this.syncing.has(call.fd)) this.synced(call, this.begin(call))
  }

  private note(call: Syscall): void {
    const file = this.file(call)
    if (call.target.endsWith('/witness')) {
      file.slots.push(slotOf(call.data))
      return
    }
    const records = recordsOf(call)
    file.records.push(...records)
    this.now.unsynced += records.length
  }

  private opened({ fd, syncsWrites }: Syscall): void {
    if (syncsWrites) this.syncing.add(fd)
    else this.syncing.delete(fd)
  }

  private renamed(): void {
    this.named.push(...this.nameless)
    this.nameless = []
    this.segments++
  }

  private keep(records: readonly LogRecord[]): void {
    for (const record of records) {
      const { number, index } = record
      // Syncs may overlap, so that two of them cover it.
      if (!record.synced) this.now.unsynced--
      record.synced = true
      if (number <= this.lastNumber) continue
      this.lastNumber = number
      this.now.lastIndex = index
    }
  }

  /** What a sync that begins now will cover. */
  private begin(call: Syscall): Pending {
    if (call.target.endsWith('/log')) {
      const records = this.named
      this.named = []
      return { records, slots: [] }
    }
    const { records, slots } = this.file(call)
    return { records: [...records], slots: [...slots] }
  }

  private synced(call: Syscall, { records, slots }: Pending): void {
    const file = this.file(call)
    file.records = file.records.filter((record) => !records.includes(record))
    file.slots = file.slots.filter((slot) => !slots.includes(slot))
    if (slots.length > 0) this.witnessSyncs++
    if (records.length > 0 && !call.target.endsWith('/log')) this.logSyncs++
    if (call.target.endsWith('/wal-next.tmp')) this.nameless.push(...records)
    else this.keep(records)
    for (const { sequence, term, vote } of slots) {
      if (sequence <= this.lastSequence) continue
      this.lastSequence = sequence
      this.now.term = term
      this.now.vote = vote
    }
  }
}

function slotOf(data: Buffer): Slot {
  if (data.length !== segmentHeaderBytes || data.readUInt32LE(0) !== witnessMagic) {
    throw new Error(`a witness write of ${data.length} bytes that is not a slot`)
  }
  return { sequence: u64(data, 8), term: u64(data, 32), vote: u64(data, 40) }
}

function recordsOf({ data, offset }: Syscall): LogRecord[] {
  const records: LogRecord[] = []
  let at = offset === 0 ? segmentHeaderBytes : 0
  while (at + recordHeaderBytes <= data.length && data.readUInt32LE(at) === recordMagic) {
    records.push({ number: u64(data, at + 32), index: u64(data, at + 16), synced: false })
    at += recordHeaderBytes + Math.ceil(data.readUInt32LE(at + 8) / 8) * 8 + 8
  }
  if (records.length > 0 && at !== data.length) {
    throw new Error(`the trace cuts a write of ${data.length} bytes short, so that not every record of it is known`)
  }
  return records
}

const u64 = (data: Buffer, at: number): number => Number(data.readBigUInt64LE(at))
