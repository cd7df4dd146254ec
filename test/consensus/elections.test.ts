import { describe, expect, test } from 'vitest'
import { newMessage } from '../../consensus/index.ts'
import type { Message } from '../../consensus/index.ts'
import { Cluster, lone } from './cluster.ts'

const guarded = { preVote: true, checkQuorum: true }

function request(
  type: 'MsgVote' | 'MsgPreVote',
  from: number,
  to: number,
  term: number,
  fields: Partial<Message> = {},
): Message {
  return { ...newMessage(type, to), from, term, ...fields }
}

/** The answers that a node queues, as [type, term, reject]. */
function answers(cluster: Cluster): [string, number, boolean][] {
  cluster.work()
  return cluster.network.splice(0).map((m) => [m.type, m.term, m.reject])
}

describe('elections (Raft paper, 5.2 and 5.4.1)', () => {
  test('a follower without a leader campaigns after one to two election timeouts, drawn anew each time', () => {
    const drawn: number[] = []
    const { cluster, member } = lone(1, [1, 2, 3], { random: (bound) => drawn.push(bound) % bound })
    let campaigns = 0
    for (let i = 0; i < 100; i++) {
      const before = member.node.term
      member.node.tick()
      if (member.node.term > before) campaigns++
      cluster.work()
    }
    expect(campaigns).toBeGreaterThanOrEqual(5)
    expect(campaigns).toBeLessThanOrEqual(10)
    expect(drawn.length).toBeGreaterThan(campaigns)
    expect(drawn.every((bound) => bound === 10)).toBe(true)
  })

  test('a candidate raises its term, votes for itself and asks all others in parallel', () => {
    const { cluster, member } = lone(1, [1, 2, 3])
    member.node.campaign()
    cluster.work()
    expect(member.storage.initialState().hardState).toEqual({ term: 1, vote: 1, commit: 0 })
    expect(cluster.network.map((m) => [m.type, m.to, m.term])).toEqual([
      ['MsgVote', 2, 1],
      ['MsgVote', 3, 1],
    ])
  })

  test.each([
    [1, 1, true],
    [2, 2, true],
    [3, 2, true],
    [3, 1, false],
    [5, 3, true],
    [5, 2, false],
  ])('in a group of %i, %i votes make a leader: %s', (size, granted, wins) => {
    const { cluster, member } = lone(
      1,
      Array.from({ length: size }, (_, i) => i + 1),
    )
    member.node.campaign()
    cluster.work()
    for (let id = 2; id <= granted; id++) member.node.step({ ...newMessage('MsgVoteResp', 1), from: id, term: 1 })
    expect(member.node.isLeader).toBe(wins)
  })

  test('the same voter does not count twice', () => {
    const { cluster, member } = lone(1, [1, 2, 3, 4, 5])
    member.node.campaign()
    cluster.work()
    for (let i = 0; i < 4; i++) member.node.step({ ...newMessage('MsgVoteResp', 1), from: 2, term: 1 })
    expect(member.node.isLeader).toBe(false)
  })

  test('a split vote elects nobody, and a later campaign does', () => {
    const cluster = new Cluster(3)
    cluster.node(1).campaign()
    cluster.node(2).campaign()
    cluster.work()
    cluster.isolate(3)
    cluster.settle()
    expect([1, 2, 3].some((id) => cluster.node(id).isLeader)).toBe(false)
    cluster.heal()
    cluster.elect(2)
    expect(cluster.node(2).term).toBe(2)
  })

  test('a node votes once in a term, first come first served, and again for the same candidate', () => {
    const { cluster, member } = lone(1, [1, 2, 3])
    member.node.step(request('MsgVote', 2, 1, 1))
    member.node.step(request('MsgVote', 3, 1, 1))
    member.node.step(request('MsgVote', 2, 1, 1))
    expect(answers(cluster)).toEqual([
      ['MsgVoteResp', 1, false],
      ['MsgVoteResp', 1, true],
      ['MsgVoteResp', 1, false],
    ])
  })

  test('a vote outlives a crash, so the term has one vote of this node', () => {
    const { cluster, member } = lone(1, [1, 2, 3])
    member.node.step(request('MsgVote', 2, 1, 1))
    cluster.work()
    cluster.restart(1)
    cluster.network = []
    cluster.node(1).step(request('MsgVote', 3, 1, 1))
    expect(answers(cluster)).toEqual([['MsgVoteResp', 1, true]])
  })

  test('logs are compared by last term first and by length only then', () => {
    const { cluster, member } = lone(1, [1, 2, 3])
    const append = newMessage('MsgApp', 1)
    const data = new Uint8Array()
    Object.assign(append, {
      from: 2,
      term: 3,
      entries: [1, 1, 3].map((term, i) => ({ term, index: i + 1, type: 'normal', data })),
    })
    member.node.step(append)
    cluster.work()
    cluster.network = []
    const verdict = (term: number, logTerm: number, index: number): boolean => {
      member.node.step(request('MsgVote', 3, 1, term, { logTerm, index }))
      return answers(cluster).at(-1)?.[2] === false
    }
    expect(verdict(4, 2, 9)).toBe(false) // longer, but of an older term
    expect(verdict(5, 3, 2)).toBe(false) // the same term, shorter
    expect(verdict(6, 3, 3)).toBe(true)
    expect(verdict(7, 4, 1)).toBe(true) // shorter, but of a newer term
  })

  test('a late answer to a pre-vote is no vote, and the other way round', () => {
    const { cluster, member } = lone(1, [1, 2, 3], guarded)
    member.node.campaign()
    cluster.work()
    member.node.step({ ...newMessage('MsgVoteResp', 1), from: 2, term: 0 })
    expect(member.node.basicStatus().role).toBe('preCandidate')
    member.node.step({ ...newMessage('MsgPreVoteResp', 1), from: 2, term: 1 })
    cluster.work()
    expect(member.node.basicStatus().role).toBe('candidate')
    member.node.step({ ...newMessage('MsgPreVoteResp', 1), from: 3, term: 1 })
    expect(member.node.isLeader).toBe(false)
  })

  test('a new leader appends an empty entry and commits it before anything older', () => {
    const cluster = new Cluster(3)
    cluster.elect(1)
    cluster.propose(1, 'a')
    cluster.settle()
    expect(cluster.terms(1)).toEqual([1, 1])
    cluster.elect(2)
    expect(cluster.terms(2)).toEqual([1, 1, 2])
    expect(cluster.commit(2)).toBe(3)
  })

  test('a learner grants its vote when asked, and never campaigns', () => {
    const cluster = new Cluster(0)
    const learner = cluster.add(3, {
      voters: [1, 2],
      learners: [3],
      votersOutgoing: [],
      learnersNext: [],
      autoLeave: false,
    })
    learner.node.step(request('MsgVote', 1, 3, 1))
    expect(answers(cluster)).toEqual([['MsgVoteResp', 1, false]])
    cluster.tick(3, 100)
    learner.node.campaign()
    expect(learner.node.basicStatus().role).toBe('follower')
  })
})

