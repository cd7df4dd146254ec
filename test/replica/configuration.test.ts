import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NitroError, isNitroError } from '../../base/index.ts'
import type { Configuration, Member } from '../../src/replica/configuration.ts'
import {
  changeFits,
  decodeConfiguration,
  decodeMemberChange,
  encodeConfiguration,
  encodeMemberChange,
  foundingBytes,
  isClaimed,
  memberByName,
  memberRole,
  nextConfiguration,
  sortFounders,
  unclaimed,
  wasRemoved,
} from '../../src/replica/configuration.ts'
import { founded, founders, incarnation, member } from './support.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const ids = fc.array(fc.integer({ min: 1, max: 2 ** 40 }), { maxLength: 6 })
const anyMember: fc.Arbitrary<Member> = fc.record({
  id: fc.integer({ min: 1, max: 2 ** 50 }),
  name: fc.string({ maxLength: 20 }),
  incarnation: bytes(16),
  address: fc.string({ maxLength: 20 }),
  target: fc.constantFrom('voter' as const, 'learner' as const),
})
const anyConfiguration: fc.Arbitrary<Configuration> = fc.record({
  clusterId: bytes(32),
  members: fc.array(anyMember, { maxLength: 5 }),
  nextId: fc.integer({ min: 1, max: 2 ** 50 }),
  removed: fc.array(bytes(16), { maxLength: 5 }),
  confState: fc.record({
    voters: ids,
    learners: ids,
    votersOutgoing: ids,
    learnersNext: ids,
    autoLeave: fc.boolean(),
  }),
})

const confState = (part: Partial<Configuration['confState']>): Configuration['confState'] => ({
  voters: [],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
  ...part,
})

describe('the codec', () => {
  test('any configuration comes back as it was, and any change', () => {
    fc.assert(
      fc.property(anyConfiguration, fc.array(anyMember, { maxLength: 4 }), (configuration, upsert) => {
        expect(decodeConfiguration(encodeConfiguration(configuration))).toEqual(configuration)
        expect(decodeMemberChange(encodeMemberChange({ upsert }))).toEqual({ upsert })
      }),
    )
  })

  test('damaged bytes are refused with an error of ours, or read as something else, but never break', () => {
    const whole = encodeConfiguration(founded(3))
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(whole.length), (at, flip, cut) => {
        const damaged = whole.slice()
        damaged[at] = (damaged[at] as number) ^ flip
        for (const text of [damaged, whole.subarray(0, cut)]) {
          try {
            decodeConfiguration(text)
          } catch (error) {
            expect(isNitroError(error)).toBe(true)
          }
        }
      }),
    )
  })

  test('every cut and every addition is refused', () => {
    const whole = encodeConfiguration(founded(2))
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeConfiguration(whole.subarray(0, length))).toThrow(NitroError)
    }
    expect(() => decodeConfiguration(Uint8Array.of(...whole, 0))).toThrow(NitroError)
  })

  test('no bytes are no change: the leave of a joint configuration', () => {
    expect(decodeMemberChange(new Uint8Array(0))).toEqual({ upsert: [] })
  })

  test('what was read keeps no hold of the bytes it was read from', () => {
    const whole = encodeConfiguration(founded(1))
    const read = decodeConfiguration(whole)
    whole.fill(0)
    expect(read).toEqual(founded(1))
  })
})

describe('founding', () => {
  test('ids follow the order of names, and everybody votes', () => {
    const { members, nextId, confState: state } = founded(3)
    expect(members.map(({ id, name }) => `${id} ${name}`)).toEqual(['1 n1', '2 n2', '3 n3'])
    expect(nextId).toBe(4)
    expect(state.voters).toEqual([1, 2, 3])
  })

  test('the cluster id does not depend on the order in which peers were met, nor on addresses', () => {
    const list = founders(3)
    const other = sortFounders(list.toReversed().map((one) => ({ ...one, address: 'elsewhere:1' })))
    expect(foundingBytes(other)).toEqual(foundingBytes(list))
    const wiped = list.map((one, at) => (at === 1 ? { ...one, incarnation: incarnation(99) } : one))
    expect(foundingBytes(wiped)).not.toEqual(foundingBytes(list))
  })
})

