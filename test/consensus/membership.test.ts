import { describe, expect, test } from 'vitest'
import { utf8 } from '../../base/index.ts'
import { emptyConfState } from '../../consensus/index.ts'
import type { ConfChangeSingle } from '../../consensus/index.ts'
import { Cluster } from './cluster.ts'

const add = (nodeId: number): ConfChangeSingle => ({ type: 'addNode', nodeId })
const remove = (nodeId: number): ConfChangeSingle => ({ type: 'removeNode', nodeId })
const learn = (nodeId: number): ConfChangeSingle => ({ type: 'addLearner', nodeId })

/** A group that begins with a snapshot, so that nobody joins without the first configuration. */
function group(count: number, spare: number, options = {}): Cluster {
  const cluster = new Cluster(0, options)
  const voters = Array.from({ length: count }, (_, i) => i + 1)
  for (let id = 1; id <= count + spare; id++) {
    const member = cluster.add(id)
    if (id > count) continue
    member.storage.applySnapshot({
      meta: { index: 5, term: 1, confState: { ...emptyConfState, voters } },
      data: utf8('[]'),
    })
    cluster.restart(id)
  }
  cluster.elect(1)
  return cluster
}

const votersOf = (cluster: Cluster, id: number): readonly number[] => cluster.node(id).status().config.incoming

