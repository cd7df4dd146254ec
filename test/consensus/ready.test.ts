import { describe, expect, test } from 'vitest'
import { utf8 } from '../../base/index.ts'
import {
  Inflights,
  MemoryStorage,
  RawNode,
  confStateOf,
  describeMessage,
  describeReady,
  leavesBeforeSync,
  localAppendThread,
  localApplyThread,
  messageTypes,
  newMessage,
} from '../../consensus/index.ts'
import type { Message, RaftConfig, TraceEvent } from '../../consensus/index.ts'
import { Cluster, lone } from './cluster.ts'

const config = (storage: MemoryStorage): RaftConfig => ({
  id: 1,
  electionTick: 10,
  heartbeatTick: 1,
  storage,
  random: () => 0,
})

describe('the contract of Ready', () => {
  test('nothing new, no Ready', () => {
    const { cluster, member } = lone(1, [1])
    expect(member.node.hasReady()).toBe(false)
    cluster.elect(1)
    expect(member.node.hasReady()).toBe(false)
    cluster.propose(1, 'a')
    expect(member.node.hasReady()).toBe(true)
  })

  test('entries, votes and terms must be synced, a commit index alone need not', () => {
    const { cluster, member } = lone(1, [1, 2])
    member.node.campaign()
    expect(cluster.handle(member).mustSync).toBe(true)
    member.node.step({ ...newMessage('MsgVoteResp', 1), from: 2, term: 1 })
    expect(cluster.handle(member)).toMatchObject({ mustSync: true, entries: [{ index: 1 }] })
    member.node.step({ ...newMessage('MsgAppResp', 1), from: 2, term: 1, index: 1 })
    expect(cluster.handle(member)).toMatchObject({ mustSync: false, hardState: { commit: 1 } })
  })

  test('two Readys without advance are a bug of the driver, and said to be', () => {
    const { member } = lone(1, [1])
    member.node.campaign()
    member.node.ready()
    expect(() => member.node.ready()).toThrow(/advance/)
  })

  test('a Ready that was handed out does not change afterwards', () => {
    const { member } = lone(1, [1, 2])
    member.node.campaign()
    const ready = member.node.ready()
    const seen = JSON.stringify(ready)
    member.node.advance()
    member.node.step({ ...newMessage('MsgVoteResp', 1), from: 2, term: 1 })
    member.node.propose(utf8('x'))
    expect(JSON.stringify(ready)).toBe(seen)
  })

  test('votes and acknowledgements never leave before the write, appends and heartbeats may', () => {
    const early = messageTypes.filter(leavesBeforeSync)
    expect(early).toEqual(
      expect.arrayContaining(['MsgApp', 'MsgHeartbeat', 'MsgSnap', 'MsgReadIndex', 'MsgReadIndexResp']),
    )
    for (const type of [
      'MsgVote',
      'MsgPreVote',
      'MsgVoteResp',
      'MsgPreVoteResp',
      'MsgAppResp',
      'MsgHeartbeatResp',
    ] as const) {
      expect(early).not.toContain(type)
    }
  })

  test('what is handed out for applying is limited in bytes until it is reported applied', () => {
    const { cluster, member } = lone(1, [1], { maxCommittedSizePerReady: 40 })
    cluster.elect(1)
    for (let i = 0; i < 5; i++) cluster.propose(1, 'x'.repeat(30))
    cluster.handle(member)
    const counts: number[] = []
    while (member.node.hasReady()) counts.push(cluster.handle(member).committedEntries.length)
    expect(counts).toEqual([1, 1, 1, 1, 1])
  })

  test('after a restart nothing up to the applied index is handed out again', () => {
    const { cluster, member } = lone(1, [1])
    cluster.elect(1)
    for (const value of ['a', 'b']) cluster.propose(1, value)
    cluster.settle()
    const node = new RawNode({ ...config(member.storage), applied: 2 })
    expect(node.ready().committedEntries.map((e) => e.index)).toEqual([3])
  })
})

