import { describe, expect, test } from 'vitest'
import { utf8 } from '../../base/index.ts'
import { Cluster } from './cluster.ts'

const lease = { preVote: true, checkQuorum: true, readOnlyOption: 'leaseBased' } as const

function led(options = {}): Cluster {
  const cluster = new Cluster(3, options)
  cluster.elect(1)
  cluster.propose(1, 'a')
  cluster.settle()
  return cluster
}

describe('reads by a heartbeat round (Raft dissertation, 6.4)', () => {
  test('a read is answered with the commit index of its arrival, on leader and followers', () => {
    const cluster = led()
    cluster.node(1).readIndex(utf8('at leader'))
    cluster.node(3).readIndex(utf8('at follower'))
    cluster.settle()
    expect(cluster.at(1).reads).toEqual([['at leader', 2]])
    expect(cluster.at(3).reads).toEqual([['at follower', 2]])
  })

  test('an isolated old leader answers nothing, while the new one moves on', () => {
    const cluster = led()
    cluster.isolate(1)
    cluster.elect(2)
    cluster.node(1).readIndex(utf8('stale'))
    cluster.settle()
    cluster.tick(1, 5)
    cluster.settle()
    expect(cluster.at(1).reads).toEqual([])
  })

  test('a new leader answers only after it has committed in its own term', () => {
    const cluster = led()
    cluster.lose = (m) => m.type === 'MsgApp'
    cluster.node(2).campaign()
    cluster.settle()
    expect(cluster.node(2).isLeader).toBe(true)
    cluster.node(2).readIndex(utf8('r'))
    cluster.settle()
    expect(cluster.at(2).reads).toEqual([])
    cluster.heal()
    cluster.tick(2)
    cluster.settle()
    expect(cluster.at(2).reads).toEqual([['r', 3]])
  })

  test('even a single node holds reads until it has committed in its own term', () => {
    const cluster = new Cluster(1)
    cluster.elect(1)
    cluster.propose(1, 'a')
    cluster.settle()
    // The commit index is not synced and may come back older than what was answered.
    cluster.at(1).storage.setHardState({ term: 1, vote: 1, commit: 0 })
    cluster.restart(1)
    const { node } = cluster.at(1)
    while (!node.isLeader) {
      node.campaign()
      cluster.handle(cluster.at(1))
    }
    node.readIndex(utf8('r'))
    cluster.settle()
    expect(cluster.at(1).reads).toEqual([['r', 3]])
  })

  test('a name used again never gets the answer of an older round', () => {
    const cluster = led()
    cluster.lose = (m) => m.type === 'MsgHeartbeat'
    cluster.node(1).readIndex(utf8('r'))
    cluster.settle()
    cluster.heal()
    cluster.propose(1, 'b')
    cluster.settle()
    expect(cluster.at(1).reads).toEqual([])
    cluster.node(1).readIndex(utf8('r'))
    cluster.settle()
    expect(cluster.at(1).reads).toEqual([
      ['r', 2],
      ['r', 3],
    ])
  })

  test('any number of reads ride on the next regular heartbeat if their own round was lost', () => {
    const cluster = led()
    cluster.lose = (m) => m.type === 'MsgHeartbeat'
    for (const name of ['x', 'y', 'z']) cluster.node(1).readIndex(utf8(name))
    cluster.settle()
    cluster.heal()
    cluster.tick(1)
    cluster.settle()
    expect(cluster.at(1).reads.map(([name]) => name)).toEqual(['x', 'y', 'z'])
  })

  test('a doubled echo of one follower is no quorum', () => {
    const cluster = new Cluster(5)
    cluster.elect(1)
    cluster.lose = (m) => m.type === 'MsgHeartbeat' && m.to !== 2
    cluster.node(1).readIndex(utf8('r'))
    cluster.work()
    cluster.network.push(...cluster.network)
    cluster.settle()
    expect(cluster.at(1).reads).toEqual([])
  })

  test('echoes of learners do not count', () => {
    const cluster = led()
    cluster.add(4)
    cluster.change(1, [{ type: 'addLearner', nodeId: 4 }])
    cluster.settle()
    cluster.lose = (m) => m.type === 'MsgHeartbeat' && m.to !== 4
    cluster.node(1).readIndex(utf8('r'))
    cluster.settle()
    expect(cluster.at(1).reads).toEqual([])
  })

  test('reads of a leader that lost its place are forgotten, not answered later', () => {
    const cluster = led()
    cluster.isolate(1)
    cluster.node(1).readIndex(utf8('old'))
    cluster.settle()
    cluster.elect(2)
    cluster.heal()
    cluster.tick(2)
    cluster.settle()
    cluster.elect(1)
    expect(cluster.at(1).reads).toEqual([])
  })

  test('without a leader a read is refused at once', () => {
    expect(new Cluster(3).node(1).readIndex(utf8('r'))).toBe(false)
  })

  test('a leader that removed itself does not answer alone', () => {
    const cluster = led()
    cluster.change(1, [
      { type: 'removeNode', nodeId: 1 },
      { type: 'removeNode', nodeId: 3 },
    ])
    cluster.settle()
    expect(cluster.node(1).isLeader).toBe(true)
    cluster.isolate(1)
    cluster.node(1).readIndex(utf8('r'))
    cluster.settle()
    expect(cluster.at(1).reads).toEqual([])
  })
})

