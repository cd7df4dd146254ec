/**
 * A log-linear histogram: constant memory, constant time, bounded error.
 *
 * Values below 2^7 have a bucket each; above, every power of two is split into 2^7 equal buckets, so a bucket's width is
 * at most 1/128 of its lower bound. Recording is one shift and one increment, nothing is allocated.
 */
import { assert } from '../../../base/index.ts'

const subBits = 7
const subBuckets = 1 << subBits
const octaves = 31 - subBits

/** Largest value told apart; larger ones count as it. In microseconds about 35 minutes. */
export const histogramMax = 2 ** 31 - 1

/** Counts of non-negative whole numbers. */
export class Histogram {
  readonly #counts = new Float64Array(subBuckets * (octaves + 1))
  #count = 0
  #sum = 0
  #max = 0

  /** Samples recorded. */
  get count(): number {
    return this.#count
  }

  /** The largest sample, exact. */
  get max(): number {
    return this.#max
  }

  /** The mean, exact; 0 without samples. */
  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count
  }

  /** Records one sample; fractions are cut off. */
  record(value: number): void {
    const whole = value >= histogramMax ? histogramMax : Math.trunc(value)
    const at = bucketOf(whole)
    this.#counts[at] = (this.#counts[at] as number) + 1
    this.#count++
    this.#sum += value
    if (value > this.#max) this.#max = value
  }

  /** The smallest value with at least `percent` of the samples at or below it, rounded up to its bucket's end. */
  percentile(percent: number): number {
    assert(percent > 0 && percent <= 100, 'percent is in (0, 100]')
    if (this.#count === 0) return 0
    const wanted = Math.ceil((percent / 100) * this.#count)
    let seen = 0
    for (let at = 0; at < this.#counts.length; at++) {
      seen += this.#counts[at] as number
      if (seen >= wanted) return Math.min(bucketEnd(at), this.#max)
    }
    return this.#max
  }
}

function bucketOf(value: number): number {
  if (value < subBuckets) return value
  const octave = 31 - Math.clz32(value) - subBits
  return (octave + 1) * subBuckets + ((value >>> octave) - subBuckets)
}

/** The largest value of a bucket. */
function bucketEnd(at: number): number {
  if (at < subBuckets) return at
  const octave = Math.floor(at / subBuckets) - 1
  return (subBuckets + (at % subBuckets) + 1) * 2 ** octave - 1
}