describe('pre-vote and check-quorum', () => {
  test('a node that was cut off comes back without raising anybody’s term', () => {
    const cluster = new Cluster(3, guarded)
    cluster.elect(1)
    cluster.isolate(3)
    for (let i = 0; i < 60; i++) {
      for (const id of [1, 2, 3]) cluster.tick(id)
      cluster.settle()
    }
    expect(cluster.node(3).basicStatus().role).toBe('preCandidate')
    cluster.heal()
    for (let i = 0; i < 5; i++) {
      for (const id of [1, 2, 3]) cluster.tick(id)
      cluster.settle()
    }
    expect([1, 2, 3].map((id) => cluster.node(id).term)).toEqual([1, 1, 1])
    expect([1, 2, 3].map((id) => cluster.node(id).lead)).toEqual([1, 1, 1])
  })

  test('without pre-vote a node that was cut off deposes the leader once, and the group recovers', () => {
    const cluster = new Cluster(3)
    cluster.elect(1)
    cluster.isolate(3)
    cluster.tick(3, 30)
    cluster.settle()
    cluster.heal()
    cluster.node(3).campaign()
    cluster.settle()
    expect(cluster.node(1).term).toBeGreaterThan(1)
  })

  test('a leader that hears from no quorum for an election timeout steps down', () => {
    const cluster = new Cluster(3, guarded)
    cluster.elect(1)
    cluster.isolate(1)
    cluster.tick(1, 21)
    cluster.settle()
    expect(cluster.node(1).isLeader).toBe(false)
    expect(cluster.node(1).term).toBe(1)
  })

  test('a voter that hears from a leader refuses to depose it, until an election timeout has passed', () => {
    const cluster = new Cluster(3, { checkQuorum: true })
    cluster.elect(1)
    cluster.node(2).step(request('MsgVote', 3, 2, 2, { logTerm: 1, index: 1 }))
    expect(answers(cluster)).toEqual([])
    expect(cluster.node(2).term).toBe(1)
    cluster.tick(2, 10)
    cluster.node(2).step(request('MsgVote', 3, 2, 2, { logTerm: 1, index: 1 }))
    expect(answers(cluster)).toEqual([['MsgVoteResp', 2, false]])
  })

  test('a transfer overrides that refusal', () => {
    const cluster = new Cluster(3, guarded)
    cluster.elect(1)
    cluster.node(1).transferLeadership(3)
    cluster.settle()
    expect(cluster.node(3).isLeader).toBe(true)
  })

  test('a candidate stuck at a high term is freed: its answer to the old leader tells the term', () => {
    const cluster = new Cluster(3, { checkQuorum: true })
    cluster.elect(1)
    cluster.isolate(3)
    cluster.node(3).campaign()
    cluster.settle()
    cluster.node(3).campaign()
    cluster.settle()
    expect(cluster.node(3).term).toBe(3)
    cluster.heal()
    cluster.tick(1)
    cluster.settle()
    expect(cluster.node(1).isLeader).toBe(false)
    expect(cluster.node(1).term).toBe(3)
    cluster.elect(1)
    expect([1, 2, 3].map((id) => cluster.node(id).lead)).toEqual([1, 1, 1])
  })

  test('a pre-vote of an older term is refused, not dropped, so a group can be upgraded to pre-vote', () => {
    const { cluster, member } = lone(1, [1, 2, 3], guarded)
    member.node.step({ ...newMessage('MsgHeartbeat', 1), from: 2, term: 5 })
    cluster.work()
    cluster.network = []
    member.node.step(request('MsgPreVote', 3, 1, 3))
    expect(answers(cluster)).toEqual([['MsgPreVoteResp', 5, true]])
  })

  test('a granted pre-vote changes no term, a refused one of a later term does', () => {
    const { cluster, member } = lone(1, [1, 2, 3], guarded)
    member.node.campaign()
    cluster.work()
    expect(member.node.term).toBe(0)
    member.node.step({ ...newMessage('MsgPreVoteResp', 1), from: 2, term: 7, reject: true })
    expect(member.node.term).toBe(7)
    expect(member.node.basicStatus().role).toBe('follower')
  })

  test('a removed member that campaigns disturbs nobody', () => {
    const cluster = new Cluster(3, guarded)
    cluster.elect(1)
    cluster.isolate(3)
    cluster.change(1, [{ type: 'removeNode', nodeId: 3 }])
    cluster.settle()
    cluster.tick(3, 50)
    cluster.work()
    cluster.heal()
    cluster.settle()
    expect([1, 2].map((id) => [cluster.node(id).term, cluster.node(id).lead])).toEqual([
      [1, 1],
      [1, 1],
    ])
  })

  test('a leader that can send but not receive gives way', () => {
    const cluster = new Cluster(3, guarded)
    cluster.elect(1)
    cluster.lose = (m) => m.to === 1
    for (let i = 0; i < 60; i++) {
      for (const id of [1, 2, 3]) cluster.tick(id)
      cluster.settle()
    }
    expect(cluster.node(1).isLeader).toBe(false)
    expect(cluster.node(2).isLeader || cluster.node(3).isLeader).toBe(true)
  })

  test('two leaders after a pause: the older one steps down at the first word of the newer', () => {
    const cluster = new Cluster(3)
    cluster.elect(1)
    cluster.isolate(1)
    cluster.elect(2)
    expect(cluster.node(1).isLeader).toBe(true)
    cluster.heal()
    cluster.tick(2)
    cluster.settle()
    expect([1, 2, 3].map((id) => cluster.node(id).lead)).toEqual([2, 2, 2])
  })
})