describe('asynchronous storage writes', () => {
  interface Async {
    readonly node: RawNode
    readonly storage: MemoryStorage
    readonly appends: Message[]
    readonly applies: Message[]
    readonly sent: Message[]
    take(): void
  }

  function asynchronous(voters: readonly number[]): Async {
    const storage = new MemoryStorage()
    storage.bootstrap({ voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false })
    const node = new RawNode({ ...config(storage), preVote: false, checkQuorum: false, asyncStorageWrites: true })
    const [appends, applies, sent]: Message[][] = [[], [], []]
    const self: Async = {
      node,
      storage,
      appends: appends as Message[],
      applies: applies as Message[],
      sent: sent as Message[],
      take: () => {
        for (const m of node.ready().messages) {
          if (m.to === localAppendThread) self.appends.push(m)
          else if (m.to === localApplyThread) self.applies.push(m)
          else self.sent.push(m)
        }
      },
    }
    return self
  }

  function write(one: Async, work: Message | undefined): readonly Message[] {
    if (work === undefined) throw new Error('no work')
    if (work.term !== 0) one.storage.setHardState({ term: work.term, vote: work.vote, commit: work.commit })
    one.storage.append(work.entries)
    return work.responses
  }

  test('a node does not count its own vote, nor its own entry, before its disk has it', () => {
    const one = asynchronous([1])
    one.node.campaign()
    one.take()
    expect(one.node.isLeader).toBe(false)
    for (const m of write(one, one.appends.shift())) one.node.step(m)
    expect(one.node.isLeader).toBe(true)
    one.take()
    expect(one.node.basicStatus().hardState.commit).toBe(0)
    for (const m of write(one, one.appends.shift())) one.node.step(m)
    expect(one.node.basicStatus().hardState.commit).toBe(1)
  })

  test('appends to followers do not wait for the own disk', () => {
    const one = asynchronous([1, 2])
    one.node.campaign()
    one.take()
    for (const m of write(one, one.appends.shift())) one.node.step(m)
    one.node.step({ ...newMessage('MsgVoteResp', 1), from: 2, term: 1 })
    one.take()
    expect(one.sent.map((m) => m.type)).toEqual(['MsgVote', 'MsgApp'])
    expect(one.appends).toHaveLength(1)
  })

  test('what a quorum of others has is committed, but applied here only once it is durable here', () => {
    const one = asynchronous([1, 2, 3])
    one.node.campaign()
    one.take()
    for (const m of write(one, one.appends.shift())) one.node.step(m)
    one.node.step({ ...newMessage('MsgVoteResp', 1), from: 2, term: 1 })
    one.take()
    for (const from of [2, 3]) one.node.step({ ...newMessage('MsgAppResp', 1), from, term: 1, index: 1 })
    one.take()
    expect(one.node.basicStatus().hardState.commit).toBe(1)
    expect(one.applies).toEqual([])
    for (const m of write(one, one.appends.shift())) one.node.step(m)
    one.take()
    expect(one.applies[0]?.entries.map((e) => e.index)).toEqual([1])
  })

  test('the acknowledgement of a write from before a change of term is ignored, a later one makes up for it', () => {
    const one = asynchronous([1, 2, 3])
    const data = utf8('x')
    const append = (from: number, term: number, entryTerm: number): void => {
      const entries = [{ term: entryTerm, index: 1, type: 'normal' as const, data }]
      one.node.step({ ...newMessage('MsgApp', 1), from, term, entries })
      one.take()
    }
    append(2, 1, 1)
    append(3, 2, 2)
    append(2, 3, 1)
    const [first, second, third] = one.appends
    const acknowledge = (work: Message | undefined): void => {
      for (const m of write(one, work)) if (m.to === 1) one.node.step(m)
    }
    // Storage holds (1, term 1), which is what the log ends with, but the write of term 2 is still to come.
    acknowledge(first)
    acknowledge(second)
    expect(one.storage.term(1)).toBe(2)
    one.node.step({ ...newMessage('MsgHeartbeat', 1), from: 2, term: 3, commit: 1 })
    one.take()
    expect(one.applies).toEqual([])
    acknowledge(third)
    one.take()
    expect(one.applies[0]?.entries.map((e) => e.term)).toEqual([1])
  })

  test('advance has no place there', () => {
    expect(() => asynchronous([1]).node.advance()).toThrow(/asynchronous/)
  })
})

