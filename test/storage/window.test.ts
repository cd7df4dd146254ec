import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Entry } from '../../consensus/index.ts'
import { RetainedBytes } from '../../src/storage/log/retained.ts'
import { EntryWindow } from '../../src/storage/log/window.ts'

const kib = 1024
const size = fc.oneof(fc.constantFrom(0, 1, 300 * kib, 700 * kib, 1024 * kib, 1024 * kib + 1), fc.nat(3 * kib))
const step = fc.record({
  do: fc.oneof(
    { weight: 6, arbitrary: fc.constant('put' as const) },
    { weight: 3, arbitrary: fc.constantFrom('slice' as const, 'cut' as const, 'compact' as const, 'reset' as const) },
  ),
  size,
  /** How far from the end, or from the beginning. */
  away: fc.nat(4),
})

function entryOf(index: number, length: number): Entry {
  return { index, term: 1 + (index >> 3), type: 'normal', data: new Uint8Array(length).fill(1 + (index % 250)) }
}

test('a window gives every entry that it holds as it came, and what it gave stays so', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const retained = new RetainedBytes()
      const window = new EntryWindow(0, 0, retained)
      let model: Entry[] = []
      let base = 0
      const given: { readonly entry: Entry; readonly length: number }[] = []
      for (const one of steps) {
        const last = base + model.length
        const before = retained.count
        if (one.do === 'put') {
          window.put(entryOf(last + 1, one.size))
          model.push(entryOf(last + 1, one.size))
          // No entry is copied that would have had room among the newest ones.
          if (retained.count > before) expect(bytesOf(model.slice(retained.count - 1))).toBeGreaterThan(2048 * kib)
        } else if (one.do === 'cut') {
          const from = Math.max(base + 1, last - one.away)
          window.cut(from)
          model = model.slice(0, from - base - 1)
        } else if (one.do === 'compact') {
          const upTo = Math.min(last, base + one.away)
          window.compact(upTo)
          model = model.slice(upTo - base)
          base = upTo
        } else if (one.do === 'reset' && one.away < 2) {
          window.reset(last + 5, 9)
          model = []
          base = last + 5
        } else if (model.length > 0) {
          const entries = window.slice(base + 1, last + 1, 4096 * kib)
          if (typeof entries === 'string') throw new Error(entries)
          for (const entry of entries) given.push({ entry, length: model[entry.index - base - 1]?.data.length ?? -1 })
        }
        expect([window.baseIndex, window.lastIndex]).toEqual([base, base + model.length])
        expect(window.bytes).toBe(bytesOf(model))
        expect(retained.count).toBeLessThanOrEqual(model.length)
        expect(bytesOf(model.slice(retained.count))).toBeLessThanOrEqual(2048 * kib)
        for (const { index, data } of model) expect(window.dataBytes(index)).toBe(data.length)
      }
      for (const { entry, length } of given) {
        const { index, term, data } = entryOf(entry.index, length)
        expect([entry.index, entry.term]).toEqual([index, term])
        expect(Buffer.compare(entry.data, data)).toBe(0)
      }
    }),
    { numRuns: 60 },
  )
})

test('retained bytes lie where they were put until they are dropped', () => {
  const act = fc.record({ do: fc.constantFrom('add', 'add', 'add', 'first', 'last', 'all'), size, count: fc.nat(4) })
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60, size: 'max' }), (acts) => {
      const retained = new RetainedBytes()
      let held: { readonly at: number; readonly bytes: Uint8Array }[] = []
      for (const [at, one] of acts.entries()) {
        const count = Math.min(one.do === 'all' ? held.length : one.count, held.length)
        if (one.do === 'add') held.push({ at, bytes: retained.add(new Uint8Array(one.size).fill(at)) })
        else if (one.do === 'last') {
          retained.dropLast(count)
          held = held.slice(0, held.length - count)
        } else {
          retained.dropFirst(count)
          held = held.slice(count)
        }
        expect(retained.count).toBe(held.length)
      }
      for (const { at, bytes } of held) expect(Buffer.compare(bytes, new Uint8Array(bytes.length).fill(at))).toBe(0)
    }),
    { numRuns: 100 },
  )
})

test('memory of what was dropped is used again', () => {
  const retained = new RetainedBytes()
  const buffers = new Set<ArrayBufferLike>()
  for (let at = 0; at < 200; at++) {
    buffers.add(retained.add(new Uint8Array(200 * kib)).buffer)
    if (at >= 12) retained.dropFirst(1)
  }
  expect(buffers.size).toBeLessThanOrEqual(5)
})

function bytesOf(entries: readonly Entry[]): number {
  const window = new EntryWindow(entries[0] === undefined ? 0 : entries[0].index - 1, 0)
  let sum = 0
  for (const entry of entries) {
    const before = window.bytes
    window.put(entry)
    sum += window.bytes - before
  }
  return sum
}
