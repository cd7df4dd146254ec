/**
 * The text that was ever inserted, in order of the inserts: UTF-16 code units, one byte each for as long as all of them are
 * below 256.
 */

/** Up to here a loop is faster than a call that takes a part of an array. */
const shortLength = 24

/** What stands for text that is forgotten: the control character SUBSTITUTE. */
export const filler = 0x1a

/** Grows only. */
export class UnitStore {
  data: Uint8Array | Uint16Array
  length = 0

  constructor(capacity = 64) {
    this.data = new Uint8Array(capacity)
  }

  /** Makes room for `extra` more units, at two bytes each if `wide`. */
  reserve(extra: number, wide = false): void {
    const needed = this.length + extra
    const { data } = this
    const isWide = data instanceof Uint16Array
    if (needed <= data.length && (isWide || !wide)) return
    const capacity = needed <= data.length ? data.length : Math.max(needed, data.length * 2)
    const grown = wide || isWide ? new Uint16Array(capacity) : new Uint8Array(capacity)
    grown.set(data.subarray(0, this.length))
    this.data = grown
  }

  /** Appends a string. */
  append(text: string): void {
    const length = text.length
    if (this.length + length > this.data.length) this.reserve(length)
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 0xff && this.data instanceof Uint8Array) this.reserve(length - i, true)
      this.data[this.length++] = unit
    }
  }

  /** Appends code units `[start, end)` of an array. */
  appendUnits(units: Uint8Array | Uint16Array, start: number, end: number): void {
    let wide = false
    if (units instanceof Uint16Array) for (let i = start; i < end && !wide; i++) wide = (units[i] as number) > 0xff
    this.reserve(end - start, wide)
    if (end - start < shortLength) for (let i = start; i < end; i++) this.data[this.length++] = units[i] as number
    else {
      this.data.set(units.subarray(start, end), this.length)
      this.length += end - start
    }
  }

  /** Appends units whose text is forgotten. */
  appendFiller(count: number): void {
    this.reserve(count)
    this.data.fill(filler, this.length, this.length + count)
    this.length += count
  }

  /** The text of units `[start, end)`. */
  slice(start: number, end: number): string {
    return textOf(this.data, start, end)
  }
}

/** The string of the code units `[start, end)` of an array. */
export function textOf(units: Uint8Array | Uint16Array, start: number, end: number): string {
  let out = ''
  if (end - start < shortLength) {
    for (let at = start; at < end; at++) out += String.fromCharCode(units[at] as number)
    return out
  }
  for (let at = start; at < end; at += 8192) {
    const part = units.subarray(at, Math.min(at + 8192, end))
    out += String.fromCharCode.apply(null, part as unknown as number[])
  }
  return out
}