describe('giving up leadership', () => {
  test('a transfer waits until the target has the whole log', () => {
    const cluster = new Cluster(3)
    cluster.elect(1)
    cluster.isolate(3)
    cluster.propose(1, 'a')
    cluster.settle()
    cluster.heal()
    cluster.node(1).transferLeadership(3)
    cluster.settle()
    cluster.tick(1)
    cluster.settle()
    expect(cluster.node(3).isLeader).toBe(true)
    expect(cluster.at(3).applied).toEqual(['a'])
  })

  test('a transfer that does not succeed within an election timeout is given up', () => {
    const cluster = new Cluster(3)
    cluster.elect(1)
    cluster.isolate(3)
    cluster.node(1).transferLeadership(3)
    expect(() => cluster.propose(1, 'x')).toThrow(expect.objectContaining({ code: 'ProposalDropped' }))
    cluster.tick(1, 10)
    expect(cluster.node(1).basicStatus().leadTransferee).toBe(0)
    cluster.propose(1, 'x')
  })

  test('a transfer to a learner, to itself or to a stranger does nothing', () => {
    const cluster = new Cluster(2)
    cluster.elect(1)
    cluster.change(1, [{ type: 'addLearner', nodeId: 3 }])
    cluster.settle()
    for (const target of [3, 1, 9]) {
      cluster.node(1).transferLeadership(target)
      expect(cluster.node(1).basicStatus().leadTransferee).toBe(0)
    }
  })

  test('a follower that forgets its leader follows it again at the next word', () => {
    const cluster = new Cluster(3)
    cluster.elect(1)
    cluster.node(2).forgetLeader()
    expect(cluster.node(2).lead).toBe(0)
    cluster.tick(1)
    cluster.settle()
    expect(cluster.node(2).lead).toBe(1)
  })
})
