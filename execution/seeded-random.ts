/**
 * Random numbers that are the same on every node: xoshiro128** (Blackman and Vigna, 2018), seeded from the log.
 *
 * Deterministic is not secret: whoever sees the log can compute them.
 */
import { ByteWriter, hash128 } from '../base/index.ts'
import type { Hash128 } from '../base/index.ts'

/** The random numbers of one command. */
export class SeededRandom {
  private readonly s: Uint32Array

  /** From the place of the command in the log and the chain over all changes before it. */
  constructor(index: number, position: number, chain: Hash128) {
    const writer = new ByteWriter(32)
    writer.u64(index)
    writer.u32(position)
    for (const lane of chain) writer.u32(lane)
    this.s = new Uint32Array(hash128(writer.view(), 0x72))
    // The one state that the generator never leaves.
    if (this.s.every((lane) => lane === 0)) this.s[0] = 1
  }

  /** The next 32 bits. */
  u32(): number {
    const { s } = this
    const [a, b, c, d] = s as unknown as [number, number, number, number]
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0
    const e = c ^ a
    const f = d ^ b
    s[1] = b ^ e
    s[0] = a ^ f
    s[2] = e ^ (b << 9)
    s[3] = rotate(f, 11)
    return result
  }

  /** A number from 0 (included) to 1 (excluded), with 53 random bits. */
  float(): number {
    return ((this.u32() >>> 5) * 0x400_0000 + (this.u32() >>> 6)) / 2 ** 53
  }

  /** So many random bytes. */
  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length)
    for (let at = 0; at < length; at += 4) {
      const bits = this.u32()
      for (let i = 0; i < 4 && at + i < length; i++) out[at + i] = bits >>> (8 * i)
    }
    return out
  }
}

function rotate(bits: number, by: number): number {
  return (bits << by) | (bits >>> (32 - by))
}
