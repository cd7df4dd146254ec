/** Commands between a follower and the leader: what each side is told when links and nodes come and go. */
import { expect, test } from 'vitest'
import { ByteWriter, NitroError, concatBytes, silentMetrics } from '../../base/index.ts'
import { encodeCommand } from '../../execution/index.ts'
import { ForwardedOwner, Forwarder } from '../../src/replica/forwarder.ts'
import type { Group } from '../../src/replica/group.ts'
import { Intake } from '../../src/replica/intake.ts'
import type { LogClock } from '../../src/replica/log-clock.ts'
import type { LogWriter } from '../../src/replica/log-writer.ts'
import type { ReplicaPorts } from '../../src/replica/ports.ts'
import { Proposals } from '../../src/replica/proposals.ts'
import { CommandBatchWriter, forEachCommand, frameKinds } from '../../src/wire/index.ts'
import { HandTime, RecordingOwner, putCommand } from './support.ts'

/** An intake of a node that leads or does not; frames it sends are noted as `to kind tag,tag`. */
function setUp(leaderId: number) {
  const time = new HandTime()
  const sent: string[] = []
  const link = { open: true, up: true }
  const writer = { writing: false }
  const proposals = new Proposals(1_000)
  const log: { index: number; data: Uint8Array }[] = []
  const group = {
    halted: false,
    leaderId,
    isLeader: leaderId === 1,
    selfName: 'n1',
    proposals,
    reads: { waiting: false, start: () => undefined, add: () => undefined, failAll: () => undefined },
    driver: {
      wake: () => undefined,
      core: {
        term: 3,
        propose(data: Uint8Array) {
          log.push({ index: log.length + 1, data })
          return { index: log.length, term: 3 }
        },
      },
    },
    applier: { machine: undefined },
  }
  const intake = new Intake({
    group: group as unknown as Group,
    ports: { scheduler: time, clock: time, metrics: silentMetrics } as unknown as ReplicaPorts,
    logClock: { now: () => 0 } as LogClock,
    writer: writer as LogWriter,
    send: (to, _channel, kind, payload) => {
      if (link.open) sent.push(`${to} ${kind} ${tagsOf(payload).join()}`)
      return link.open
    },
    reaches: () => link.up,
    failed: (error) => expect.unreachable(String(error)),
  })
  return { time, sent, link, writer, proposals, group, intake, log }
}

function tagsOf(payload: Uint8Array): number[] {
  const tags: number[] = []
  forEachCommand(payload, (tag) => tags.push(tag))
  return tags
}

function batch(...tags: number[]): Uint8Array {
  const writer = new CommandBatchWriter()
  for (const tag of tags) writer.add(tag, putCommand(`k${tag}`))
  return writer.take()
}

test('on the leader all that waits becomes one entry; on a follower one frame to the leader', () => {
  const leader = setUp(1)
  const follower = setUp(2)
  for (const { intake } of [leader, follower]) {
    const owner = new RecordingOwner()
    for (const tag of [7, 8]) intake.submit(putCommand('k'), owner, tag)
    intake.turn()
  }
  expect([leader.log.length, leader.sent.length]).toEqual([1, 0])
  expect(leader.proposals.applying(1, 3)?.tags).toEqual([7, 8])
  expect([follower.sent, follower.intake.pending]).toEqual([[`2 ${frameKinds.forward} 1,2`], 2])
})

test('without a leader commands wait', () => {
  const { intake, sent, log } = setUp(0)
  intake.submit(putCommand('k'), new RecordingOwner(), 1)
  intake.turn()
  expect([sent, log, intake.pending]).toEqual([[], [], 1])
})

test('while the leader cannot be reached commands wait, and leave with the next turn that can', () => {
  const { intake, sent, link } = setUp(2)
  const owner = new RecordingOwner()
  link.up = false
  intake.submit(putCommand('k'), owner, 1)
  intake.turn()
  expect([sent, owner.heard, intake.pending]).toEqual([[], [], 1])
  link.up = true
  intake.turn()
  expect(sent).toEqual([`2 ${frameKinds.forward} 1`])
})

