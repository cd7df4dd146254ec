/**
 * Growable columns of numbers. Everything that has one row per run is kept as columns of typed arrays: no object per run, and
 * nothing for the garbage collector to visit.
 */

/** Room for no numbers; most columns of small updates need none. */
const nothing = new Int32Array(0)

/** A growable column of 32-bit signed integers. Only `data[0, length)` is meaningful; `data` is replaced when it grows. */
export class IntColumn {
  data: Int32Array
  length = 0

  constructor(capacity = 0) {
    this.data = capacity === 0 ? nothing : new Int32Array(capacity)
  }

  /** Appends one number. */
  push(value: number): void {
    if (this.length === this.data.length) this.reserve(this.length + 1)
    this.data[this.length++] = value
  }

  /** Makes room for `needed` numbers in all. */
  reserve(needed: number): void {
    if (needed <= this.data.length) return
    const grown = new Int32Array(Math.max(needed, this.data.length * 2, 8))
    grown.set(this.data.subarray(0, this.length))
    this.data = grown
  }

  /** The number at `index`, which must be below the length. */
  at(index: number): number {
    return this.data[index] as number
  }

  /** Inserts one number before `index`. */
  insert(index: number, value: number): void {
    this.push(value)
    this.data.copyWithin(index + 1, index, this.length - 1)
    this.data[index] = value
  }

  /** The last number; 0 when there is none. */
  last(): number {
    return this.length === 0 ? 0 : (this.data[this.length - 1] as number)
  }

  /** Index of the last number that is <= `value` in an ascending column; -1 when all are greater. */
  floor(value: number): number {
    let low = 0
    let high = this.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.data[middle] as number) <= value) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}