describe('configuration of a node', () => {
  test.each([
    [{ id: 0 }],
    [{ id: localAppendThread }],
    [{ id: 1.5 }],
    [{ heartbeatTick: 0 }],
    [{ electionTick: 1 }],
    [{ maxInflightMsgs: 0 }],
    [{ maxSizePerMsg: 100, maxInflightBytes: 50 }],
    [{ maxSizePerMsg: -1 }],
  ])('%j is refused', (bad) => {
    expect(() => new RawNode({ ...config(new MemoryStorage()), ...bad })).toThrow(
      expect.objectContaining({ code: 'InvalidArgument' }),
    )
  })
})

describe('parts', () => {
  test('the window of messages in flight frees what an index covers, and grows as it is used', () => {
    const window = new Inflights(20, 0)
    for (let i = 1; i <= 20; i++) window.add(i * 10, 1)
    expect(window.full()).toBe(true)
    window.freeThrough(105)
    expect([window.count, window.bytes]).toEqual([10, 10])
    for (let i = 21; i <= 30; i++) window.add(i * 10, 1)
    expect(window.full()).toBe(true)
    window.freeThrough(300)
    expect(window.count).toBe(0)
  })

  test('memory storage replaces a tail, keeps what was compacted away, and knows what it lacks', () => {
    const storage = new MemoryStorage()
    const entry = (term: number, index: number) => ({ term, index, type: 'normal' as const, data: utf8('') })
    storage.append([entry(1, 1), entry(1, 2), entry(1, 3)])
    storage.append([entry(2, 2)])
    expect([storage.lastIndex(), storage.term(2), storage.term(3)]).toEqual([2, 2, 'unavailable'])
    storage.compact(1)
    expect([storage.firstIndex(), storage.term(1), storage.term(0)]).toEqual([2, 1, 'compacted'])
    expect(storage.entries(1, 2, 100)).toBe('compacted')
    expect(storage.entries(2, 4, 100)).toBe('unavailable')
    storage.append([entry(1, 1), entry(2, 2), entry(2, 3)])
    expect(storage.lastIndex()).toBe(3)
    expect(() => storage.append([entry(2, 9)])).toThrow(/gap/)
    expect(() => storage.compact(9)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }))
  })

  test('the trace names every step with the state after it', () => {
    const events: TraceEvent[] = []
    const cluster = new Cluster(3, { onTrace: (event) => events.push(event) })
    cluster.elect(1)
    cluster.propose(1, 'a')
    cluster.settle()
    cluster.change(1, [{ type: 'addLearner', nodeId: 4 }])
    cluster.settle()
    const names = new Set(events.map(({ name }) => name))
    for (const name of [
      'InitState',
      'BecomeFollower',
      'BecomeCandidate',
      'BecomeLeader',
      'Replicate',
      'Commit',
      'Ready',
    ]) {
      expect(names).toContain(name)
    }
    for (const name of ['ChangeConf', 'ApplyConfChange', 'SendAppendEntriesRequest', 'ReceiveRequestVoteResponse']) {
      expect(names).toContain(name)
    }
    const leader = events.find(({ name }) => name === 'BecomeLeader')
    expect(leader).toMatchObject({ nid: 1, role: 'leader', state: { term: 1, vote: 1 }, conf: [[1, 2, 3], []] })
  })

  test('messages and Readys are told in one line each', () => {
    const { member } = lone(10, [10, 11])
    member.node.campaign()
    expect(describeReady(member.node.ready())).toBe(
      'Ready MustSync=true:\nLead:0 State:StateCandidate\nHardState Term:1 Vote:10 Commit:0\nMessages:\na->b MsgVote Term:1 Log:0/0\n',
    )
    const refusal = { ...newMessage('MsgAppResp', 1), from: 2, term: 3, index: 4, reject: true, rejectHint: 2 }
    expect(describeMessage(refusal)).toBe('2->1 MsgAppResp Term:3 Log:0/4 Rejected (Hint: 2)')
    expect(confStateOf(member.node.status().config).voters).toEqual([10, 11])
  })
})
