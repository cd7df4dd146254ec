import { expect, test } from 'vitest'
import { NitroError } from '../../base/index.ts'
import { newMessage } from '../../consensus/index.ts'
import type { Entry, Message } from '../../consensus/index.ts'
import { EntryBuilder, Machine } from '../../execution/index.ts'
import type { ApplierEvents } from '../../src/replica/applier.ts'
import { Applier } from '../../src/replica/applier.ts'
import { Proposals } from '../../src/replica/proposals.ts'
import type { CommandOwner } from '../../src/wire/index.ts'
import { HandTime, RecordingOwner, putCommand } from './support.ts'

function setUp(part: Partial<ApplierEvents> = {}) {
  const time = new HandTime()
  const told: string[] = []
  const proposals = new Proposals(100_000)
  const applier = new Applier(time, time, proposals, {
    configuration: ({ index, term }) => {
      told.push(`configuration ${index}`)
      applier.machine?.applyConfiguration(index, term, Uint8Array.of(index))
    },
    passed: ({ index }) => told.push(`passed ${index}`),
    applied: ({ index }) => told.push(`applied ${index}`),
    done: ({ index }) => told.push(`done ${index}`),
    failed: (error) => told.push(`failed ${String(error)}`),
    mustWait: () => false,
    ...part,
  })
  applier.machine = newMachine()
  return { time, told, proposals, applier }
}

function newMachine(): Machine {
  const machine = new Machine({ readBlock: () => undefined })
  machine.finishLoad()
  return machine
}

/** An entry of `count` puts that `owner` waits for. */
function entryOf(proposals: Proposals, index: number, count: number, owner: RecordingOwner, term = 1): Entry {
  for (let tag = 0; tag < count; tag++) proposals.submit(putCommand(`${index}/${tag}`), owner, 1000 * index + tag)
  const builder = new EntryBuilder()
  const batch = proposals.fill(builder, term)
  proposals.record(index, batch)
  return { index, term, type: 'normal', data: builder.finish(index, 0) }
}

const noop = (index: number): Entry => ({ index, term: 1, type: 'normal', data: new Uint8Array(0) })
const change = (index: number): Entry => ({ index, term: 1, type: 'confChangeV2', data: Uint8Array.of(1) })
const handOut = (name: number, ...entries: Entry[]): Message =>
  Object.assign(newMessage('MsgStorageApply'), { index: name, entries })

test('entries are applied in order, results go to their owners once, and a hand-out is acknowledged at its end', () => {
  const { told, proposals, applier } = setUp()
  const owner = new RecordingOwner()
  applier.push(handOut(1, noop(1), entryOf(proposals, 2, 3, owner), change(3)))
  applier.push(handOut(2, entryOf(proposals, 4, 1, owner)))
  expect(told).toEqual(['applied 1', 'applied 2', 'configuration 3', 'applied 3', 'done 1', 'applied 4', 'done 2'])
  expect(owner.heard.map((line) => line.split(' ', 2).join(' '))).toEqual(['2000 ok', '2001 ok', '2002 ok', '4000 ok'])
  expect([applier.backlog, proposals.pending]).toEqual([0, 0])
})

test('an entry that another leader wrote runs, but not for those who wait at its index', () => {
  const { told, proposals, applier } = setUp()
  const owner = new RecordingOwner()
  const mine = entryOf(proposals, 1, 1, owner, 1)
  applier.push(handOut(1, { ...mine, term: 2 }))
  expect([told, owner.heard]).toEqual([['applied 1', 'done 1'], ['1000 ProposalDropped no']])
  expect(applier.machine?.keyCount).toBe(1)
})

test('a slice ends between commands when its time is spent, and goes on in a later turn', () => {
  const { time, told, proposals, applier } = setUp()
  const heardAt: number[] = []
  let turns = 0
  const owner = new RecordingOwner()
  owner.completed = () => {
    time.nowMs += 1
    heardAt.push(turns)
  }
  applier.push(handOut(1, entryOf(proposals, 1, 40, owner), noop(2)))
  expect([heardAt.length, applier.atBoundary, told]).toEqual([16, false, []])
  while (time.turn() > 0) turns++
  expect(heardAt).toEqual([...Array(16).fill(0), ...Array(16).fill(0), ...Array(8).fill(1)])
  expect(told).toEqual(['applied 1', 'applied 2', 'done 1'])
})

