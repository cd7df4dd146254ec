import { describe, expect, test } from 'vitest'
import { isNitroError } from '../../base/index.ts'
import type { Configuration } from '../../src/replica/configuration.ts'
import { decodeMemberChange, memberByName, unclaimed } from '../../src/replica/configuration.ts'
import type { MemberProgress, MembershipView } from '../../src/replica/membership.ts'
import {
  nextPromotion,
  planAdd,
  planJoin,
  planPromote,
  planRemove,
  planReplace,
  planUpdate,
  promotionLagMax,
} from '../../src/replica/membership.ts'
import { codeOf, founded, incarnation, member } from './support.ts'

const ready: MemberProgress = { match: 5_000, replicating: true }

function view(configuration: Configuration, part: Partial<MembershipView> = {}): MembershipView {
  return { configuration, selfId: 1, lastIndex: 5_000, progress: () => ready, connected: () => true, ...part }
}

/** Three voters and a learner with id 4. */
function withLearner(part: Parameters<typeof member>[1] = {}): Configuration {
  const base = founded(3)
  return {
    ...base,
    members: [...base.members, member(4, part)],
    nextId: 5,
    confState: { ...base.confState, learners: [4] },
  }
}

const joining = { name: 'n9', incarnation: incarnation(9), address: 'n9:1', target: 'voter', place: 4 } as const

describe('adding', () => {
  test('reserves a place for a learner under the next id', () => {
    const plan = planAdd(view(founded(3)), 'n4', 'n4:1', 'voter')
    expect(plan.changes).toEqual([{ type: 'addLearner', nodeId: 4 }])
    expect(decodeMemberChange(plan.context).upsert).toEqual([member(4, { incarnation: unclaimed })])
  })

  test('a name that is taken is refused', () => {
    expect(codeOf(() => planAdd(view(founded(3)), 'n2', 'x:1', 'voter'))).toBe('MemberExists')
  })
})

describe('moving', () => {
  test('gives a member another address and nothing else', () => {
    const plan = planUpdate(view(founded(3)), 'n2', 'moved:1')
    expect(plan?.changes).toEqual([{ type: 'updateNode', nodeId: 2 }])
    expect(decodeMemberChange(plan?.context as Uint8Array).upsert).toEqual([member(2, { address: 'moved:1' })])
  })

  test('to where it is already changes nothing; to where another is, or of nobody, it is refused', () => {
    expect(planUpdate(view(founded(3)), 'n2', 'n2:1')).toBeUndefined()
    expect(codeOf(() => planUpdate(view(founded(3)), 'n2', 'n3:1'))).toBe('InvalidArgument')
    expect(codeOf(() => planUpdate(view(founded(3)), 'n8', 'moved:1'))).toBe('MemberUnknown')
  })
})

describe('joining', () => {
  test('a new name becomes a learner with its incarnation', () => {
    const plan = planJoin(view(founded(3)), joining)
    expect(plan?.changes).toEqual([{ type: 'addLearner', nodeId: 4 }])
    expect(decodeMemberChange(plan?.context as Uint8Array).upsert).toMatchObject([
      { name: 'n9', incarnation: incarnation(9), target: 'voter', id: 4 },
    ])
  })

  test('a reserved place is claimed under its id', () => {
    const reserved = withLearner({ incarnation: unclaimed })
    const plan = planJoin(view(reserved), { ...joining, name: 'n4', address: 'moved:1' })
    expect(plan?.changes).toEqual([{ type: 'updateNode', nodeId: 4 }])
    expect(decodeMemberChange(plan?.context as Uint8Array).upsert).toEqual([
      member(4, { incarnation: incarnation(9), address: 'moved:1' }),
    ])
  })

  test('a claim of a place that has gone to a successor meanwhile is refused', () => {
    const reserved = withLearner({ incarnation: unclaimed })
    const late = { ...joining, name: 'n4', place: 3 }
    expect(codeOf(() => planJoin(view(reserved), late))).toBe('ProposalDropped')
    expect(codeOf(() => planJoin(view(founded(3)), late))).toBe('ProposalDropped')
  })

  test('asking again changes nothing, from another address only that', () => {
    const again = { ...joining, name: 'n4', incarnation: incarnation(4), address: 'n4:1' }
    expect(planJoin(view(withLearner()), again)).toBeUndefined()
    const moved = planJoin(view(withLearner()), { ...again, address: 'moved:1' })
    expect(moved?.changes).toEqual([{ type: 'updateNode', nodeId: 4 }])
  })

  test('a known name with another data directory has lost its identity, and is told the way back', () => {
    try {
      planJoin(view(founded(3)), { ...joining, name: 'n2' })
      expect.unreachable()
    } catch (error) {
      if (!isNitroError(error)) throw error
      expect(error.code).toBe('IdentityLost')
      expect(error.message).toContain('member replace n2')
    }
  })

  test('a removed incarnation never comes back, not even under another name', () => {
    const table = { ...founded(3), removed: [incarnation(9)] }
    expect(codeOf(() => planJoin(view(table), joining))).toBe('Removed')
  })
})

