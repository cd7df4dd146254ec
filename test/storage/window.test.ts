import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Entry } from '../../consensus/index.ts'
import { RetainedBytes } from '../../src/storage/log/retained.ts'
import { EntryWindow } from '../../src/storage/log/window.ts'

const kib = 1024
const size = fc.oneof(fc.constantFrom(0, 1, 300 * kib, 700 * kib, 1024 * kib, 1024 * kib + 1), fc.nat(3 * kib))
const step = fc.record({
  do: fc.constantFrom(
    'put' as const,
    'put' as const,
    'put' as const,
    'slice' as const,
    'cut' as const,
    'compact' as const,
  ),
  size,
  /** How far from the end, or from the beginning. */
  away: fc.nat(12),
})

function entryOf(index: number, length: number): Entry {
  return { index, term: 1 + (index >> 3), type: 'normal', data: new Uint8Array(length).fill(1 + (index % 250)) }
}

test('a window gives every entry that it holds as it came, and what it gave stays so', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const window = new EntryWindow(0, 0)
      let model: Entry[] = []
      let base = 0
      const given: { readonly entry: Entry; readonly length: number }[] = []
      for (const one of steps) {
        const last = base + model.length
        if (one.do === 'put') {
          window.put(entryOf(last + 1, one.size))
          model.push(entryOf(last + 1, one.size))
        } else if (one.do === 'cut') {
          const from = Math.max(base + 1, last - one.away)
          window.cut(from)
          model = model.slice(0, from - base - 1)
        } else if (one.do === 'compact') {
          const upTo = Math.min(last, base + one.away)
          window.compact(upTo)
          model = model.slice(upTo - base)
          base = upTo
        } else if (model.length > 0) {
          const entries = window.slice(base + 1, last + 1, 4096 * kib)
          if (typeof entries === 'string') throw new Error(entries)
          for (const entry of entries) given.push({ entry, length: model[entry.index - base - 1]?.data.length ?? -1 })
        }
        expect([window.baseIndex, window.lastIndex]).toEqual([base, base + model.length])
        expect(window.bytes).toBe(bytesOf(model))
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

test('retained bytes lie where they were put until they are dropped, and their memory is used again', () => {
  const retained = new RetainedBytes()
  const buffers = new Set<ArrayBufferLike>()
  const held: { readonly at: number; readonly bytes: Uint8Array }[] = []
  for (let at = 0; at < 200; at++) {
    const bytes = retained.add(new Uint8Array(200 * kib).fill(at))
    held.push({ at, bytes })
    buffers.add(bytes.buffer)
    if (held.length > 12) {
      retained.dropFirst(1)
      held.shift()
    }
    if (at % 50 === 49) {
      retained.dropLast(3)
      held.splice(-3)
    }
    for (const one of held) expect(Buffer.compare(one.bytes, new Uint8Array(200 * kib).fill(one.at))).toBe(0)
  }
  expect(buffers.size).toBeLessThanOrEqual(8)
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
