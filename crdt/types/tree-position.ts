/**
 * Positions among siblings: text over a small alphabet, compared as text, and there is always room between two of them. They
 * never end in the smallest digit, or there would be no room before them.
 */
import type { Value } from '../../base/index.ts'
import { assert } from '../../base/index.ts'
import { notCanonical } from '../codec/errors.ts'

const first = 0x21
const last = 0x7e
const base = last - first + 1
/** Appending and putting first are the usual cases, so positions at the ends go by small steps rather than by halves. */
const step = 4

/** Throws `NotCanonical` for anything but a position. */
export function checkPosition(position: Value | undefined): void {
  const fine = typeof position === 'string' && /^[!-~]*["-~]$/.test(position)
  if (!fine) throw notCanonical('a position in a tree')
}

/** A position after `left` and before `right`; undefined stands for the beginning or the end. */
export function positionBetween(left: string | undefined, right: string | undefined): string {
  assert(left === undefined || right === undefined || left < right, 'positions are in order')
  let out = ''
  let bounded = right
  for (let i = 0; ; i++) {
    const low = digit(left, i, 0)
    const high = bounded === undefined ? base : digit(bounded, i, 0)
    const middle = between(low, high, right === undefined, left === undefined || i >= left.length)
    if (middle > low) return out + String.fromCharCode(first + middle)
    out += String.fromCharCode(first + low)
    // One digit below the bound: whatever follows is still before it.
    if (low < high) bounded = undefined
  }
}

/** A digit between two: near the lower one to append, near the upper one to put first, otherwise in the middle. */
function between(low: number, high: number, appends: boolean, prepends: boolean): number {
  const middle = (low + high) >> 1
  if (appends) return Math.min(low + step, middle)
  return prepends && high < base ? Math.max(high - step, middle) : middle
}

function digit(text: string | undefined, at: number, otherwise: number): number {
  return text === undefined || at >= text.length ? otherwise : text.charCodeAt(at) - first
}
