import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeyIntervals } from '../../../execution/auth/intervals.ts'
import type { KeyInterval } from '../../../execution/auth/intervals.ts'
import { accessFrom } from '../../../execution/auth/permission.ts'

const key = fc.string({ unit: fc.constantFrom('\0', 'a', 'b', '\xff'), minLength: 1, maxLength: 3 })
const end = fc.option(key, { nil: undefined })
const interval: fc.Arbitrary<KeyInterval> = fc
  .tuple(key, end)
  .map(([start, stop]) => ({ start, end: stop !== undefined && stop <= start ? `${start}\0` : stop }))

const isIn = (at: string, { start, end }: KeyInterval): boolean => start <= at && (end === undefined || at < end)

/**
 * The obvious way: between two neighbouring bounds nothing changes, so a range is covered if its first key is, and every bound in
 * it that begins a stretch.
 */
function coversByBounds(intervals: readonly KeyInterval[], start: string, stop: string | undefined): boolean {
  const bounds = intervals.flatMap((one) => [one.start, one.end]).filter((bound) => bound !== undefined)
  const asked = { start, end: stop !== undefined && stop <= start ? `${start}\0` : stop }
  const stretches = [start, ...bounds.filter((bound) => isIn(bound, asked))]
  return stretches.every((at) => intervals.some((one) => isIn(at, one)))
}

test('a set of intervals covers a range exactly if every stretch of it lies in some interval', () => {
  fc.assert(
    fc.property(fc.array(interval, { maxLength: 6 }), key, end, (intervals, start, stop) => {
      expect(new KeyIntervals(intervals).covers(start, stop)).toBe(coversByBounds(intervals, start, stop))
    }),
    { numRuns: 5000 },
  )
})

test('neighbouring and overlapping permissions of several roles count as one', () => {
  const { read, write } = accessFrom(
    [
      { access: 'read', key: 'a', rangeEnd: 'c' },
      { access: 'readwrite', key: 'c', rangeEnd: 'f' },
      { access: 'write', key: 'e', rangeEnd: 'h' },
      { access: 'read', key: 'k', rangeEnd: '' },
      { access: 'read', key: 'k\0', rangeEnd: '\0' },
    ],
    false,
  )
  expect([read.covers('a', 'f'), read.covers('b', 'f\0'), read.covers('k', undefined)]).toEqual([true, false, true])
  expect([write.covers('c', 'h'), write.covers('a', 'd'), write.covers('k', 'k\0')]).toEqual([true, false, false])
})

test('a permission of one key is of that key alone', () => {
  const { read } = accessFrom([{ access: 'read', key: 'a', rangeEnd: '' }], false)
  expect([read.covers('a', 'a\0'), read.covers('a', 'a\0\0'), read.covers('a', 'b'), read.covers('', 'a\0')]).toEqual([
    true,
    false,
    false,
    false,
  ])
})
