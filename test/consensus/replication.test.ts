import { describe, expect, test } from 'vitest'
import { utf8 } from '../../base/index.ts'
import { newMessage } from '../../consensus/index.ts'
import type { Entry, Message } from '../../consensus/index.ts'
import { Cluster, lone } from './cluster.ts'

const entry = (term: number, index: number, value = ''): Entry => ({ term, index, type: 'normal', data: utf8(value) })

function append(from: number, to: number, fields: Partial<Message>): Message {
  return { ...newMessage('MsgApp', to), from, ...fields }
}

function led(count = 3, options = {}): Cluster {
  const cluster = new Cluster(count, options)
  cluster.elect(1)
  return cluster
}

describe('log replication (Raft paper, 5.3)', () => {
  test('an entry is committed when a majority has it, and applied everywhere in the same order', () => {
    const cluster = led()
    for (const value of ['a', 'b', 'c']) cluster.propose(1, value)
    cluster.settle()
    for (const id of [1, 2, 3]) expect(cluster.at(id).applied).toEqual(['a', 'b', 'c'])
  })

  test('a leader commits with a slow minority and not without a majority', () => {
    const cluster = led(5)
    cluster.isolate(4, 5)
    cluster.propose(1, 'a')
    cluster.settle()
    expect(cluster.commit(1)).toBe(2)
    cluster.isolate(3, 4, 5)
    cluster.propose(1, 'b')
    cluster.settle()
    expect(cluster.commit(1)).toBe(2)
  })

  test('an acknowledgement of more than the leader has counts for nothing: some disk went back in time', () => {
    const cluster = led()
    cluster.isolate(2, 3)
    for (const id of [2, 3]) {
      cluster.node(1).step({ ...newMessage('MsgAppResp', 1), from: id, term: 1, index: 50 })
    }
    cluster.propose(1, 'a')
    cluster.settle()
    expect(cluster.commit(1)).toBe(1)
    expect(cluster.at(1).applied).toEqual([])
  })

  test('figure 8: an entry of an earlier term on a majority is not committed by counting', () => {
    const { cluster, member } = lone(1, [1, 2, 3, 4, 5])
    member.storage.append([entry(1, 1), entry(1, 2)])
    member.storage.setHardState({ term: 2, vote: 0, commit: 0 })
    cluster.restart(1)
    cluster.node(1).campaign()
    cluster.work()
    const from = (id: number, type: 'MsgVoteResp' | 'MsgAppResp', index = 0): void => {
      cluster.node(1).step({ ...newMessage(type, 1), from: id, term: 3, index })
      cluster.work()
    }
    for (const id of [2, 3]) from(id, 'MsgVoteResp')
    expect(cluster.terms(1)).toEqual([1, 1, 3])
    for (const id of [2, 3, 4, 5]) from(id, 'MsgAppResp', 2)
    expect(cluster.commit(1)).toBe(0)
    for (const id of [2, 3]) from(id, 'MsgAppResp', 3)
    expect(cluster.commit(1)).toBe(3)
  })

  test('figure 7: whatever a follower holds, missing or extra, it ends with the leader’s log', () => {
    const leader = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]
    const followers = [
      [1, 1, 1, 4, 4, 5, 5, 6, 6],
      [1, 1, 1, 4],
      [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
      [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
      [1, 1, 1, 4, 4, 4, 4],
      [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
    ]
    for (const log of followers) {
      const cluster = new Cluster(3)
      const fill = (id: number, terms: readonly number[]): void => {
        cluster.at(id).storage.append(terms.map((term, i) => entry(term, i + 1)))
        cluster.at(id).storage.setHardState({ term: 7, vote: 0, commit: 0 })
        cluster.restart(id)
      }
      fill(1, leader)
      fill(2, log)
      fill(3, [1, 1])
      cluster.lose = (m) => m.from === 2 && m.type === 'MsgVoteResp'
      cluster.elect(1)
      cluster.heal()
      expect(cluster.terms(2)).toEqual([...leader, 8])
      expect(cluster.commit(1)).toBe(11)
    }
  })

  test('a diverging tail of a thousand entries is skipped in a few probes, not one by one', () => {
    const cluster = new Cluster(3)
    const tail = Array.from({ length: 1000 }, (_, i) => i + 2)
    cluster.at(1).storage.append([entry(1, 1), ...tail.map((index) => entry(3, index))])
    cluster.at(2).storage.append([entry(1, 1), ...tail.map((index) => entry(2, index))])
    cluster.at(3).storage.append([entry(1, 1)])
    for (const id of [1, 2, 3]) {
      cluster.at(id).storage.setHardState({ term: 3, vote: 0, commit: 0 })
      cluster.restart(id)
    }
    let refusals = 0
    cluster.lose = (m) => {
      if (m.type === 'MsgAppResp' && m.reject) refusals++
      return false
    }
    cluster.elect(1)
    expect(cluster.terms(2)).toEqual(cluster.terms(1))
    expect(refusals).toBeLessThan(6)
  })

  test('an append that matches keeps what follows it: only a conflict truncates', () => {
    const { cluster, member } = lone(1, [1, 2, 3])
    member.node.step(append(2, 1, { term: 1, entries: [entry(1, 1), entry(1, 2), entry(1, 3)] }))
    member.node.step(append(2, 1, { term: 1, entries: [entry(1, 1)] }))
    cluster.work()
    expect(cluster.terms(1)).toEqual([1, 1, 1])
    member.node.step(append(3, 1, { term: 2, index: 1, logTerm: 1, entries: [entry(2, 2)] }))
    cluster.work()
    expect(cluster.terms(1)).toEqual([1, 2])
  })

  test('doubled, reordered and stale appends change nothing that is right already', () => {
    const cluster = led()
    for (const value of ['a', 'b', 'c']) cluster.propose(1, value)
    cluster.work()
    const sent = [...cluster.network]
    cluster.network = [...sent.reverse(), ...sent]
    cluster.settle()
    cluster.tick(1)
    cluster.settle()
    cluster.network.push(...sent)
    cluster.settle()
    for (const id of [1, 2, 3]) expect(cluster.at(id).applied).toEqual(['a', 'b', 'c'])
  })

  test('a heartbeat never tells a commit index beyond what the follower is known to have', () => {
    const cluster = led()
    cluster.lose = (m) => m.to === 3 && m.type === 'MsgApp'
    cluster.propose(1, 'a')
    cluster.settle()
    cluster.tick(1)
    cluster.work()
    const commits = new Map(cluster.network.filter((m) => m.type === 'MsgHeartbeat').map((m) => [m.to, m.commit]))
    expect(commits.get(2)).toBe(2)
    expect(commits.get(3)).toBe(1)
  })

  test('a follower whose acknowledged entries are gone says so instead of voting on', () => {
    const { member } = lone(1, [1, 2, 3])
    expect(() => member.node.step({ ...newMessage('MsgHeartbeat', 1), from: 2, term: 1, commit: 5 })).toThrow(
      expect.objectContaining({ code: 'LogDamaged' }),
    )
  })

  test('a log that ends before its own commit index is damage, not a start', () => {
    const cluster = led()
    cluster.at(2).storage.setHardState({ term: 1, vote: 1, commit: 9 })
    expect(() => cluster.restart(2)).toThrow(expect.objectContaining({ code: 'LogDamaged' }))
  })

  test('a commit index that was written late is made up for by what is known to be applied', () => {
    const cluster = led()
    cluster.propose(1, 'a')
    cluster.settle()
    cluster.compact(2)
    cluster.at(2).storage.setHardState({ term: 1, vote: 1, commit: 0 })
    cluster.restart(2)
    expect(cluster.commit(2)).toBe(2)
  })
})

describe('flow control', () => {
  test('a follower that does not answer gets the window’s worth of messages and no more', () => {
    const cluster = led(3, { maxInflightMsgs: 2 })
    cluster.isolate(3)
    for (let i = 0; i < 10; i++) cluster.propose(1, `v${i}`)
    cluster.work()
    expect(cluster.network.filter((m) => m.to === 3 && m.entries.length > 0)).toHaveLength(2)
  })

  test('bytes in flight are limited, too', () => {
    const cluster = led(3, { maxSizePerMsg: 100, maxInflightBytes: 250 })
    for (let i = 0; i < 10; i++) cluster.propose(1, 'x'.repeat(90))
    cluster.work()
    expect(cluster.network.filter((m) => m.to === 3 && m.entries.length > 0)).toHaveLength(3)
  })

  test('when everything in flight was lost, an empty append after a heartbeat gets it going again', () => {
    const cluster = led(3, { maxInflightMsgs: 2 })
    cluster.isolate(3)
    for (let i = 0; i < 5; i++) cluster.propose(1, `v${i}`)
    cluster.settle()
    cluster.heal()
    for (let i = 0; i < 3; i++) {
      cluster.tick(1)
      cluster.settle()
    }
    expect(cluster.at(3).applied).toHaveLength(5)
  })

  test('an append holds at most maxSizePerMsg bytes, but at least one entry', () => {
    const cluster = led(3, { maxSizePerMsg: 40 })
    cluster.isolate(3)
    for (const value of ['a'.repeat(10), 'b'.repeat(10), 'c'.repeat(500)]) cluster.propose(1, value)
    cluster.settle()
    cluster.heal()
    cluster.tick(1)
    const counts: number[] = []
    cluster.lose = (m) => {
      if (m.to === 3 && m.entries.length > 0) counts.push(m.entries.length)
      return false
    }
    cluster.settle()
    cluster.tick(1)
    cluster.settle()
    expect(counts.length).toBeGreaterThan(1)
    expect(Math.max(...counts)).toBeLessThanOrEqual(2)
    expect(cluster.at(3).applied).toHaveLength(3)
  })

  test('a leader without a quorum holds a bounded log and tells the caller to come back', () => {
    const cluster = led(3, { maxUncommittedEntriesSize: 100 })
    cluster.isolate(1)
    let taken = 0
    expect(() => {
      for (; taken < 100; taken++) cluster.propose(1, 'x'.repeat(20))
    }).toThrow(expect.objectContaining({ code: 'ProposalDropped', retryable: true, executed: 'no' }))
    expect(taken).toBe(5)
    cluster.heal()
    cluster.settle()
    cluster.tick(1)
    cluster.settle()
    expect(cluster.node(1).basicStatus().uncommittedSize).toBe(0)
    cluster.propose(1, 'y')
  })

  test('an empty tail takes a proposal of any size', () => {
    const cluster = led(3, { maxUncommittedEntriesSize: 10 })
    cluster.propose(1, 'x'.repeat(1 << 20))
    cluster.settle()
    expect(cluster.at(3).applied[0]).toHaveLength(1 << 20)
  })
})

describe('proposals', () => {
  test('a leader tells where it put a proposal; a follower passes it on', () => {
    const cluster = led()
    expect(cluster.node(1).propose(utf8('a'))).toEqual({ index: 2, term: 1 })
    expect(cluster.node(2).propose(utf8('b'))).toEqual({ index: 0, term: 0 })
    cluster.settle()
    expect(cluster.at(3).applied).toEqual(['a', 'b'])
  })

  test('without a leader, or with forwarding off, a proposal is refused as NotLeader', () => {
    expect(() => new Cluster(3).propose(1, 'a')).toThrow(expect.objectContaining({ code: 'NotLeader' }))
    const cluster = led(3, { disableProposalForwarding: true })
    expect(() => cluster.propose(2, 'a')).toThrow(expect.objectContaining({ code: 'NotLeader' }))
    cluster.propose(1, 'a')
  })

  test('messages of local types and answers of strangers are refused by their outcome', () => {
    const cluster = led()
    expect(cluster.node(1).step({ ...newMessage('MsgHup', 1), from: 2 })).toBe('localMessage')
    expect(cluster.node(1).step({ ...newMessage('MsgStorageAppendResp', 1), from: 2, term: 1, index: 9 })).toBe(
      'localMessage',
    )
    expect(cluster.node(1).step({ ...newMessage('MsgAppResp', 1), from: 9, term: 1, index: 9 })).toBe('unknownPeer')
    expect(cluster.node(1).step({ ...newMessage('MsgProp', 1), from: 2 })).toBe('dropped')
  })
})

describe('snapshots', () => {
  function behind(): Cluster {
    const cluster = led()
    cluster.isolate(3)
    for (const value of ['a', 'b', 'c']) cluster.propose(1, value)
    cluster.settle()
    cluster.compact(1)
    cluster.heal()
    return cluster
  }

  test('a follower behind the compacted log gets a snapshot and then the log', () => {
    const cluster = behind()
    cluster.tick(1)
    cluster.settle()
    cluster.propose(1, 'd')
    cluster.settle()
    expect(cluster.at(3).applied).toEqual(['a', 'b', 'c', 'd'])
    expect(cluster.node(1).status().progress.get(3)?.state).toBe('replicate')
  })

  test('a lost snapshot is sent again once the driver reports it', () => {
    const cluster = behind()
    cluster.lose = (m) => m.type === 'MsgSnap'
    cluster.tick(1)
    cluster.settle()
    expect(cluster.node(1).status().progress.get(3)?.state).toBe('snapshot')
    cluster.heal()
    cluster.tick(1)
    cluster.settle()
    expect(cluster.at(3).applied).toEqual([])
    cluster.node(1).reportSnapshot(3, 'failed')
    for (let i = 0; i < 2; i++) {
      cluster.tick(1)
      cluster.settle()
    }
    expect(cluster.at(3).applied).toEqual(['a', 'b', 'c'])
  })

  test('an older snapshot than the one that was sent will do, if it reconnects to the log', () => {
    const cluster = behind()
    cluster.lose = (m) => m.type === 'MsgSnap'
    cluster.tick(1)
    cluster.settle()
    cluster.heal()
    cluster.propose(1, 'd')
    cluster.settle()
    const { meta, data } = cluster.at(1).storage.snapshot()
    cluster.node(3).step({ ...newMessage('MsgSnap', 3), from: 1, term: 1, snapshot: { meta, data } })
    cluster.settle()
    expect(cluster.at(3).applied).toEqual(['a', 'b', 'c', 'd'])
  })

  test('a snapshot that tells nothing new is answered with the commit index', () => {
    const cluster = led()
    for (const value of ['a', 'b']) cluster.propose(1, value)
    cluster.settle()
    cluster.compact(1)
    const old = cluster.at(1).storage.snapshot()
    cluster.propose(1, 'c')
    cluster.settle()
    cluster.node(2).step({ ...newMessage('MsgSnap', 2), from: 1, term: 1, snapshot: old })
    cluster.work()
    expect(cluster.network.map((m) => [m.type, m.index])).toEqual([['MsgAppResp', 4]])
    expect(cluster.at(2).applied).toEqual(['a', 'b', 'c'])
  })

  test('two snapshots back to back leave the newer one', () => {
    const cluster = behind()
    const first = cluster.at(1).storage.snapshot()
    cluster.isolate(3)
    cluster.propose(1, 'd')
    cluster.settle()
    cluster.compact(1)
    const second = cluster.at(1).storage.snapshot()
    for (const snapshot of [first, second]) {
      cluster.node(3).step({ ...newMessage('MsgSnap', 3), from: 1, term: 1, snapshot })
    }
    cluster.work()
    expect(cluster.at(3).applied).toEqual(['a', 'b', 'c', 'd'])
    expect(cluster.commit(3)).toBe(5)
  })

  test('a snapshot whose end the log has already only moves the commit mark', () => {
    const { cluster, member } = lone(1, [1, 2, 3])
    member.node.step(append(2, 1, { term: 1, entries: [entry(1, 1), entry(1, 2), entry(1, 3)] }))
    cluster.work()
    const confState = { voters: [1, 2, 3], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false }
    const snapshot = { meta: { index: 2, term: 1, confState }, data: utf8('[]') }
    member.node.step({ ...newMessage('MsgSnap', 1), from: 2, term: 1, snapshot })
    cluster.work()
    expect(cluster.commit(1)).toBe(2)
    expect(cluster.terms(1)).toEqual([1, 1, 1])
  })

  test('a temporarily missing snapshot is asked for again', () => {
    const cluster = behind()
    const { storage } = cluster.at(1)
    const available = storage.snapshot.bind(storage)
    Object.assign(storage, { snapshot: () => 'snapshotTemporarilyUnavailable' })
    cluster.tick(1)
    cluster.settle()
    Object.assign(storage, { snapshot: available })
    cluster.tick(1)
    cluster.settle()
    expect(cluster.at(3).applied).toEqual(['a', 'b', 'c'])
  })
})
