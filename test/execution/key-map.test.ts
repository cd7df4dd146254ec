import fc from 'fast-check'
import { expect, test } from 'vitest'
import { utf8 } from '../../base/index.ts'
import { KeyEntry } from '../../execution/key-index.ts'
import { KeyMap } from '../../execution/key-map.ts'

/** So few that they share the places of the shortcut. */
const keys = fc.integer({ min: 0, max: 60 }).map((number) => `key/${number}`)

test('finds what was added last and not removed since, whatever was looked for before', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('toggle', 'find', 'find'), keys), { maxLength: 1000, size: 'max' })
  fc.assert(
    fc.property(steps, (all) => {
      const map = new KeyMap()
      const model = new Map<string, KeyEntry>()
      for (const [what, key] of all) {
        const bytes = utf8(`<${key}>`)
        if (what === 'find') {
          expect(map.find(bytes, 1, bytes.length - 1)).toBe(model.get(key))
        } else if (model.delete(key)) {
          expect(map.delete(key)).toBe(true)
        } else {
          const entry = new KeyEntry(key)
          model.set(key, entry)
          map.set(entry)
        }
        expect([map.size, map.get(key)]).toEqual([model.size, model.get(key)])
      }
    }),
    { numRuns: 100 },
  )
})
