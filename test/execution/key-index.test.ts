import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromLatin1 } from '../../base/index.ts'
import { KeyEntry, KeyIndex } from '../../execution/key-index.ts'

const keys = fc.integer({ min: 0, max: 3000 }).map((number) => String(number))
const ends = fc.option(keys, { nil: undefined })

/** Enough keys for several chunks, in an order that splits them anywhere. */
const many = fc.uniqueArray(keys, { minLength: 0, maxLength: 2500, size: 'max' })

test('an index counts the keys of any range as one by one they are', () => {
  fc.assert(
    fc.property(many, fc.nat(4), fc.array(fc.tuple(keys, ends), { minLength: 20 }), (all, removed, ranges) => {
      const index = new KeyIndex()
      for (const key of all) index.add(new KeyEntry(key))
      const kept = all.filter((_, at) => removed === 0 || at % (removed + 1) !== 0)
      for (const key of all) if (!kept.includes(key)) index.remove(index.get(key) as KeyEntry)
      for (const [start, end] of [...ranges, ['', undefined], ['', ''], ['', '2']] as const) {
        const wanted = kept.filter((key) => key >= start && (end === undefined || key < end)).length
        expect(index.count(start, end)).toBe(wanted)
        let visited = 0
        index.ascend(start, end, () => ++visited > 0)
        expect(visited).toBe(wanted)
      }
    }),
    { numRuns: 30 },
  )
})

test('an index finds what is in it, whatever the ends of keys look like', () => {
  const alike = ['', 'a', 'aa', 'same-ending', 'other-same-ending', '\xff'.repeat(7), '\0'.repeat(7)]
  const all = [...alike, ...Array.from({ length: 3_000 }, (_, at) => `k/${at}/${'0'.repeat(at % 9)}`)]
  const index = new KeyIndex()
  for (const key of all) index.add(new KeyEntry(key))
  expect(index.size).toBe(all.length)
  expect(all.filter((key) => index.get(key)?.key !== key)).toEqual([])
  expect(index.get('k/3000/')).toBeUndefined()
  for (const key of alike) index.remove(index.get(key) as KeyEntry)
  expect([index.size, ...alike.map((key) => index.get(key))]).toEqual([3_000, ...alike.map(() => undefined)])
})

test('keys are found by their bytes while an index grows and shrinks', () => {
  const change = fc.record({ key: keys, isAdded: fc.boolean(), asked: keys })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 3000, size: 'max' }), (changes) => {
      const index = new KeyIndex()
      const model = new Map<string, KeyEntry>()
      const found = (key: string): KeyEntry | undefined => index.find(fromLatin1(`<${key}>`), 1, key.length + 1)
      for (const { key, isAdded, asked } of changes) {
        const known = model.get(key)
        if (isAdded && known === undefined) {
          const entry = new KeyEntry(key)
          index.add(entry)
          model.set(key, entry)
        } else if (!isAdded && known !== undefined) {
          index.remove(known)
          model.delete(key)
        }
        expect(found(asked)).toBe(model.get(asked))
        expect(found(key)).toBe(model.get(key))
      }
    }),
    { numRuns: 30 },
  )
})
