/**
 * Event blocks: the records of one flush, packed into stored values of some 128 KiB.
 *
 *    0  u8   format 1
 *    1  u8   flags 0
 *    2  u16  count of endings
 *    4  u32  count of records
 *    8  u64  id
 *   16  records (record.ts)
 *       endings: u32 which record, u64 the revision that replaced it; in order
 *  end  16 bytes: hash of the first 16 bytes, of every record's hash, and of the endings, in order
 *
 * A record that was moved here after it had been replaced says by what, because that may be gone from disk before it is. All
 * others were written before what replaced them, so it is found in this block or a later one as long as they are.
 *
 * The trailer is made from record hashes, which apply has computed already, so a seal hashes no value twice. A record
 * read later is checked against the hash the index holds for it, which is stronger than the block's own.
 *
 * Ids count up without gaps; only the oldest block is ever removed. Hence a missing block is always noticed, and a tombstone
 * in it has nothing left to hide.
 */
import { ByteReader, ByteWriter, NitroError, assert, hash128Into, hash128View } from '../base/index.ts'
import { RecordHeader, damaged, readRecordHeader, recordHeaderBytes, viewOf } from './record.ts'
import type { RecordId, Records } from './records.ts'

/** A block is closed when it has reached this size; a longer record gets a block of its own. */
const blockTargetBytes = 128 * 1024

/** The bytes before a block's records. */
const blockHeaderBytes = 16

/** The bytes after a block's records. */
const blockTrailerBytes = 16

/** The bytes of one ending. */
const endingBytes = 12

const blockFormat = 1
const two32 = 0x1_0000_0000

/** Fills one block with records whose hashes are known. */
export class BlockBuilder {
  readonly id: number
  /** Bytes the finished block has, with what was added so far. */
  sizeBytes: number = blockHeaderBytes + blockTrailerBytes
  private count = 0
  /** Pieces of memory that hold the records; those that lie one behind the other are one piece. */
  private readonly parts: Uint8Array[] = []
  private readonly starts: number[] = []
  private readonly ends: number[] = []
  private readonly hashes: ByteWriter
  private readonly endings = new ByteWriter(64)

  /** `hashes` is memory that only this block uses until it is finished. */
  constructor(id: number, hashes: ByteWriter) {
    assert(id < two32, 'blocks are numbered in 32 bits: five a second for 27 years')
    this.id = id
    this.hashes = hashes
    hashes.clear()
    hashes.raw(new Uint8Array(blockHeaderBytes))
  }

  /** Whether a record of this length belongs into this block rather than into the next. */
  takes(length: number): boolean {
    return this.count === 0 || this.sizeBytes + length <= blockTargetBytes
  }

  /**
   * Adds a record, which lies at its offset in `bytes`; `until` is the revision that has replaced it, or 0. Returns its offset in the
   * block.
   */
  add(records: Records, record: RecordId, bytes: Uint8Array, until: number): number {
    const offset = records.offset(record)
    const length = records.length(record)
    const at = this.sizeBytes - blockTrailerBytes - this.endings.length
    if (until !== 0) {
      this.endings.u32(this.count)
      this.endings.u64(until)
      this.sizeBytes += endingBytes
    }
    const last = this.parts.length - 1
    if (last >= 0 && this.parts[last] === bytes && this.ends[last] === offset) this.ends[last] = offset + length
    else {
      this.parts.push(bytes)
      this.starts.push(offset)
      this.ends.push(offset + length)
    }
    for (let lane = 0; lane < 4; lane++) this.hashes.u32(records.lane(record, lane))
    this.sizeBytes += length
    this.count++
    return at
  }

  /** Writes the block's bytes to `out`, which has just their size and may hold anything. */
  finish(out: Uint8Array): void {
    const data = viewOf(out)
    out[0] = blockFormat
    out[1] = 0
    data.setUint16(2, this.endings.length / endingBytes, true)
    data.setUint32(4, this.count, true)
    data.setUint32(8, this.id, true)
    data.setUint32(12, this.id / two32, true)
    let at = blockHeaderBytes
    for (let i = 0; i < this.parts.length; i++) {
      const piece = (this.parts[i] as Uint8Array).subarray(this.starts[i], this.ends[i])
      out.set(piece, at)
      at += piece.length
    }
    out.set(this.endings.view(), at)
    this.hashes.raw(this.endings.view())
    writeTrailer(out, this.hashes)
  }
}