describe('the next configuration', () => {
  test('a new member takes the next id, and ids only rise', () => {
    const after = nextConfiguration(founded(2), { upsert: [member(3)] }, confState({ voters: [1, 2], learners: [3] }))
    expect(after.nextId).toBe(4)
    const without = nextConfiguration(after, { upsert: [] }, confState({ voters: [1, 2] }))
    expect(without.nextId).toBe(4)
    expect(changeFits(without, { upsert: [member(3)] }, [])).toBe(false)
    expect(changeFits(without, { upsert: [member(4, { name: 'n3' })] }, [])).toBe(true)
  })

  test('a member that leaves a joint configuration stays in the table until it is left', () => {
    const change = { upsert: [member(3, { name: 'n2', incarnation: unclaimed })] }
    const joint = confState({ voters: [1], learners: [3], votersOutgoing: [1, 2], autoLeave: true })
    const during = nextConfiguration(founded(2), change, joint)
    expect(during.members.map(({ id }) => id)).toEqual([1, 2, 3])
    expect(memberRole(during, 2)).toBe('leaving')
    expect(memberByName(during, 'n2')?.id).toBe(3)
    expect(wasRemoved(during, incarnation(2))).toBe(false)
    const after = nextConfiguration(during, { upsert: [] }, confState({ voters: [1], learners: [3] }))
    expect(after.members.map(({ id }) => id)).toEqual([1, 3])
    expect(wasRemoved(after, incarnation(2))).toBe(true)
  })

  test('a place that nobody claimed leaves no trace when it is given up', () => {
    const reserved = nextConfiguration(
      founded(1),
      { upsert: [member(2, { incarnation: unclaimed })] },
      confState({ voters: [1], learners: [2] }),
    )
    expect(isClaimed(reserved.members[1] as Member)).toBe(false)
    expect(nextConfiguration(reserved, { upsert: [] }, confState({ voters: [1] })).removed).toEqual([])
  })

  test('the list of removed incarnations keeps the newest 64', () => {
    let now = founded(1)
    for (let id = 2; id < 80; id++) {
      now = nextConfiguration(now, { upsert: [member(id)] }, confState({ voters: [1], learners: [id] }))
      now = nextConfiguration(now, { upsert: [] }, confState({ voters: [1] }))
    }
    expect(now.removed.length).toBe(64)
    expect(wasRemoved(now, incarnation(79))).toBe(true)
    expect(wasRemoved(now, incarnation(2))).toBe(false)
  })

  test('a configuration that names a member without a row is a bug', () => {
    expect(() => nextConfiguration(founded(1), { upsert: [] }, confState({ voters: [1, 2] }))).toThrow('member table')
  })
})

describe('whether a change fits', () => {
  test('names stay unique, unless the holder leaves in the same change', () => {
    const table = founded(3)
    expect(changeFits(table, { upsert: [member(4, { name: 'n2' })] }, [])).toBe(false)
    expect(changeFits(table, { upsert: [member(4, { name: 'n2' })] }, [2])).toBe(true)
    expect(changeFits(table, { upsert: [member(4), member(5, { name: 'n4' })] }, [])).toBe(false)
    expect(changeFits(table, { upsert: [member(2, { address: 'new:1' })] }, [])).toBe(true)
  })

  test('whatever is tried in whatever order, ids are never given out twice and names are unique', () => {
    const step = fc.record({
      id: fc.integer({ min: 1, max: 9 }),
      name: fc.constantFrom('a', 'b', 'c', 'n1', 'n2'),
      removes: fc.subarray([1, 2, 3, 4, 5]),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        let now = founded(2)
        const gone = new Set<number>()
        for (const { id, name, removes } of steps) {
          const change = { upsert: [member(id, { name, incarnation: incarnation(100 + id) })] }
          if (!changeFits(now, change, removes)) continue
          const kept = new Set([...now.members.map((one) => one.id), id].filter((one) => !removes.includes(one)))
          expect(gone.has(id)).toBe(false)
          for (const one of now.members) if (!kept.has(one.id)) gone.add(one.id)
          if (!kept.has(id)) gone.add(id)
          const before = now.nextId
          now = nextConfiguration(now, change, confState({ voters: [...kept] }))
          expect(now.nextId).toBeGreaterThanOrEqual(before)
          expect(new Set(now.members.map((one) => one.name)).size).toBe(now.members.length)
        }
      }),
    )
  })
})