describe('promoting', () => {
  test('a learner that has caught up becomes a voter', () => {
    expect(planPromote(view(withLearner()), 'n4').changes).toEqual([{ type: 'addNode', nodeId: 4 }])
  })

  test.each([
    ['nobody of that name', founded(3), 'n4', ready, 'MemberUnknown'],
    ['a voter', founded(3), 'n2', ready, 'InvalidArgument'],
    ['a place nobody claimed', withLearner({ incarnation: unclaimed }), 'n4', ready, 'LearnerNotReady'],
    ['one without progress', withLearner(), 'n4', undefined, 'LearnerNotReady'],
    ['one that is probed', withLearner(), 'n4', { match: 5_000, replicating: false }, 'LearnerNotReady'],
    [
      'one too far behind',
      withLearner(),
      'n4',
      { match: 4_999 - promotionLagMax, replicating: true },
      'LearnerNotReady',
    ],
  ])('%s is refused', (_case, configuration, name, progress, code) => {
    expect(codeOf(() => planPromote(view(configuration, { progress: () => progress }), name))).toBe(code)
  })

  test('by itself it promotes only learners that want to vote and are ready', () => {
    expect(nextPromotion(view(withLearner()))?.changes).toEqual([{ type: 'addNode', nodeId: 4 }])
    expect(nextPromotion(view(withLearner({ target: 'learner' })))).toBeUndefined()
    expect(nextPromotion(view(withLearner(), { progress: () => undefined }))).toBeUndefined()
    expect(nextPromotion(view(founded(3)))).toBeUndefined()
  })
})

describe('removing and replacing', () => {
  test('a voter goes when the others have a live majority without it', () => {
    const plan = planRemove(view(founded(3), { connected: (id) => id !== 2 }), 'n2')
    expect(plan.changes).toEqual([{ type: 'removeNode', nodeId: 2 }])
  })

  test.each([
    ['n2', 3, [1]],
    ['n2', 4, [1]],
    ['n1', 1, [1]],
    ['n1', 2, [1]],
  ])('%s of %i voters stays when only %j of them answer', (name, count, live) => {
    const table = view(founded(count), { connected: (id) => live.includes(id) })
    expect(codeOf(() => planRemove(table, name))).toBe('UnsafeMembershipChange')
    expect(codeOf(() => planReplace(table, name, undefined))).toBe('UnsafeMembershipChange')
  })

  test('a learner goes whoever else answers', () => {
    expect(planRemove(view(withLearner(), { connected: () => false }), 'n4').changes).toEqual([
      { type: 'removeNode', nodeId: 4 },
    ])
  })

  test('somebody unknown can not be removed nor replaced', () => {
    expect(codeOf(() => planRemove(view(founded(3)), 'n8'))).toBe('MemberUnknown')
    expect(codeOf(() => planReplace(view(founded(3)), 'n8', undefined))).toBe('MemberUnknown')
  })

  test('the successor takes name and address under a new id, in the same change, and has to catch up first', () => {
    const plan = planReplace(view(founded(3)), 'n2', undefined)
    expect(plan.changes).toEqual([
      { type: 'removeNode', nodeId: 2 },
      { type: 'addLearner', nodeId: 4 },
    ])
    const { upsert } = decodeMemberChange(plan.context)
    expect(upsert).toEqual([{ id: 4, name: 'n2', address: 'n2:1', incarnation: unclaimed, target: 'voter' }])
  })

  test('the successor of a learner becomes what the learner was to become', () => {
    const plan = planReplace(view(withLearner({ target: 'learner' })), 'n4', 'moved:1')
    expect(decodeMemberChange(plan.context).upsert[0]).toMatchObject({ target: 'learner', address: 'moved:1' })
  })

  test('of two members of one name the newer is meant', () => {
    const table = { ...founded(3), members: [...founded(3).members, member(4, { name: 'n2' })] }
    expect(memberByName(table, 'n2')?.id).toBe(4)
  })
})
