/**
 * The bytes of one log entry: a header with the leader's time stamps, then the commands exactly as clients encoded them.
 *
 *   0  u8   format 1
 *   1  u8   flags 0
 *   2  u16  reserved 0
 *   4  u32  count of commands
 *   8  u64  log time, ms
 *  16  u64  wall time, ms since 1970
 *  24  u32  body length
 *  28  u32  checksum over bytes 0..27 and the body
 *  32  body: count x { u32 length, command }
 *
 * Raft's own empty entry has no bytes at all and never comes here.
 */
import { NitroError, assert, hash128Into, isNitroError } from '../base/index.ts'
import { CommandHeader, decodeCommandHeader } from './command.ts'
import { maxEntryBytes, maxEntryCommands } from './limits.ts'

/** The bytes before an entry's body. */
export const entryHeaderBytes = 32

const entryFormat = 1
const two32 = 0x1_0000_0000

/** The facts of an entry header. */
export interface EntryHeader {
  /** Commands in the body; 0 for an entry that only carries time. */
  readonly count: number
  /** The leader's log clock, in ms. */
  readonly logTime: number
  /** The leader's wall clock, in ms since 1970. */
  readonly wallTime: number
  readonly bodyLength: number
}

/** Collects the commands of one turn into an entry. */
export class EntryBuilder {
  /** Commands added so far. */
  count = 0
  private bytes = new Uint8Array(16 * 1024)
  private data = new DataView(this.bytes.buffer)
  private end = entryHeaderBytes

  /** Bytes the finished entry would have. */
  get sizeBytes(): number {
    return this.end
  }

  /** Whether one more command fits the limits of an entry; a first one always does. */
  fits(command: Uint8Array): boolean {
    if (this.count === 0) return true
    return this.count < maxEntryCommands && this.end - entryHeaderBytes + 4 + command.length <= maxEntryBytes
  }

  /** Appends a command; the caller has asked {@link fits} first. */
  add(command: Uint8Array): void {
    assert(this.fits(command), 'the command fits the entry')
    const needed = this.end + 4 + command.length
    if (needed > this.bytes.length) this.grow(needed)
    this.data.setUint32(this.end, command.length, true)
    this.bytes.set(command, this.end + 4)
    this.end = needed
    this.count++
  }

  /** The entry's bytes, a copy. The builder keeps its commands until {@link clear}. */
  finish(logTime: number, wallTime: number): Uint8Array {
    this.data.setUint32(0, entryFormat, true)
    this.data.setUint32(4, this.count, true)
    writeTime(this.data, 8, logTime)
    writeTime(this.data, 16, wallTime)
    this.data.setUint32(24, this.end - entryHeaderBytes, true)
    this.data.setUint32(28, entryChecksum(this.bytes, this.end), true)
    return this.bytes.slice(0, this.end)
  }

  /** Empties the builder for the next entry. */
  clear(): void {
    this.count = 0
    this.end = entryHeaderBytes
  }

  private grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    grown.set(this.bytes.subarray(0, this.end))
    this.bytes = grown
    this.data = new DataView(grown.buffer)
  }
}

/**
 * The header of a whole entry, with its checksum, unless it is this process's own, and the framing of its commands verified.
 * Throws `UnsupportedFormat` for another format or unknown flags, `DataCorrupt` for bytes that are not what was written.
 */
export function readEntryHeader(bytes: Uint8Array, isOwn = false): EntryHeader {
  if (bytes.length < entryHeaderBytes) throw corrupt(`an entry of ${bytes.length} bytes`)
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (!isOwn && data.getUint32(28, true) !== entryChecksum(bytes, bytes.length)) throw corrupt('entry checksum differs')
  if (data.getUint32(0, true) !== entryFormat) {
    const details = { format: bytes[0] as number, flags: bytes[1] as number }
    throw new NitroError('UnsupportedFormat', `entry format ${details.format}, flags ${details.flags}`, { details })
  }
  const bodyLength = data.getUint32(24, true)
  if (bodyLength !== bytes.length - entryHeaderBytes) throw corrupt(`body of ${bodyLength} bytes in ${bytes.length}`)
  const count = data.getUint32(4, true)
  let at = entryHeaderBytes
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.length) throw corrupt('commands run past the entry')
    at += 4 + data.getUint32(at, true)
  }
  if (at !== bytes.length) throw corrupt('commands do not fill the entry')
  return { count, logTime: readTime(data, 8), wallTime: readTime(data, 16), bodyLength }
}

/** The length of the command whose length stands at `at`. */
export function commandLengthAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  )
}

/**
 * A command of a later version must stop the node before any command of its entry has an effect: throws `UnsupportedFormat`,
 * and what `look` throws. One that is no command at all is answered so when its turn comes.
 */
export function refuseUnknown(entry: Uint8Array, count: number, look: (header: CommandHeader) => void): void {
  let at = entryHeaderBytes
  for (let i = 0; i < count; i++) {
    const end = at + 4 + commandLengthAt(entry, at)
    try {
      decodeCommandHeader(entry, at + 4, end, looked)
      look(looked)
    } catch (thrown) {
      if (!isNitroError(thrown, 'MalformedFrame')) throw thrown
    }
    at = end
  }
}
const looked = new CommandHeader()

/** The header is the seed of the body's hash, so that one pass covers both sides of the checksum field. */
function entryChecksum(bytes: Uint8Array, end: number): number {
  hash128Into(lanes, 0, bytes, 0, entryHeaderBytes - 4)
  hash128Into(lanes, 0, bytes, entryHeaderBytes, end, lanes[0])
  return lanes[0] as number
}
const lanes = new Uint32Array(4)

function writeTime(data: DataView, at: number, ms: number): void {
  assert(Number.isSafeInteger(ms) && ms >= 0, () => `time stamp ${ms}`)
  data.setUint32(at, ms % two32, true)
  data.setUint32(at + 4, Math.floor(ms / two32), true)
}

function readTime(data: DataView, at: number): number {
  const ms = data.getUint32(at + 4, true) * two32 + data.getUint32(at, true)
  if (!Number.isSafeInteger(ms)) throw corrupt('time stamp above 2^53')
  return ms
}

function corrupt(what: string): NitroError {
  return new NitroError('DataCorrupt', `log entry: ${what}`)
}
