/**
 * One record of a segment: header, data, zero padding to eight bytes, trailer.
 *
 *   0 u32 magic            16 u64 index             48 u64 commit
 *   4 u8  type             24 u64 term              56 u32 lag: number - durable
 *   5 3 zero bytes         32 u64 number            60 u32 zeros: all-zero sectors in data
 *   8 u32 data length      40 u64 witness sequence  64 u32 checksum of the previous header
 *  12 u32 data checksum                             68 u32 checksum of bytes 0..68
 *  72 data, padding        then u32 trailer magic, u32 low half of number
 *
 * `number` counts records, not indexes: it never goes back when a leader replaces a suffix, so "the log ends before what
 * was known to be synced" stays exact. `durable` is the highest number already synced when the record was written.
 *
 * A sector that was never written is zero from the record's start on (segments are pre-zeroed). Magic and trailer are
 * not zero, and `zeros` says how many sectors of the data are so by themselves: hence a torn record can be told from a
 * damaged one without guessing.
 */
import type { Crypto } from '../../../base/index.ts'
import type { Entry, EntryType } from '../../../consensus/index.ts'
import { getU64, isZero, putU64, sectorBytes, zeroSectors } from './bytes.ts'

const magic = 0x3152534e
const trailerMagic = 0x4552534e

/** Bytes before a record's data. */
export const recordHeaderBytes = 72
const trailerBytes = 8

/** An entry, or the mark that everything before it was dropped for a snapshot at (index, term). */
export type RecordKind = EntryType | 'reset'

const kinds: readonly (RecordKind | undefined)[] = [undefined, 'normal', 'confChange', 'confChangeV2', 'reset']

/** What a header says. */
export interface RecordHeader {
  readonly kind: RecordKind
  readonly length: number
  readonly dataChecksum: number
  readonly index: number
  readonly term: number
  readonly number: number
  readonly witnessSequence: number
  readonly commit: number
  /** Highest record number that was synced when this record was written. */
  readonly durable: number
  readonly zeros: number
  readonly previous: number
  /** This header's own checksum: the next record's `previous`. */
  readonly checksum: number
}

/** What a new record carries besides its entry. */
export interface RecordContext {
  number: number
  durable: number
  witnessSequence: number
  commit: number
  previous: number
}

/** Bytes a record takes on disk; a multiple of eight. */
export function recordSize(dataLength: number): number {
  return recordHeaderBytes + Math.ceil(dataLength / 8) * 8 + trailerBytes
}

/**
 * Encodes one record into `arena` at `at` and returns its header checksum. `at` must be congruent to the file offset modulo
 * the sector size.
 */
export function encodeRecord(
  crypto: Crypto,
  arena: Uint8Array,
  view: DataView,
  at: number,
  kind: RecordKind,
  entry: Omit<Entry, 'type'>,
  context: Readonly<RecordContext>,
): number {
  const { data } = entry
  const start = at + recordHeaderBytes
  const end = at + recordSize(data.length) - trailerBytes
  arena.set(data, start)
  arena.fill(0, start + data.length, end)
  view.setUint32(at, magic, true)
  view.setUint32(at + 4, kinds.indexOf(kind), true)
  view.setUint32(at + 8, data.length, true)
  view.setUint32(at + 12, data.length === 0 ? 0 : crypto.crc32(data), true)
  putU64(view, at + 16, entry.index)
  putU64(view, at + 24, entry.term)
  putU64(view, at + 32, context.number)
  putU64(view, at + 40, context.witnessSequence)
  putU64(view, at + 48, context.commit)
  view.setUint32(at + 56, context.number - context.durable, true)
  view.setUint32(at + 60, zeroSectors(arena, start, end), true)
  view.setUint32(at + 64, context.previous, true)
  const checksum = crypto.crc32(arena.subarray(at, at + 68))
  view.setUint32(at + 68, checksum, true)
  view.setUint32(end, trailerMagic, true)
  view.setUint32(end + 4, context.number >>> 0, true)
  return checksum
}

/** The header at `at`, or undefined when there is no valid one. */
export function decodeHeader(crypto: Crypto, bytes: Uint8Array, view: DataView, at: number): RecordHeader | undefined {
  if (at + recordHeaderBytes + trailerBytes > bytes.length) return undefined
  if (view.getUint32(at, true) !== magic) return undefined
  const checksum = view.getUint32(at + 68, true)
  if (crypto.crc32(bytes.subarray(at, at + 68)) !== checksum) return undefined
  const kind = kinds[view.getUint32(at + 4, true)]
  if (kind === undefined) return undefined
  const number = getU64(view, at + 32)
  return {
    kind,
    length: view.getUint32(at + 8, true),
    dataChecksum: view.getUint32(at + 12, true),
    index: getU64(view, at + 16),
    term: getU64(view, at + 24),
    number,
    witnessSequence: getU64(view, at + 40),
    commit: getU64(view, at + 48),
    durable: number - view.getUint32(at + 56, true),
    zeros: view.getUint32(at + 60, true),
    previous: view.getUint32(at + 64, true),
    checksum,
  }
}

/** Whether data, padding and trailer of the record at `at` are what its header says. */
export function bodyIsIntact(
  crypto: Crypto,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  header: RecordHeader,
): boolean {
  const start = at + recordHeaderBytes
  const end = at + recordSize(header.length) - trailerBytes
  if (end + trailerBytes > bytes.length) return false
  if (view.getUint32(end, true) !== trailerMagic || view.getUint32(end + 4, true) !== header.number >>> 0) return false
  if (!isZero(bytes, start + header.length, end)) return false
  const checksum = header.length === 0 ? 0 : crypto.crc32(bytes.subarray(start, start + header.length))
  return checksum === header.dataChecksum
}

/**
 * Whether the bad record at `at` lacks a whole sector, so that it was torn by a crash rather than damaged later. `header` is
 * undefined when it could not be read.
 */
export function isTorn(bytes: Uint8Array, at: number, header: RecordHeader | undefined): boolean {
  if (header === undefined) {
    const last = Math.min(at + recordHeaderBytes, bytes.length)
    for (let sector = Math.floor(at / sectorBytes) * sectorBytes; sector < last; sector += sectorBytes) {
      if (isZero(bytes, Math.max(at, sector), Math.min(sector + sectorBytes, bytes.length))) return true
    }
    return false
  }
  const end = at + recordSize(header.length)
  if (end > bytes.length) return false
  const lastSector = Math.floor((end - 1) / sectorBytes) * sectorBytes
  const sectorEnd = Math.min(lastSector + sectorBytes, bytes.length)
  if (isZero(bytes, Math.max(at, lastSector), sectorEnd)) return true
  return zeroSectors(bytes, at + recordHeaderBytes, end - trailerBytes) > header.zeros
}
