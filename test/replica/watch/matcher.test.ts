import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EventView } from '../../../execution/index.ts'
import { Matcher } from '../../../src/replica/watch/matcher.ts'
import type { Group } from '../../../src/replica/watch/matcher.ts'
import type { WatchSpec } from '../../../src/replica/watch/types.ts'

const key = fc.stringMatching(/^[a\0\u00ff]{1,3}$/)
const spec: fc.Arbitrary<WatchSpec> = fc.record({
  start: fc.oneof(key, fc.constantFrom('', '\0')),
  end: fc.option(fc.oneof(key, fc.constantFrom('b', 'a\0', 'b\0')), { nil: undefined }),
  puts: fc.boolean(),
  deletes: fc.boolean(),
  emits: fc.boolean(),
  previous: fc.boolean(),
})

const eventOf = (key: string, kind: EventView['kind']): EventView => ({
  ...{ revision: 1, position: 0, lastOfRevision: true, kind, key, createRevision: 1, version: 1, lease: 0 },
  value: () => new Uint8Array(),
  previous: () => undefined,
})

describe('matching events', () => {
  test('finds just the groups whose range and kinds an event falls under, as groups come and go', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(spec, fc.boolean()), { maxLength: 30 }), fc.array(key), (list, keys) => {
        const matcher = new Matcher()
        const entered = list.map(([one, stays]) => ({ group: matcher.enter(one), one, stays }))
        for (const { group, stays } of entered) if (!stays) matcher.leave(group)
        for (const key of keys) {
          for (const kind of ['put', 'delete', 'emit'] as const) {
            const found = new Set<Group>()
            matcher.match(eventOf(key, kind), (group) => {
              expect(found.has(group)).toBe(false)
              found.add(group)
            })
            const wantedBy = entered.filter(({ one, stays }) => {
              const { start, end, puts, deletes, emits } = one
              const wanted = kind === 'put' ? puts : kind === 'delete' ? deletes : emits
              return stays && wanted && key >= start && (end === undefined || key < end)
            })
            const expected = new Set(wantedBy.map(({ group }) => group))
            expect(found.size).toBe(expected.size)
            for (const group of found) expect(expected.has(group)).toBe(true)
          }
        }
      }),
      { numRuns: 500 },
    )
  })

  test('watches that want the same are one group', () => {
    const matcher = new Matcher()
    const same = { start: 'a', end: 'b', puts: true, deletes: true, emits: true, previous: false }
    const group = matcher.enter(same)
    expect(matcher.enter({ ...same })).toBe(group)
    expect(group.size).toBe(2)
    expect(matcher.enter({ ...same, previous: true })).not.toBe(group)
    expect(matcher.enter({ ...same, end: undefined })).not.toBe(group)
  })
})
