/**
 * Segment files: `wal-<sequence>`, pre-zeroed to their full size before they get that name.
 *
 *   0 u32 magic              40 u64 last index before it     72 u64 compacted term
 *   4 u32 format             48 u64 last term before it      80 u64 capacity: bytes in the file
 *   8 16 bytes incarnation   56 u64 records before it        88 u32 previous record's header checksum
 *  24 u64 sequence           64 u64 compacted index          92 zero bytes
 *  32 u64 witness sequence                                  508 u32 checksum of bytes 0..508
 *
 * The header fills one sector and is synced, with the first records, before the name exists: a named segment always has
 * a valid header.
 */
import type { Crypto, FileHandle, Files } from '../../../base/index.ts'
import { equalBytes } from '../../../base/index.ts'
import { dataView, getU64, putU64, sectorBytes } from './bytes.ts'

const magic = 0x3147534e
const format = 1

/** Name of the file that is zeroed ahead of its use. */
export const nextSegmentName = 'wal-next.tmp'

/** A segment's file name. */
export function segmentName(sequence: number): string {
  return `wal-${String(sequence).padStart(12, '0')}`
}

/** The sequence in a segment's file name, or undefined for any other name. */
export function segmentSequence(name: string): number | undefined {
  return /^wal-\d{12}$/.test(name) ? Number(name.slice(4)) : undefined
}

/** Where a segment stands in the log. */
export interface SegmentHeader {
  readonly sequence: number
  readonly witnessSequence: number
  /** Last index and term before this segment's first record. */
  readonly lastIndex: number
  readonly lastTerm: number
  /** Number of the last record before this segment. */
  readonly number: number
  readonly compactedIndex: number
  readonly compactedTerm: number
  readonly capacity: number
  /** Header checksum of the last record before this segment. */
  readonly chain: number
}

/** Writes the header sector at the start of `sector`. */
export function encodeSegmentHeader(
  crypto: Crypto,
  incarnation: Uint8Array,
  header: SegmentHeader,
  sector: Uint8Array,
): void {
  const view = dataView(sector)
  sector.fill(0, 0, sectorBytes)
  view.setUint32(0, magic, true)
  view.setUint32(4, format, true)
  sector.set(incarnation, 8)
  putU64(view, 24, header.sequence)
  putU64(view, 32, header.witnessSequence)
  putU64(view, 40, header.lastIndex)
  putU64(view, 48, header.lastTerm)
  putU64(view, 56, header.number)
  putU64(view, 64, header.compactedIndex)
  putU64(view, 72, header.compactedTerm)
  putU64(view, 80, header.capacity)
  view.setUint32(88, header.chain, true)
  view.setUint32(sectorBytes - 4, crypto.crc32(sector.subarray(0, sectorBytes - 4)), true)
}

/** Reads the header sector; a string says what is wrong with it. */
export function decodeSegmentHeader(
  crypto: Crypto,
  incarnation: Uint8Array,
  bytes: Uint8Array,
): SegmentHeader | string {
  if (bytes.length < sectorBytes) return 'the segment is shorter than its header'
  const view = dataView(bytes)
  const checksum = crypto.crc32(bytes.subarray(0, sectorBytes - 4))
  if (view.getUint32(0, true) !== magic || view.getUint32(sectorBytes - 4, true) !== checksum) {
    return 'the segment header is not valid'
  }
  if (view.getUint32(4, true) !== format) return `the segment has format ${view.getUint32(4, true)}`
  if (!equalBytes(bytes.subarray(8, 24), incarnation)) return 'the segment belongs to another incarnation'
  return {
    sequence: getU64(view, 24),
    witnessSequence: getU64(view, 32),
    lastIndex: getU64(view, 40),
    lastTerm: getU64(view, 48),
    number: getU64(view, 56),
    compactedIndex: getU64(view, 64),
    compactedTerm: getU64(view, 72),
    capacity: getU64(view, 80),
    chain: view.getUint32(88, true),
  }
}

/** The chain value before the first record: ties the log to its incarnation. */
export function firstChain(crypto: Crypto, incarnation: Uint8Array): number {
  return crypto.crc32(incarnation)
}

// small steps: a sync of many megabytes would make the log's own syncs wait (p99 of 28 kB appends: 2.8 ms with 1 MiB); but each
// step is a hand-off to a thread and a request of its own (16 MiB: 20 ms of CPU time in steps of 128 KiB, 10 in these)
const zeros = new Uint8Array(256 << 10)

/**
 * Makes a file of `capacity` zero bytes under the temporary name, synced; replaces an older attempt. `used` is the name of a segment
 * that is no longer part of the log: its file is taken if it has that size. A disk takes zeros over what it has two to three times as fast
 * as in a new file, and neither a file is removed for it nor the file system's journal written.
 */
export async function prepareSegment(
  files: Files,
  directory: string,
  capacity: number,
  used?: string,
): Promise<FileHandle> {
  const path = `${directory}/${nextSegmentName}`
  await files.remove(path)
  const reused = used === undefined ? undefined : await reuse(files, `${directory}/${used}`, path, capacity)
  const file = reused ?? (await files.open(path, { create: true, durableWrites: true }))
  try {
    for (let at = 0; at < capacity; at += zeros.length) {
      await file.write(at, zeros.subarray(0, Math.min(zeros.length, capacity - at)))
      await file.sync()
    }
  } catch (error) {
    await file.close().catch(() => undefined)
    throw error
  }
  return file
}

async function reuse(files: Files, from: string, path: string, capacity: number): Promise<FileHandle | undefined> {
  await files.rename(from, path)
  const file = await files.open(path, { durableWrites: true })
  let isUsable = false
  try {
    isUsable = (await file.size()) === capacity
    if (isUsable) return file
  } finally {
    if (!isUsable) await file.close()
  }
  await files.remove(path)
  return undefined
}