/** The hash that ends a block, over `hashes`, whose first 16 bytes are replaced by the block's header. */
function writeTrailer(block: Uint8Array, hashes: ByteWriter): void {
  hashes.bytes.set(block.subarray(0, blockHeaderBytes), 0)
  hash128Into(trailer, 0, hashes.bytes, 0, hashes.length)
  const data = new DataView(block.buffer, block.byteOffset, block.byteLength)
  for (let lane = 0; lane < 4; lane++) {
    data.setUint32(block.length - blockTrailerBytes + lane * 4, trailer[lane] as number, true)
  }
}
const trailer = new Uint32Array(4)

/** Called for each record of a block: where it lies, its header (reused) and its hash lanes at `lanes[lane]`. */
export type RecordVisitor = (at: number, header: RecordHeader, lanes: Uint32Array, lane: number) => void

/**
 * Verifies a whole block and then visits its records. Nothing is visited unless everything is as it was written.
 * Throws `StateDamaged`, or `UnsupportedFormat` for an intact block of another version.
 */
export function readBlock(id: number, block: Uint8Array, visit: RecordVisitor): void {
  if (block.length < blockHeaderBytes + blockTrailerBytes) throw damaged(`block ${id} has ${block.length} bytes`)
  const data = viewOf(block)
  const endings = data.getUint16(2, true)
  const end = block.length - blockTrailerBytes - endings * endingBytes
  const count = data.getUint32(4, true)
  if (count * recordHeaderBytes > end) throw damaged(`block ${id} has a wrong count`)
  const lanes = new Uint32Array(4 * (count + 1))
  let at = blockHeaderBytes
  for (let i = 0; i < count; i++) {
    const next = at + (end - at < recordHeaderBytes ? two32 : data.getUint32(at, true))
    if (next > end || next < at + recordHeaderBytes) throw damaged(`block ${id} has a record of a wrong length`)
    hash128View(lanes, 4 * (i + 1), data, at, next)
    at = next
  }
  if (at !== end) throw damaged(`block ${id} has bytes left over`)
  verifyTrailer(id, block, lanes, end)
  if (data.getUint16(0, true) !== blockFormat) {
    throw new NitroError('UnsupportedFormat', `block format ${block[0]}, flags ${block[1]}`)
  }
  const header = new RecordHeader()
  const ends = new ByteReader(block, end, block.length - blockTrailerBytes)
  let ending = endings === 0 ? count : ends.u32()
  at = blockHeaderBytes
  for (let i = 0; i < count; i++) {
    readRecordHeader(data, at, end, header)
    header.until = 0
    if (i === ending) {
      header.until = ends.u64()
      ending = ends.remaining === 0 ? count : ends.u32()
    }
    visit(at, header, lanes, 4 * (i + 1))
    at += header.length
  }
}

function verifyTrailer(id: number, block: Uint8Array, lanes: Uint32Array, recordsEnd: number): void {
  const hashes = new ByteWriter(lanes.length * 4)
  hashes.raw(block.subarray(0, blockHeaderBytes))
  for (let i = 4; i < lanes.length; i++) hashes.u32(lanes[i] as number)
  hashes.raw(block.subarray(recordsEnd, block.length - blockTrailerBytes))
  const data = new DataView(block.buffer, block.byteOffset, block.length)
  if (data.getUint32(8, true) + data.getUint32(12, true) * two32 !== id) throw damaged(`block ${id} has another id`)
  hash128Into(trailer, 0, hashes.bytes, 0, hashes.length)
  for (let lane = 0; lane < 4; lane++) {
    if (data.getUint32(block.length - blockTrailerBytes + lane * 4, true) !== trailer[lane]) {
      throw damaged(`block ${id} has a wrong checksum`)
    }
  }
}