describe('membership changes', () => {
  test('a learner catches up without counting, and counts once it is promoted', () => {
    const cluster = group(1, 1)
    cluster.change(1, [learn(2)])
    cluster.settle()
    cluster.isolate(2)
    cluster.propose(1, 'a')
    cluster.settle()
    expect(cluster.at(1).applied).toEqual(['a'])
    cluster.heal()
    cluster.tick(1)
    cluster.settle()
    expect(cluster.at(2).applied).toEqual(['a'])
    cluster.change(1, [add(2)])
    cluster.settle()
    cluster.isolate(2)
    cluster.propose(1, 'b')
    cluster.settle()
    expect(cluster.at(1).applied).toEqual(['a'])
  })

  test('a second change before the first is applied becomes an empty entry, and the caller is told', () => {
    const cluster = group(3, 2)
    expect(cluster.change(1, [add(4)])).toBe('')
    expect(cluster.change(1, [add(5)])).toContain('unapplied')
    cluster.settle()
    expect(votersOf(cluster, 1)).toEqual([1, 2, 3, 4])
  })

  test.each([
    ['an add and a remove', [add(5)], [remove(1)]],
    ['two adds', [add(5)], [add(6)]],
    ['two removes', [remove(2)], [remove(1)]],
  ])('the single-server bug loses nothing: the owner of the overtaken change cannot lead (%s)', (_, first, second) => {
    const cluster = group(4, 2)
    cluster.isolate(1)
    cluster.change(1, first)
    cluster.work()
    cluster.elect(2)
    cluster.change(2, second)
    cluster.settle()
    cluster.propose(2, 'committed')
    cluster.settle()
    expect(cluster.at(2).applied).toEqual(['committed'])
    // The old leader comes back among all that could possibly vote for it.
    cluster.restart(1)
    cluster.isolate(2)
    for (let i = 0; i < 3; i++) {
      cluster.node(1).campaign()
      cluster.settle()
      expect(cluster.node(1).isLeader).toBe(false)
    }
  })

  test('several voters at once go through a joint configuration and leave it', () => {
    const cluster = group(3, 2)
    cluster.change(1, [remove(2), remove(3), add(4), add(5)])
    cluster.work()
    cluster.settle()
    expect(votersOf(cluster, 1)).toEqual([1, 4, 5])
    expect(cluster.node(1).status().config.outgoing).toEqual([])
    cluster.propose(1, 'a')
    cluster.settle()
    expect(cluster.at(5).applied).toEqual(['a'])
  })

  test.each([
    ['the outgoing half', [2, 3], false],
    ['the incoming half', [4, 5], false],
    ['one of each half', [2, 4], true],
  ])('in a joint configuration both halves have to agree: without %s', (_, missing, commits) => {
    const cluster = group(3, 2)
    cluster.change(1, [remove(2), remove(3), add(4), add(5)], 'jointExplicit')
    cluster.settle()
    cluster.isolate(...missing)
    cluster.propose(1, 'a')
    cluster.settle()
    expect(cluster.at(1).applied).toEqual(commits ? ['a'] : [])
  })

  test('a joint configuration takes no change but the one that leaves it', () => {
    const cluster = group(3, 1)
    cluster.change(1, [add(4)], 'jointExplicit')
    cluster.settle()
    expect(cluster.change(1, [remove(2)])).toContain('joint')
    cluster.settle()
    expect(cluster.change(1, [])).toBe('')
    cluster.settle()
    expect(cluster.node(1).status().config.outgoing).toEqual([])
    expect(cluster.change(1, [])).toContain('not in joint')
  })

  test('a crash in the joint phase loses nothing: all come back joint and leave it', () => {
    const cluster = group(3, 1)
    cluster.change(1, [remove(3), add(4)], 'jointExplicit')
    cluster.settle()
    for (const id of [1, 2, 3, 4]) cluster.restart(id)
    for (const id of [1, 2, 3, 4]) cluster.at(id).node.tick()
    cluster.settle()
    cluster.elect(2)
    expect(cluster.node(2).status().config.outgoing).toEqual([1, 2, 3])
    cluster.change(2, [])
    cluster.settle()
    expect(votersOf(cluster, 2)).toEqual([1, 2, 4])
  })

  test('the next leader leaves a joint configuration that is to be left by itself', () => {
    const cluster = group(3, 1)
    cluster.lose = (m) => m.entries.some((one) => one.type === 'confChangeV2' && one.data.length === 0)
    cluster.change(1, [add(4)], 'jointImplicit')
    cluster.settle()
    cluster.tick(1)
    cluster.settle()
    expect(cluster.node(2).status().config.autoLeave).toBe(true)
    cluster.isolate(1)
    cluster.elect(2)
    expect(cluster.node(2).status().config.outgoing).toEqual([])
  })

  test('a voter demoted in a joint configuration votes until it is left', () => {
    const cluster = group(3, 0)
    cluster.change(1, [learn(3)], 'jointExplicit')
    cluster.settle()
    expect(cluster.node(1).status().config.learnersNext).toEqual([3])
    expect(cluster.node(1).status().config.learners).toEqual([])
    cluster.change(1, [])
    cluster.settle()
    expect(cluster.node(1).status().config).toMatchObject({ incoming: [1, 2], learners: [3], learnersNext: [] })
  })

  test('a snapshot carries a joint configuration', () => {
    const cluster = group(3, 1)
    cluster.isolate(4)
    cluster.change(1, [add(4), remove(3)], 'jointExplicit')
    cluster.settle()
    cluster.propose(1, 'a')
    cluster.settle()
    cluster.compact(1)
    cluster.heal()
    cluster.tick(1)
    cluster.settle()
    expect(cluster.node(4).status().config).toMatchObject({ incoming: [1, 2, 4], outgoing: [1, 2, 3] })
    expect(cluster.at(4).applied).toEqual(['a'])
  })

  test('a leader that removed itself does not count itself, and takes no proposals', () => {
    const cluster = group(3, 0)
    cluster.change(1, [remove(1)])
    cluster.propose(1, 'in flight')
    cluster.settle()
    expect(cluster.at(2).applied).toEqual(['in flight'])
    expect(() => cluster.propose(1, 'b')).toThrow(expect.objectContaining({ code: 'ProposalDropped' }))
  })

  test('a leader that is to step down on removal does', () => {
    const cluster = group(3, 0, { stepDownOnRemoval: true })
    cluster.change(1, [remove(1)])
    cluster.settle()
    expect(cluster.node(1).isLeader).toBe(false)
    cluster.node(1).campaign()
    expect(cluster.node(1).basicStatus().role).toBe('follower')
  })

  test('a node with committed but unapplied changes does not campaign', () => {
    const cluster = group(3, 1)
    cluster.change(1, [add(4)])
    cluster.settle()
    // Handed out by the core, but the state machine has not come to it.
    const member = cluster.at(2)
    cluster.restart(2)
    const { node } = cluster.at(2)
    node.campaign()
    expect(node.basicStatus().role).toBe('follower')
    cluster.handle(member)
    node.campaign()
    expect(node.basicStatus().role).toBe('candidate')
  })

  test('removing the target of a transfer ends the transfer', () => {
    const cluster = group(3, 0)
    cluster.isolate(3)
    cluster.change(1, [remove(3)])
    cluster.work()
    cluster.node(1).transferLeadership(3)
    cluster.settle()
    expect(cluster.node(1).basicStatus().leadTransferee).toBe(0)
  })

  test('removing a member that is down commits what it held up', () => {
    const cluster = group(2, 0)
    cluster.change(1, [remove(2)])
    cluster.lose = (m) => m.to === 2 && m.commit >= 7
    cluster.propose(1, 'a')
    cluster.settle()
    expect(cluster.at(1).applied).toEqual(['a'])
  })

  test('a member is added while another is down', () => {
    const cluster = group(3, 1)
    cluster.isolate(3)
    cluster.change(1, [add(4)])
    cluster.settle()
    cluster.tick(1)
    cluster.settle()
    cluster.propose(1, 'a')
    cluster.settle()
    expect(cluster.at(4).applied).toEqual(['a'])
  })

  test('a learner added while cut off is caught up although the log was purged to its tip', () => {
    const cluster = group(3, 1)
    cluster.propose(1, 'a')
    cluster.settle()
    cluster.compact(1)
    cluster.isolate(4)
    cluster.change(1, [learn(4)])
    cluster.settle()
    cluster.heal()
    for (let i = 0; i < 3; i++) {
      cluster.tick(1)
      cluster.settle()
    }
    expect(cluster.at(4).applied).toEqual(['a'])
    expect(cluster.node(4).status().config.learners).toEqual([4])
  })

  test('a change that cannot be is refused before it enters the log', () => {
    const cluster = group(2, 0)
    expect(cluster.change(1, [remove(1), remove(2)])).toContain('voters')
    cluster.settle()
    expect(votersOf(cluster, 1)).toEqual([1, 2])
  })

  test('an impossible change that got into the log does nothing, on every node alike', () => {
    const cluster = group(2, 0, { disableConfChangeValidation: true })
    cluster.change(1, [remove(1), remove(2)])
    cluster.settle()
    for (const id of [1, 2]) expect(votersOf(cluster, id)).toEqual([1, 2])
    cluster.propose(1, 'a')
    cluster.settle()
    expect(cluster.at(2).applied).toEqual(['a'])
  })

  test('founding members start with the same committed entries', () => {
    const cluster = new Cluster(0)
    for (const id of [1, 2, 3]) {
      cluster.add(id)
      cluster.node(id).bootstrap([{ id: 1 }, { id: 2 }, { id: 3, context: utf8('three') }])
      expect(() => cluster.node(id).bootstrap([{ id: 1 }])).toThrow(
        expect.objectContaining({ code: 'InvalidArgument' }),
      )
    }
    cluster.settle()
    cluster.elect(2)
    cluster.propose(2, 'a')
    cluster.settle()
    expect(cluster.at(3).applied).toEqual(['a'])
    expect(cluster.at(1).confState.voters).toEqual([1, 2, 3])
  })
})
