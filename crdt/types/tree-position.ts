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
/** Appending is the usual case, so positions at the end grow by small steps rather than by halves. */
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
    const middle = bounded === undefined ? Math.min(low + step, (low + base) >> 1) : (low + high) >> 1
    if (middle > low) return out + String.fromCharCode(first + middle)
    out += String.fromCharCode(first + low)
    // One digit below the bound: whatever follows is still before it.
    if (low < high) bounded = undefined
  }
}

function digit(text: string | undefined, at: number, otherwise: number): number {
  return text === undefined || at >= text.length ? otherwise : text.charCodeAt(at) - first
}
