/**
 * Positions in trace files count code points, in this project UTF-16 units. The two differ only in texts with characters
 * beyond the basic plane, and then the text of the version the patch was made on is needed to tell one from the other.
 */
import type { Patch, Trace, TraceTxn } from './trace.ts'
import { TraceFormatError } from './trace.ts'

const surrogate = /[\ud800-\udfff]/

/** The number of code points. */
export function codePoints(text: string): number {
  if (!surrogate.test(text)) return text.length
  let count = 0
  for (const _point of text) count++
  return count
}

/** Whether positions of this trace mean the same in both countings. */
export function isPlain(trace: Pick<Trace, 'txns'>): boolean {
  return trace.txns.every(({ patches }) => patches.every(([, , inserted]) => !surrogate.test(inserted)))
}

/** A patch in UTF-16 units, for the text it was made on. Throws `TraceFormatError` where it lies outside. */
export function toUnits([position, deleted, inserted]: Patch, text: string): Patch {
  const from = unitAt(text, 0, position)
  const to = unitAt(text, from, deleted)
  return [from, to - from, inserted]
}

/** The unit `points` code points after the unit `from`. */
function unitAt(text: string, from: number, points: number): number {
  let at = from
  for (let left = points; left > 0; left--) {
    const point = text.codePointAt(at)
    if (point === undefined) throw new TraceFormatError(`a patch reaches beyond the end of the text`)
    at += point > 0xffff ? 2 : 1
  }
  return at
}

/** The transactions of one sequential history in UTF-16 units. */
export function sequentialToUnits(txns: readonly TraceTxn[]): TraceTxn[] {
  let text = ''
  return txns.map((txn) => ({
    ...txn,
    patches: txn.patches.map((patch) => {
      const units = toUnits(patch, text)
      text = text.slice(0, units[0]) + units[2] + text.slice(units[0] + units[1])
      return units
    }),
  }))
}
