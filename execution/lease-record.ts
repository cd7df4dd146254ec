/**
 * The stored form of a lease, which is also what is hashed.
 *
 *   key    'l', u64 big-endian id
 *   value  u8 format 1, uint ttlMs, uint deadline, 16 bytes: hash of the id and everything before
 */
import { ByteReader, ByteWriter, NitroError, hash128Into, isNitroError } from '../base/index.ts'
import { Lease } from './lease.ts'
import { damaged } from './record.ts'

const leaseFormat = 1
const prefix = 0x6c
const idBytes = 8
const hashBytes = 16
const writer = new ByteWriter(64)
const lanes = new Uint32Array(4)

/** The key of a lease's stored record. */
export function leaseKey(id: number): Uint8Array {
  const key = new Uint8Array(1 + idBytes)
  key[0] = prefix
  for (let rest = id, at = idBytes; rest > 0; at--) {
    key[at] = rest & 0xff
    rest = Math.floor(rest / 0x100)
  }
  return key
}

/** Whether a stored record is a lease's. */
export function isLeaseKey(key: Uint8Array): boolean {
  return key[0] === prefix && key.length === 1 + idBytes
}

/** Computes the lease's hash again. */
export function hashLease(lease: Lease): void {
  write(lease)
  hash128Into(lease.hash, 0, writer.bytes, 0, writer.length)
}

/** The stored value of a lease. */
export function encodeLease(lease: Lease): Uint8Array {
  write(lease)
  hash128Into(lanes, 0, writer.bytes, 0, writer.length)
  for (const lane of lanes) writer.u32(lane)
  return writer.bytes.slice(idBytes, writer.length)
}

/** A lease from its stored record. Throws `StateDamaged`, or `UnsupportedFormat` for an intact one of another version. */
export function decodeLease(key: Uint8Array, value: Uint8Array): Lease {
  const end = value.length - hashBytes
  if (end < 0) throw damaged('a lease record is too short')
  const id = new DataView(key.buffer, key.byteOffset, key.length).getBigUint64(1)
  if (id < 1n || id > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged('a lease record has an impossible id')
  writer.clear()
  writer.u64(Number(id))
  writer.raw(value.subarray(0, end))
  hash128Into(lanes, 0, writer.bytes, 0, writer.length)
  const stored = new ByteReader(value, end)
  for (const lane of lanes) if (stored.u32() !== lane) throw damaged('a lease record has a wrong checksum')
  try {
    return read(Number(id), new ByteReader(value, 0, end))
  } catch (thrown) {
    if (isNitroError(thrown, 'MalformedFrame')) throw damaged(`a lease record: ${thrown.message}`)
    throw thrown
  }
}

function write(lease: Lease): void {
  writer.clear()
  writer.u64(lease.id)
  writer.u8(leaseFormat)
  writer.uint(lease.ttlMs)
  writer.uint(lease.deadline)
}

function read(id: number, reader: ByteReader): Lease {
  const format = reader.u8()
  if (format !== leaseFormat) throw new NitroError('UnsupportedFormat', `lease record of format ${format}`)
  const lease = new Lease(id, reader.uint(), reader.uint())
  reader.finish()
  hashLease(lease)
  return lease
}