describe('reads by lease', () => {
  test('while a round of the last election timeout holds, a read needs no message', () => {
    const cluster = led(lease)
    cluster.tick(1)
    cluster.settle()
    cluster.node(1).readIndex(utf8('r'))
    cluster.work()
    expect(cluster.network).toEqual([])
    expect(cluster.at(1).reads).toEqual([['r', 2]])
  })

  test('a leader without any confirmed round takes one', () => {
    const cluster = led(lease)
    cluster.node(1).readIndex(utf8('r'))
    cluster.work()
    expect(cluster.at(1).reads).toEqual([])
    cluster.settle()
    expect(cluster.at(1).reads).toEqual([['r', 2]])
  })

  test('a lease ends a margin before the voters may elect another', () => {
    const cluster = led(lease)
    cluster.tick(1)
    cluster.settle()
    cluster.isolate(1)
    cluster.tick(1, 6)
    expect(cluster.node(1).basicStatus().leaseTrusted).toBe(true)
    cluster.tick(1)
    expect(cluster.node(1).basicStatus().leaseTrusted).toBe(false)
  })

  test('no read is answered during a transfer, by either way', () => {
    for (const options of [{}, lease]) {
      const cluster = led(options)
      cluster.tick(1)
      cluster.settle()
      cluster.isolate(3)
      cluster.node(1).transferLeadership(3)
      cluster.node(1).readIndex(utf8('r'))
      cluster.settle()
      expect(cluster.at(1).reads).toEqual([])
      cluster.tick(1, 10)
      cluster.settle()
      expect(cluster.at(1).reads).toEqual([['r', 2]])
    }
  })

  test('after a transfer that failed, the lease waits for a later round of a quorum and of the target', () => {
    const cluster = led(lease)
    cluster.tick(1)
    cluster.settle()
    cluster.isolate(3)
    cluster.node(1).transferLeadership(3)
    for (let i = 0; i < 12; i++) {
      cluster.tick(1)
      cluster.tick(2)
      cluster.settle()
    }
    expect(cluster.node(1).isLeader).toBe(true)
    expect(cluster.node(1).basicStatus().leaseTrusted).toBe(false)
    cluster.heal()
    cluster.tick(1)
    cluster.settle()
    expect(cluster.node(1).basicStatus().leaseTrusted).toBe(true)
  })

  test('a target that has echoed a later round obeys the old order no more', () => {
    const cluster = led(lease)
    cluster.tick(1)
    cluster.settle()
    cluster.node(1).transferLeadership(3)
    cluster.work()
    const orders = cluster.network.splice(0)
    for (let i = 0; i < 12; i++) {
      cluster.tick(1)
      cluster.settle()
    }
    expect(cluster.node(1).basicStatus().leaseTrusted).toBe(true)
    cluster.network = orders
    cluster.settle()
    expect(cluster.node(1).isLeader).toBe(true)
  })

  test('nor does it when it was a pre-candidate in between', () => {
    const cluster = led(lease)
    cluster.tick(1)
    cluster.settle()
    cluster.node(1).transferLeadership(3)
    cluster.work()
    const orders = cluster.network.splice(0)
    for (let i = 0; i < 12; i++) {
      cluster.tick(1)
      cluster.settle()
    }
    cluster.tick(3, 25)
    expect(cluster.node(3).basicStatus().role).toBe('preCandidate')
    cluster.work()
    cluster.network = []
    cluster.propose(1, 'b')
    cluster.settle()
    expect(cluster.node(3).lead).toBe(1)
    cluster.network = orders
    cluster.settle()
    expect(cluster.node(1).isLeader).toBe(true)
    expect(cluster.node(3).term).toBe(1)
  })

  test('a leader that was late takes a round before it answers again', () => {
    const cluster = led(lease)
    cluster.tick(1)
    cluster.settle()
    cluster.node(1).suspectLease()
    cluster.node(1).readIndex(utf8('r'))
    cluster.work()
    expect(cluster.at(1).reads).toEqual([])
    cluster.settle()
    expect(cluster.at(1).reads).toEqual([['r', 2]])
    expect(cluster.node(1).basicStatus().leaseTrusted).toBe(true)
  })

  test('a restarted voter respects a lease that it may have forgotten', () => {
    const cluster = led(lease)
    cluster.tick(1)
    cluster.settle()
    cluster.isolate(1)
    cluster.restart(2)
    cluster.tick(3, 25)
    cluster.settle()
    expect(cluster.node(2).term).toBe(1)
    expect(cluster.node(3).isLeader).toBe(false)
    for (let i = 0; i < 40; i++) {
      cluster.tick(2)
      cluster.tick(3)
      cluster.settle()
    }
    expect(cluster.node(2).isLeader || cluster.node(3).isLeader).toBe(true)
  })

  test('a voter that heard from a leader neither campaigns on request nor votes before its time is over', () => {
    const cluster = led(lease)
    cluster.tick(1)
    cluster.settle()
    cluster.isolate(1)
    for (const id of [2, 3]) cluster.node(id).campaign()
    cluster.settle()
    expect([2, 3].map((id) => cluster.node(id).basicStatus().role)).toEqual(['follower', 'follower'])
    cluster.tick(2, 10)
    cluster.tick(3, 10)
    cluster.elect(2)
  })

  test('a change of members ends the lease until a round of the new ones', () => {
    const cluster = led(lease)
    cluster.tick(1)
    cluster.settle()
    cluster.change(1, [{ type: 'removeNode', nodeId: 3 }])
    cluster.settle()
    expect(cluster.node(1).basicStatus().leaseTrusted).toBe(false)
  })

  test('lease reads without check-quorum are refused as a configuration', () => {
    expect(() => new Cluster(1, { readOnlyOption: 'leaseBased', checkQuorum: false })).toThrow(
      expect.objectContaining({ code: 'InvalidArgument' }),
    )
  })
})
