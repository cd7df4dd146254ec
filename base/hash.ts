/**
 * A fast 128-bit hash for state comparison and checksums: MurmurHash3_x86_128 (Austin Appleby, public domain).
 *
 * It finds accidents (bit rot, divergence), not attacks. Sums of record hashes are taken lane by lane modulo 2^32, so
 * that a record can be added to and removed from a sum in any order.
 */
import { hex } from './bytes.ts'

const c1 = 0x239b961b
const c2 = 0xab0e9789
const c3 = 0x38b34ae5
const c4 = 0xa1e38b93

const rotl = (x: number, r: number): number => (x << r) | (x >>> (32 - r))

function fmix(h: number): number {
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** Hashes `bytes[start, end)` and writes four 32-bit lanes to `out[outAt..outAt+3]`. */
export function hash128Into(
  out: Uint32Array,
  outAt: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  seed = 0,
): void {
  const length = end - start
  if (length > small.length) {
    hash128View(out, outAt, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), start, end, seed)
    return
  }
  for (let i = 0; i < length; i++) small[i] = bytes[start + i] as number
  hash128View(out, outAt, smallView, 0, length, seed)
}

/** To copy a few bytes costs less than to make a view of where they are. */
const small = new Uint8Array(128)
const smallView = new DataView(small.buffer)

/** As {@link hash128Into}, for callers that keep a view of their memory: one load a word, and nothing is allocated. */
export function hash128View(
  out: Uint32Array,
  outAt: number,
  data: DataView,
  start: number,
  end: number,
  seed = 0,
): void {
  const length = end - start
  let h1 = seed | 0
  let h2 = seed | 0
  let h3 = seed | 0
  let h4 = seed | 0
  let i = start
  const blocksEnd = start + (length & ~15)
  for (; i < blocksEnd; i += 16) {
    let k = Math.imul(data.getInt32(i, true), c1)
    h1 ^= Math.imul(rotl(k, 15), c2)
    h1 = (Math.imul(rotl(h1, 19) + h2, 5) + 0x561ccd1b) | 0
    k = Math.imul(data.getInt32(i + 4, true), c2)
    h2 ^= Math.imul(rotl(k, 16), c3)
    h2 = (Math.imul(rotl(h2, 17) + h3, 5) + 0x0bcaa747) | 0
    k = Math.imul(data.getInt32(i + 8, true), c3)
    h3 ^= Math.imul(rotl(k, 17), c4)
    h3 = (Math.imul(rotl(h3, 15) + h4, 5) + 0x96cd1c35) | 0
    k = Math.imul(data.getInt32(i + 12, true), c4)
    h4 ^= Math.imul(rotl(k, 18), c1)
    h4 = (Math.imul(rotl(h4, 13) + h1, 5) + 0x32ac3b17) | 0
  }
  const tail = end - i
  if (tail > 12) h4 ^= Math.imul(rotl(Math.imul(loadTail(data, i + 12, end), c4), 18), c1)
  if (tail > 8) h3 ^= Math.imul(rotl(Math.imul(loadTail(data, i + 8, end), c3), 17), c4)
  if (tail > 4) h2 ^= Math.imul(rotl(Math.imul(loadTail(data, i + 4, end), c2), 16), c3)
  if (tail > 0) h1 ^= Math.imul(rotl(Math.imul(loadTail(data, i, end), c1), 15), c2)
  h1 ^= length
  h2 ^= length
  h3 ^= length
  h4 ^= length
  h1 = (h1 + h2 + h3 + h4) | 0
  h2 = (h2 + h1) | 0
  h3 = (h3 + h1) | 0
  h4 = (h4 + h1) | 0
  h1 = fmix(h1)
  h2 = fmix(h2)
  h3 = fmix(h3)
  h4 = fmix(h4)
  h1 = (h1 + h2 + h3 + h4) | 0
  out[outAt] = h1
  out[outAt + 1] = h2 + h1
  out[outAt + 2] = h3 + h1
  out[outAt + 3] = h4 + h1
}

function loadTail(data: DataView, at: number, end: number): number {
  let k = 0
  for (let i = Math.min(at + 4, end) - 1; i >= at; i--) k = (k << 8) | data.getUint8(i)
  return k
}

/** A 128-bit value as four lanes; see the module header for what adding means. */
export type Hash128 = Uint32Array

/** The hash of a whole byte string. */
export function hash128(bytes: Uint8Array, seed = 0): Hash128 {
  const out = new Uint32Array(4)
  hash128Into(out, 0, bytes, 0, bytes.length, seed)
  return out
}

/** The first lane only: a 32-bit checksum. */
export function checksum32(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  hash128Into(scratch, 0, bytes, start, end, 0x4e535431)
  return scratch[0] as number
}
const scratch = new Uint32Array(4)

/** sum += value, lane by lane. */
export function addHash(sum: Hash128, value: Hash128, at = 0): void {
  for (let lane = 0; lane < 4; lane++) sum[lane] = (sum[lane] as number) + (value[at + lane] as number)
}

/** sum -= value, lane by lane. */
export function subtractHash(sum: Hash128, value: Hash128, at = 0): void {
  for (let lane = 0; lane < 4; lane++) sum[lane] = (sum[lane] as number) - (value[at + lane] as number)
}

/** Whether two hashes are the same. */
export function equalHash(a: Hash128, b: Hash128): boolean {
  return a[0] === b[0] && a[1] === b[1] && a[2] === b[2] && a[3] === b[3]
}

/** Sixteen bytes, little endian lanes. */
export function hashBytes(value: Hash128): Uint8Array {
  const out = new Uint8Array(16)
  for (let at = 0; at < 16; at++) out[at] = (value[at >> 2] as number) >>> (8 * (at & 3))
  return out
}

/** Thirty-two hexadecimal digits. */
export function hashText(value: Hash128): string {
  return hex(hashBytes(value))
}
