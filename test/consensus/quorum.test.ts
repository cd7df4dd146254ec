import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jointIndex, jointVote, majorityIndex, majorityOf, majorityVote, unbounded } from '../../consensus/index.ts'

const voters = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 7 }).map((ids) => ids.sort((a, b) => a - b))
const acks = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 12 })), { maxLength: 9 })
  .map((pairs) => new Map(pairs))
const ballots = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.boolean()), { maxLength: 9 })
  .map((pairs) => new Map(pairs))

const indexer = (map: ReadonlyMap<number, number>) => ({ ackedIndex: (id: number) => map.get(id) })

/** The obvious way: try every index from the top. */
function obviousIndex(ids: readonly number[], map: ReadonlyMap<number, number>): number {
  if (ids.length === 0) return unbounded
  for (let index = 20; index > 0; index--) {
    if (ids.filter((id) => (map.get(id) ?? 0) >= index).length > ids.length / 2) return index
  }
  return 0
}

/** The obvious way: try every completion of the ballots. */
function obviousVote(ids: readonly number[], votes: ReadonlyMap<number, boolean>): string {
  const outcomes = new Set<boolean>()
  const open = ids.filter((id) => !votes.has(id))
  for (let bits = 0; bits < 2 ** open.length; bits++) {
    const yes = ids.filter((id) => votes.get(id) ?? ((bits >> open.indexOf(id)) & 1) === 1).length
    outcomes.add(ids.length === 0 || yes > ids.length / 2)
  }
  if (outcomes.size === 2) return 'pending'
  return outcomes.has(true) ? 'won' : 'lost'
}

describe('quorum arithmetic agrees with the obvious computation', () => {
  test('the index of a majority is the highest that more than half have reached', () => {
    fc.assert(fc.property(voters, acks, (ids, map) => majorityIndex(ids, indexer(map)) === obviousIndex(ids, map)))
  })

  test('a vote is pending exactly as long as the missing ballots can change it', () => {
    fc.assert(fc.property(voters, ballots, (ids, votes) => majorityVote(ids, votes) === obviousVote(ids, votes)))
  })

  test('a joint index needs both halves, in any order, and an empty half does not count', () => {
    fc.assert(
      fc.property(voters, voters, acks, (one, other, map) => {
        const by = indexer(map)
        const joint = jointIndex(one, other, by)
        expect(joint).toBe(Math.min(obviousIndex(one, map), obviousIndex(other, map)))
        expect(jointIndex(other, one, by)).toBe(joint)
        expect(jointIndex(one, [], by)).toBe(majorityIndex(one, by))
      }),
    )
  })

  test('a joint vote is won only in both halves, and lost as soon as one is', () => {
    fc.assert(
      fc.property(voters, voters, ballots, (one, other, votes) => {
        const halves = [obviousVote(one, votes), obviousVote(other, votes)]
        const expected = halves.includes('lost') ? 'lost' : halves.includes('pending') ? 'pending' : 'won'
        expect(jointVote(one, other, votes)).toBe(expected)
      }),
    )
  })

  test('two majorities of the same voters always share one', () => {
    for (let count = 1; count < 100; count++) expect(2 * majorityOf(count)).toBeGreaterThan(count)
  })
})
