/** A random source that a seed replays: the whole of a simulated run hangs on it. */
import { hash128, utf8 } from '../../base/index.ts'
import type { Random } from '../../base/index.ts'

/**
 * The sfc32 generator (Chris Doty-Humphrey, PractRand; public domain), seeded by a hash of a text. Parts of a run draw
 * from sources of their own, made with {@link split}, so that one more draw here changes nothing there.
 */
export class SeededRandom implements Random {
  private readonly seed: string
  private a: number
  private b: number
  private c: number
  private count: number

  constructor(seed: string | number) {
    this.seed = String(seed)
    const lanes = hash128(utf8(this.seed))
    this.a = lanes[0] as number
    this.b = lanes[1] as number
    this.c = lanes[2] as number
    this.count = (lanes[3] as number) | 1
    for (let i = 0; i < 12; i++) this.u32()
  }

  u32(): number {
    const sum = (this.a + this.b + this.count++) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.u32() & 0xff)
  }

  /** A source for one part of the run; the same label gives the same source, whatever was drawn before. */
  split(label: string): SeededRandom {
    return new SeededRandom(`${this.seed}/${label}`)
  }

  /** A uniform number in [min, max). */
  between(min: number, max: number): number {
    return min + (this.u32() / 0x1_0000_0000) * (max - min)
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.u32() / 0x1_0000_0000 < probability
  }

  /** One of the items, which are not empty. */
  pick<T>(items: readonly T[]): T {
    return items[Math.floor((this.u32() / 0x1_0000_0000) * items.length)] as T
  }
}