test('bytes that no machine could read never reach the log', () => {
  const { intake, log } = setUp(1)
  const owner = new RecordingOwner()
  intake.submit(Uint8Array.of(0xff, 0xff), owner, 1)
  intake.turn()
  expect([owner.heard.length, log.length]).toEqual([1, 0])
})

test('a node that stops answers what is submitted afterwards', () => {
  const { intake, group } = setUp(1)
  const owner = new RecordingOwner()
  group.halted = true
  intake.submit(putCommand('k'), owner, 1)
  intake.query('kv', 'get', new Uint8Array(0), 'linearizable', 1_000, owner, 2, 'owner')
  expect(owner.heard).toEqual(['1 Closed no', '2 Closed no'])
})

test('what does not fit on the link was never sent; what was on it when it broke is unknown', () => {
  const { intake, link } = setUp(2)
  const owner = new RecordingOwner()
  intake.submit(putCommand('k'), owner, 1)
  intake.turn()
  link.open = false
  intake.submit(putCommand('k'), owner, 2)
  intake.turn()
  intake.linkLost(3)
  expect(owner.heard).toEqual(['2 NotLeader no'])
  intake.linkLost(2)
  intake.linkLost(2)
  expect(owner.heard).toEqual(['2 NotLeader no', '1 ConnectionClosed maybe'])
})

test('what was forwarded to a leader that may hang is unknown as soon as there is another', () => {
  const { intake } = setUp(2)
  const owner = new RecordingOwner()
  intake.submit(putCommand('k'), owner, 1)
  intake.turn()
  intake.leaderChanged(2)
  expect(owner.heard).toEqual([])
  intake.leaderChanged(3)
  expect([owner.heard, intake.pending]).toEqual([['1 NotLeader maybe'], 0])
})

test('answers of the leader go to those who asked, once', () => {
  const { intake } = setUp(2)
  const owner = new RecordingOwner()
  intake.submit(putCommand('k'), owner, 5)
  intake.turn()
  const answers = new CommandBatchWriter()
  answers.add(1, Uint8Array.of(42))
  const payload = answers.take()
  intake.answered(payload)
  intake.answered(concatBytes([payload, payload]))
  expect([owner.heard, intake.pending]).toEqual([['5 ok 42'], 0])
})

test('a node that does not lead refuses forwarded commands: they go no further', () => {
  const { intake, time, sent, proposals } = setUp(3)
  intake.forwarded(2, batch(4, 5))
  time.allTurns()
  expect([sent, proposals.pending]).toEqual([[`2 ${frameKinds.forwardResult} 4,5`], 0])
})

test('results of forwarded commands leave in one frame at the end of the turn', () => {
  const { intake, time, sent, proposals } = setUp(1)
  intake.forwarded(2, batch(4, 5))
  intake.turn()
  const run = proposals.applying(1, 3)
  run?.tags.forEach((tag, at) => run.owners[at]?.completed(tag, new Uint8Array(1)))
  expect(sent).toEqual([])
  time.allTurns()
  expect(sent).toEqual([`2 ${frameKinds.forwardResult} 4,5`])
})

test('results for the process before a restart never reach the one after it, whose tags mean other commands', () => {
  const { intake, time, sent, proposals } = setUp(1)
  intake.forwarded(2, batch(1, 2))
  intake.turn()
  const before = proposals.applying(1, 3)
  before?.owners[0]?.completed(1, new Uint8Array(1))
  intake.linkLost(2)
  before?.owners[1]?.completed(2, new Uint8Array(1))
  intake.forwarded(2, batch(1))
  time.allTurns()
  expect(sent).toEqual([])
  intake.turn()
  const after = proposals.applying(2, 3)
  after?.owners[0]?.completed(1, new Uint8Array(1))
  time.allTurns()
  expect(sent).toEqual([`2 ${frameKinds.forwardResult} 1`])
})

