/**
 * Reading a log back: everything that was acknowledged, or `LogDamaged`. Never anything between.
 *
 * Records are read in order; each names its predecessor's checksum. At the first one that is not valid:
 *  - nothing but zeros follow: the log ends here;
 *  - a whole sector of it was never written: it was being written when the machine died, so it was never acknowledged, and
 *    is cut with what follows, provided that no mark anywhere says it was synced;
 *  - otherwise it was damaged later.
 * The marks are the `durable` field of every readable record, those past the hole included, and the witness.
 */
import { emptyBytes } from '../../../base/index.ts'
import type { Crypto, Files } from '../../../base/index.ts'
import type { HardState } from '../../../consensus/index.ts'
import { dataView, isZero, sectorBytes } from './bytes.ts'
import { damaged } from './damage.ts'
import { bodyIsIntact, decodeHeader, isTorn, recordHeaderBytes, recordSize } from './record.ts'
import type { RecordHeader } from './record.ts'
import type { SegmentHeader } from './segment.ts'
import { decodeSegmentHeader, firstChain, nextSegmentName, segmentName, segmentSequence } from './segment.ts'
import { EntryWindow } from './window.ts'
import type { WitnessFacts } from './witness.ts'
import { readWitness, witnessName } from './witness.ts'

/** A segment's place in the log while it is open. */
export interface SegmentPlace {
  readonly sequence: number
  /** Highest index of any record in it; it may be removed once that is compacted. */
  maxIndex: number
}

/** What was found on disk. */
export interface Recovered {
  readonly hardState: HardState
  readonly window: EntryWindow
  /** Header checksum and number of the last record. */
  readonly chain: number
  readonly number: number
  readonly closed: readonly SegmentPlace[]
  readonly active: SegmentPlace & { readonly capacity: number; readonly position: number }
  /** Bytes after `position` that must be zeroed before anything is written, up to this offset. */
  readonly tornEnd: number
  /** What the active segment holds from here to `position` is not known to be on the disk: it may only be in a cache. */
  readonly unsure: { readonly at: number; readonly bytes: Uint8Array }
  readonly witnessSequence: number
  readonly facts: WitnessFacts
  /** Names that are no longer needed. */
  readonly obsolete: readonly string[]
}

/** Replays records in order; holds what is true of the log so far. */
class Replay {
  readonly window: EntryWindow
  readonly facts: WitnessFacts
  readonly witnessSequence: number
  chain: number
  number = 0
  lastIndex = 0
  lastTerm = 0
  commit: number
  /** Highest record number known to have been synced, and the last log term at a record no later than it. */
  durable: number
  durableTerm = 0
  /** The term seen last at the compaction point of the witness. */
  private compactedTerm: number | undefined
  private readonly terms: { number: number; term: number }[] = []

  constructor(facts: WitnessFacts, witnessSequence: number, chain: number) {
    this.facts = facts
    this.witnessSequence = witnessSequence
    this.window = new EntryWindow(facts.compactedIndex, facts.compactedTerm)
    this.chain = chain
    this.commit = facts.commit
    this.durable = facts.durableNumber
  }

  /** Starts or goes on with a segment. */
  enter(header: SegmentHeader, first: boolean, where: string): void {
    if (first) {
      if (header.sequence > 1) {
        this.chain = header.chain
        this.number = header.number
        this.lastIndex = header.lastIndex
        this.lastTerm = header.lastTerm
      }
      if (header.lastIndex > this.facts.compactedIndex) throw damaged('the log does not begin where it should', where)
    }
    if (header.number !== this.number || header.chain !== this.chain || header.lastIndex !== this.lastIndex) {
      throw damaged('records are missing before this segment', where, this.lastIndex)
    }
    this.checkWitness(header.witnessSequence, where)
    this.checkPosition(where)
  }

