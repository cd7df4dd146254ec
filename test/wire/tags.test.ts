import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TagTable } from '../../src/wire/index.ts'

describe('the tag table', () => {
  test('it behaves as a map with keys of its own', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(), { nil: undefined }), { maxLength: 200 }), (steps) => {
        const table = new TagTable<{ readonly step: number }>()
        const model = new Map<number, { readonly step: number }>()
        steps.forEach((pick, step) => {
          if (pick === undefined || model.size === 0) {
            const item = { step }
            const tag = table.add(item, step)
            expect(model.has(tag)).toBe(false)
            model.set(tag, item)
          } else {
            const tag = [...model.keys()][pick % model.size] as number
            const item = table.take(tag)
            expect(item).toBe(model.get(tag))
            expect(table.takenNote).toBe(item?.step)
            model.delete(tag)
            expect(table.take(tag)).toBeUndefined()
          }
          expect(table.size).toBe(model.size)
        })
        const drained = new Map<{ readonly step: number }, number>()
        table.drain((item, note) => {
          expect(table.size).toBe(0)
          drained.set(item, note)
        })
        expect(drained).toEqual(new Map([...model.values()].map((item) => [item, item.step])))
        expect(table.size).toBe(0)
      }),
    )
  })

  test('the tag of a former tenant finds nothing, and tags stay below 2^30', () => {
    const table = new TagTable<object>()
    const first = table.add({})
    table.take(first)
    const seen = new Set<number>()
    for (let i = 0; i < 100_000; i++) {
      const tag = table.add({})
      if (i < 16_000) seen.add(tag)
      if (tag >= 2 ** 30) throw new Error(`tag ${tag}`)
      table.take(tag)
    }
    expect(seen.size).toBe(16_000)
    expect(seen.has(first)).toBe(false)
  })

  test('unknown tags find nothing', () => {
    const table = new TagTable<object>()
    for (const tag of [0, 1, 65_536, -1, Number.MAX_SAFE_INTEGER]) expect(table.take(tag)).toBeUndefined()
  })

  test('it is full at 65,536 items', () => {
    const table = new TagTable<object>()
    for (let i = 0; i < 65_536; i++) table.add({})
    expect(table.full).toBe(true)
    expect(() => table.add({})).toThrow('the tag table is full')
  })
})