test('results that a full link does not take are kept, in order, until it does', () => {
  const time = new HandTime()
  const sent: number[][] = []
  let room = false
  const owner = new ForwardedOwner((payload) => {
    if (room) sent.push(tagsOf(payload))
    return room
  }, time)
  owner.completed(1, new Uint8Array(1))
  time.allTurns()
  owner.failed(2, new NitroError('Overloaded', 'too much'))
  time.allTurns()
  time.pass(25)
  expect(sent).toEqual([])
  room = true
  time.pass(10)
  expect(sent).toEqual([[1], [2]])
  owner.completed(3, new Uint8Array(1))
  time.allTurns()
  expect([sent.at(-1), time.armed]).toEqual([[3], 0])
})

test('commands for two leaders never share a frame', () => {
  const sent: string[] = []
  const forwarder = new Forwarder((to, _channel, _kind, payload) => {
    sent.push(`${to}: ${tagsOf(payload).join()}`)
    return true
  })
  const owner = new RecordingOwner()
  forwarder.add(2, putCommand('k'), owner, 1)
  forwarder.add(2, putCommand('k'), owner, 2)
  forwarder.add(3, putCommand('k'), owner, 3)
  forwarder.flush()
  forwarder.flush()
  expect(sent).toEqual(['2: 1,2', '3: 3'])
  forwarder.failAll(new NitroError('Closed', 'stopping', { executed: 'maybe' }))
  expect([owner.heard.length, forwarder.pending]).toEqual([3, 0])
})

test('while an entry is being written, more gathers for the next', () => {
  const { intake, log, proposals, writer } = setUp(1)
  const owner = new RecordingOwner()
  writer.writing = true
  for (const tag of [1, 2]) intake.submit(putCommand('k'), owner, tag)
  intake.turn()
  expect([log.length, proposals.queued]).toEqual([0, 2])
  writer.writing = false
  intake.turn()
  expect([log.length, proposals.queued]).toEqual([1, 0])
})

test('a core that takes no proposal now executes none of them', () => {
  const { intake, group, proposals } = setUp(1)
  const owner = new RecordingOwner()
  group.driver.core.propose = () => {
    throw new NitroError('ProposalDropped', 'leadership is being handed over')
  }
  intake.submit(putCommand('k'), owner, 1)
  intake.turn()
  expect([owner.heard, proposals.pending]).toEqual([['1 ProposalDropped no'], 0])
})

test('commands that an older member could not read are kept out of the log until every member can', () => {
  const { intake, log } = setUp(1)
  const owner = new RecordingOwner()
  const put = { program: 'kv', method: 'put', args: Uint8Array.of(1, 97) }
  for (const [tag, command] of [
    [1, { ...put, caller: 'owner' as const }],
    [2, { ...put, caller: { user: 'ada', authRevision: 1 } }],
    [3, { program: 'auth', method: 'disable', args: new Uint8Array() }],
    [4, put],
  ] as const) {
    const writer = new ByteWriter()
    encodeCommand(writer, command)
    intake.submit(writer.take(), owner, tag)
  }
  intake.turn()
  expect(owner.heard).toEqual(['1 Unavailable no', '2 Unavailable no', '3 Unavailable no'])
  expect(log.length).toBe(1)
})

test('while the state is away, no command of a user program is taken: nobody can tell whether it is in force', () => {
  const { intake, log } = setUp(1)
  const owner = new RecordingOwner()
  const writer = new ByteWriter()
  encodeCommand(writer, { program: 'bank', method: 'transfer', args: new Uint8Array() })
  intake.submit(writer.take(), owner, 1)
  intake.submit(putCommand('k'), owner, 2)
  intake.turn()
  expect(owner.heard).toEqual(['1 Unavailable no'])
  expect(log.length).toBe(1)
})