  /** Takes one valid record. */
  take(header: RecordHeader, data: Uint8Array, where: string): void {
    const { index, term, kind } = header
    if (header.number !== this.number + 1 || header.previous !== this.chain) {
      throw damaged('a record does not follow its predecessor', where, this.lastIndex)
    }
    this.checkWitness(header.witnessSequence, where)
    if (kind === 'reset') {
      if (index >= this.window.baseIndex) this.window.reset(index, term)
      else this.window.cut(0)
    } else {
      if (index < 1 || index > this.lastIndex + 1) throw damaged('an entry leaves a hole', where, this.lastIndex)
      if (index > this.window.baseIndex) {
        if (index > this.window.lastIndex + 1) throw damaged('an entry leaves a hole', where, this.lastIndex)
        this.window.put({ index, term, type: kind, data: data.slice() })
      } else {
        this.window.cut(0)
      }
    }
    if (index === this.facts.compactedIndex) this.compactedTerm = term
    this.chain = header.checksum
    this.number = header.number
    this.lastIndex = index
    this.lastTerm = term
    this.commit = Math.max(this.commit, header.commit)
    this.durable = Math.max(this.durable, header.durable)
    if (this.terms.at(-1)?.term !== term) this.terms.push({ number: header.number, term })
    this.checkPosition(where)
  }

  /** Checks the end of the log against every mark. */
  finish(where: string): void {
    if (this.number < this.durable) {
      throw damaged(`records ${this.number + 1} to ${this.durable} were synced and are missing`, where, this.lastIndex)
    }
    const { compactedIndex, compactedTerm, term } = this.facts
    if (this.lastIndex < compactedIndex || this.lastIndex !== this.window.lastIndex) {
      throw damaged('the log ends before its compaction point', where, this.lastIndex)
    }
    if (this.compactedTerm !== undefined && this.compactedTerm !== compactedTerm) {
      throw damaged('the compaction point has another term than its entry', where, this.lastIndex)
    }
    const synced = this.terms.findLast((seen) => seen.number <= this.durable)
    if (synced !== undefined && synced.term > term) {
      throw damaged('the witness is older than synced records', witnessName, this.lastIndex)
    }
  }

  /**
   * Term and vote are the witness's. A last record of a later term was never acknowledged (finish checked), so no vote of
   * that term was answered either: the node starts that term without one.
   */
  hardState(): HardState {
    const { term, vote } = this.facts
    const commit = Math.min(Math.max(this.commit, this.window.baseIndex), this.window.lastIndex)
    return this.lastTerm > term ? { term: this.lastTerm, vote: 0, commit } : { term, vote, commit }
  }

  private checkWitness(sequence: number, where: string): void {
    if (sequence > this.witnessSequence) throw damaged('the witness has lost its newest write', where, this.lastIndex)
  }

  private checkPosition(where: string): void {
    const { durableNumber, durableIndex, durableTerm } = this.facts
    if (this.number !== durableNumber) return
    if (this.lastIndex !== durableIndex || this.lastTerm !== durableTerm) {
      throw damaged('log and witness disagree', where, this.lastIndex)
    }
  }
}