test('a slice ends between entries, too', () => {
  const { time, told, applier } = setUp({ applied: () => void (time.nowMs += 3) })
  applier.push(handOut(1, noop(1), noop(2), noop(3), noop(4)))
  expect(applier.backlog).toBe(2)
  time.allTurns()
  expect(told).toEqual(['done 1'])
})

test('while the disk is behind nothing new begins', () => {
  let waiting = true
  const { told, applier } = setUp({ mustWait: () => waiting })
  applier.push(handOut(1, noop(1)))
  expect(told).toEqual([])
  waiting = false
  applier.resume()
  expect(told).toEqual(['applied 1', 'done 1'])
})

test('without a machine entries wait; with a newer one those it contains are passed over, changes with a word', () => {
  const { told, applier } = setUp()
  const [old, newer] = [applier.machine as Machine, newMachine()]
  for (const index of [1, 2, 3]) newer.skipEntry(index, 1)
  applier.exchange(undefined)
  applier.push(handOut(1, noop(1), change(2), noop(3), noop(4)))
  applier.resume()
  expect([told, applier.backlog, old.appliedIndex]).toEqual([[], 4, 0])
  applier.exchange(newer)
  applier.resume()
  expect(told).toEqual(['passed 2', 'applied 4', 'done 1'])
})

test('an entry that does not follow the machine is a broken invariant', () => {
  const { told, applier } = setUp()
  applier.push(handOut(1, noop(2)))
  expect(told[0]).toContain('failed')
  applier.resume()
  expect(told.length).toBe(1)
})

/** Applies half of an entry of four commands: the machine breaks at the third. */
function halfway() {
  const it = setUp()
  const owner = new RecordingOwner()
  const machine = it.applier.machine as Machine
  const step = machine.step.bind(machine)
  let steps = 0
  machine.step = (sink) => {
    if (++steps === 3) throw new NitroError('StateDamaged', 'a record is missing')
    return step(sink)
  }
  it.applier.push(handOut(1, entryOf(it.proposals, 1, 4, owner)))
  return { ...it, owner }
}

test('an entry given up halfway leaves its rest unknown, and runs on the machine that takes over', () => {
  const { told, applier, owner } = halfway()
  expect(told[0]).toContain('a record is missing')
  expect(owner.heard.length).toBe(2)
  applier.abandonEntry()
  expect(owner.heard.slice(2)).toEqual(['1002 Unavailable maybe', '1003 Unavailable maybe'])
  const repaired = newMachine()
  applier.exchange(repaired)
  applier.resume()
  expect([told.slice(1), repaired.keyCount]).toEqual([['applied 1', 'done 1'], 4])
  expect(owner.heard.length).toBe(4)
})

test('a stop in the middle of an entry fails the rest of it, and the machine does not count as whole', () => {
  const { applier, owner } = halfway()
  applier.stop()
  applier.stop()
  expect(owner.heard.slice(2)).toEqual(['1002 Closed maybe', '1003 Closed maybe'])
  expect(applier.atBoundary).toBe(false)
})

test('an owner hears when a run of its outcomes is over, because those of another follow or because the entry ends', () => {
  const { proposals, applier } = setUp()
  const heard: string[] = []
  const ownerOf = (name: string): CommandOwner => ({
    completed: (tag) => void heard.push(`${name}${tag}`),
    failed: (tag) => void heard.push(`${name}${tag} failed`),
    runEnded: () => void heard.push(`${name} over`),
  })
  const [a, b] = [ownerOf('a'), ownerOf('b')]
  for (const tag of [1, 2, 3]) proposals.submit(putCommand(`a/${tag}`), a, tag)
  proposals.submit(putCommand('b/1'), b, 1)
  const builder = new EntryBuilder()
  proposals.record(1, proposals.fill(builder, 1))
  applier.push(handOut(1, { index: 1, term: 1, type: 'normal', data: builder.finish(1, 0) }))
  expect(heard).toEqual(['a1', 'a2', 'a3', 'a over', 'b1', 'b over'])
})