/** Reads the whole log. Throws `LogDamaged`; changes nothing on disk. */
export async function recover(
  files: Files,
  directory: string,
  crypto: Crypto,
  incarnation: Uint8Array,
): Promise<Recovered> {
  const witness = readWitness(await files.readFile(`${directory}/${witnessName}`), crypto, incarnation)
  const { facts } = witness
  const names = await files.list(directory)
  const found = names.map(segmentSequence).filter((sequence) => sequence !== undefined)
  const obsolete = found.filter((sequence) => sequence < facts.firstSegment).map(segmentName)
  if (names.includes(nextSegmentName)) obsolete.push(nextSegmentName)
  const sequences = found.filter((sequence) => sequence >= facts.firstSegment)
  for (let sequence = facts.firstSegment; sequence <= facts.lastSegment; sequence++) {
    if (!sequences.includes(sequence)) throw damaged('a segment is missing', segmentName(sequence))
  }
  const newest = sequences.at(-1) as number
  if (newest > facts.lastSegment + 1) throw damaged('the witness is older than the log', segmentName(newest))

  const replay = new Replay(facts, witness.sequence, firstChain(crypto, incarnation))
  const places: SegmentPlace[] = []
  let position = 0
  let capacity = 0
  let tornEnd = 0
  let content: Uint8Array = emptyBytes
  let starts: RecordStart[] = []
  for (const sequence of sequences) {
    const name = segmentName(sequence)
    const bytes = await files.readFile(`${directory}/${name}`)
    if (bytes === undefined) throw damaged('a segment is missing', name)
    const header = decodeSegmentHeader(crypto, incarnation, bytes)
    if (typeof header === 'string') throw damaged(header, name)
    if (header.sequence !== sequence) throw damaged(`the segment is number ${header.sequence}`, name)
    if (header.capacity !== bytes.length) {
      throw damaged(`the segment has ${bytes.length} bytes instead of ${header.capacity}`, name)
    }
    replay.enter(header, places.length === 0, name)
    const place = { sequence, maxIndex: 0 }
    places.push(place)
    starts = []
    position = replayRecords(replay, place, crypto, bytes, name, starts)
    capacity = bytes.length
    content = bytes
    if (sequence === newest) tornEnd = endOfTorn(replay, crypto, bytes, position, name)
  }
  replay.finish(segmentName(newest))
  const active = { ...(places.pop() as SegmentPlace), capacity, position }
  const { window, chain, number } = replay
  const hardState = replay.hardState()
  const unsureAt = unsureFrom(starts, replay.durable, position)
  const unsure = { at: unsureAt, bytes: content.slice(unsureAt, position) }
  return {
    unsure,
    ...{ hardState, window, chain, number, closed: places, active, tornEnd, facts, obsolete },
    witnessSequence: witness.sequence,
  }
}

interface RecordStart {
  readonly number: number
  readonly at: number
}

/**
 * Where the records of the newest segment begin that no mark calls synced; its header goes with its first record. Older
 * segments are sure: a log goes on in the next one only after a sync that worked.
 */
function unsureFrom(starts: readonly RecordStart[], durable: number, position: number): number {
  const first = starts[0]
  if (first === undefined || first.number > durable) return 0
  const unsure = starts.find(({ number }) => number > durable)
  return unsure === undefined ? position : unsure.at - (unsure.at % sectorBytes)
}

/** Takes records until one is not valid, and notes where they begin; returns where the first is that is not valid. */
function replayRecords(
  replay: Replay,
  place: SegmentPlace,
  crypto: Crypto,
  bytes: Uint8Array,
  name: string,
  starts: RecordStart[],
): number {
  const view = dataView(bytes)
  let at = 512
  for (;;) {
    const header = decodeHeader(crypto, bytes, view, at)
    if (header === undefined || !bodyIsIntact(crypto, bytes, view, at, header)) return at
    starts.push({ number: header.number, at })
    const start = at + recordHeaderBytes
    replay.take(header, bytes.subarray(start, start + header.length), `${name} at ${at}`)
    place.maxIndex = Math.max(place.maxIndex, header.index)
    at += recordSize(header.length)
  }
}

/** Looks at what follows the last valid record; returns up to where it must be zeroed (`at` if it is all zero). */
function endOfTorn(replay: Replay, crypto: Crypto, bytes: Uint8Array, at: number, name: string): number {
  if (isZero(bytes, at, bytes.length)) return at
  const view = dataView(bytes)
  const where = `${name} at ${at}`
  if (!isTorn(bytes, at, decodeHeader(crypto, bytes, view, at))) {
    throw damaged('a record is not what was written', where, replay.lastIndex)
  }
  for (let past = at; past + 8 <= bytes.length; past += 8) {
    const header = decodeHeader(crypto, bytes, view, past)
    if (header === undefined) continue
    if (header.durable > replay.number) {
      throw damaged(`record ${replay.number + 1} was synced and can't be read`, where, replay.lastIndex)
    }
    if (header.witnessSequence > replay.witnessSequence) {
      throw damaged('the witness has lost its newest write', where, replay.lastIndex)
    }
  }
  let end = bytes.length
  while (bytes[end - 1] === 0) end--
  return end
}
