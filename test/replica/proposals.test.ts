import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NitroError, utf8 } from '../../base/index.ts'
import { EntryBuilder, maxEntryCommands } from '../../execution/index.ts'
import type { ProposedBatch } from '../../src/replica/proposals.ts'
import { Proposals } from '../../src/replica/proposals.ts'
import type { CommandOwner } from '../../src/wire/index.ts'
import { RecordingOwner } from './support.ts'

const unknown = new NitroError('Unavailable', 'damaged', { executed: 'maybe' })
const command = (text = 'x') => utf8(text)

function fill(proposals: Proposals, term = 1): ProposedBatch {
  return proposals.fill(new EntryBuilder(), term)
}

test('an entry takes a run of commands of each owner in turn, so that nobody starves', () => {
  const proposals = new Proposals(100_000)
  const [busy, calm, late] = [new RecordingOwner(), new RecordingOwner(), new RecordingOwner()]
  for (let tag = 0; tag < 3 * maxEntryCommands; tag++) proposals.submit(command(), busy, tag)
  proposals.submit(command(), calm, 0)
  proposals.submit(command(), calm, 1)
  proposals.submit(command(), late, 0)
  const batch = fill(proposals)
  expect(batch.tags.length).toBe(maxEntryCommands)
  const first = Array.from({ length: 64 }, (_, at) => at)
  expect(batch.owners.slice(0, 68)).toEqual([...first.map(() => busy), calm, calm, late, busy])
  expect(batch.tags.slice(0, 68)).toEqual([...first, 0, 1, 0, 64])
  expect(proposals.queued).toBe(2 * maxEntryCommands + 3)
})

test('owners who always have more get the same share, however many they are', () => {
  const proposals = new Proposals(100_000)
  const owners = Array.from({ length: 40 }, () => new RecordingOwner())
  for (const owner of owners) for (let tag = 0; tag < 1_000; tag++) proposals.submit(command(), owner, tag)
  const taken = new Map(owners.map((owner) => [owner as CommandOwner, 0]))
  for (let entry = 0; entry < 20; entry++) {
    for (const owner of fill(proposals).owners) taken.set(owner, (taken.get(owner) ?? 0) + 1)
  }
  const counts = [...taken.values()]
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(64)
})

test('the commands of one owner keep their order over entries', () => {
  const proposals = new Proposals(100_000)
  const owner = new RecordingOwner()
  for (let tag = 0; tag < 2_500; tag++) proposals.submit(command(), owner, tag)
  const tags = [...fill(proposals).tags, ...fill(proposals).tags, ...fill(proposals).tags]
  expect(tags).toEqual(Array.from({ length: 2_500 }, (_, at) => at))
})

test('a command that fits no entry beside others gets one of its own', () => {
  const proposals = new Proposals(10)
  const owner = new RecordingOwner()
  proposals.submit(command(), owner, 1)
  proposals.submit(new Uint8Array(1 << 20), owner, 2)
  proposals.submit(command(), owner, 3)
  expect([fill(proposals).tags, fill(proposals).tags, fill(proposals).tags]).toEqual([[1], [2], [3]])
})

test('above the bound a command is refused at once and nothing of it is kept', () => {
  const proposals = new Proposals(2)
  const owner = new RecordingOwner()
  for (let tag = 1; tag <= 3; tag++) proposals.submit(command(), owner, tag)
  expect(owner.heard).toEqual(['3 Overloaded no'])
  expect(proposals.pending).toBe(2)
  proposals.record(5, fill(proposals))
  proposals.submit(command(), owner, 4)
  expect(owner.heard.at(-1)).toBe('4 Overloaded no')
  proposals.applying(5, 1)
  proposals.submit(command(), owner, 5)
  expect(proposals.pending).toBe(1)
})

describe('the outcome of a proposed entry', () => {
  const proposed = () => {
    const proposals = new Proposals(10)
    const owner = new RecordingOwner()
    proposals.submit(command(), owner, 1)
    proposals.submit(command(), owner, 2)
    proposals.record(7, fill(proposals, 3))
    return { proposals, owner }
  }

  test('the same term at its index: these commands are what runs, and their owners are given out once', () => {
    const { proposals, owner } = proposed()
    expect(proposals.applying(7, 3)?.tags).toEqual([1, 2])
    expect(proposals.applying(7, 3)).toBeUndefined()
    expect(owner.heard).toEqual([])
    expect(proposals.pending).toBe(0)
  })

  test('another term at its index: they will never run', () => {
    const { proposals, owner } = proposed()
    expect(proposals.applying(7, 4)).toBeUndefined()
    expect(owner.heard).toEqual(['1 ProposalDropped no', '2 ProposalDropped no'])
  })

  test('losing the lead, or entries before it of its own term or an earlier one, decide nothing', () => {
    const { proposals, owner } = proposed()
    proposals.applying(5, 2)
    proposals.applying(6, 3)
    proposals.failLeaderless()
    expect(owner.heard).toEqual([])
  })

  test('a later term before its index: no log that can win has it, and nobody need wait for more entries to hear that', () => {
    const { proposals, owner } = proposed()
    proposals.submit(command(), owner, 3)
    proposals.record(7, fill(proposals, 5))
    proposals.applying(6, 5)
    expect(owner.heard).toEqual(['1 ProposalDropped no', '2 ProposalDropped no'])
    expect(proposals.applying(7, 5)?.tags).toEqual([3])
    expect(proposals.pending).toBe(0)
  })

  test('a snapshot of a later term that ends before its index decides as well', () => {
    const { proposals, owner } = proposed()
    proposals.jumpedTo(6, 3)
    expect(owner.heard).toEqual([])
    proposals.jumpedTo(6, 4)
    expect(owner.heard).toEqual(['1 ProposalDropped no', '2 ProposalDropped no'])
    expect(proposals.pending).toBe(0)
  })

  test('proposing at the same index again decides nothing: what is applied there tells which of the two ran', () => {
    const newer = proposed()
    newer.proposals.submit(command(), newer.owner, 3)
    newer.proposals.record(7, fill(newer.proposals, 5))
    expect(newer.owner.heard).toEqual([])
    expect(newer.proposals.applying(7, 5)?.tags).toEqual([3])
    expect(newer.owner.heard).toEqual(['1 ProposalDropped no', '2 ProposalDropped no'])

    const older = proposed()
    older.proposals.submit(command(), older.owner, 3)
    older.proposals.record(7, fill(older.proposals, 5))
    expect(older.proposals.applying(7, 3)?.tags).toEqual([1, 2])
    expect(older.owner.heard).toEqual(['3 ProposalDropped no'])
    expect(older.proposals.pending).toBe(0)
  })

  test('a snapshot that covers it leaves it unknown; one that ends before it does not', () => {
    const { proposals, owner } = proposed()
    proposals.jumpedTo(6, 3)
    expect(owner.heard).toEqual([])
    proposals.jumpedTo(7, 3)
    expect(owner.heard).toEqual(['1 Unavailable maybe', '2 Unavailable maybe'])
    expect(proposals.pending).toBe(0)
  })

  test('an entry given up halfway is unknown from there on', () => {
    const { proposals, owner } = proposed()
    const batch = proposals.applying(7, 3) as ProposedBatch
    proposals.abandon(batch, 1, unknown)
    expect(owner.heard).toEqual(['2 Unavailable maybe'])
  })

  test('when the node stops, what stands in the log is unknown and what waits was not executed', () => {
    const { proposals, owner } = proposed()
    proposals.submit(command(), owner, 3)
    proposals.failAll()
    expect(owner.heard.toSorted()).toEqual(['1 Closed maybe', '2 Closed maybe', '3 Closed no'])
    expect([proposals.pending, proposals.queued]).toEqual([0, 0])
  })
})

test('an owner that submits again while it is told of a failure is not told twice', () => {
  const proposals = new Proposals(10)
  const heard: number[] = []
  const stubborn = {
    completed: () => undefined,
    failed(tag: number) {
      heard.push(tag)
      if (tag < 3) proposals.submit(command(), stubborn, tag + 1)
    },
  }
  proposals.submit(command(), stubborn, 1)
  proposals.failLeaderless()
  expect([heard, proposals.queued, proposals.pending]).toEqual([[1], 1, 1])
})

test('whatever happens in whatever order, each command has exactly one outcome', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('submit'), owner: fc.nat(2) }),
    fc.record({
      kind: fc.constantFrom('propose', 'refuse', 'apply', 'overwrite', 'drain', 'leaderless', 'jump', 'abandon'),
      owner: fc.nat(5),
    }),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80 }), (events) => {
      const proposals = new Proposals(12)
      const outcomes = new Map<number, number>()
      const note = (tag: number): void => void outcomes.set(tag, (outcomes.get(tag) ?? 0) + 1)
      const owners = [0, 1, 2].map(() => ({ completed: note, failed: note }))
      let tags = 0
      let [last, applied] = [0, 0]
      const run = (batch: ProposedBatch | undefined, upTo = Infinity): void => {
        batch?.tags.slice(0, upTo).forEach((tag, at) => batch.owners[at]?.completed(tag, new Uint8Array()))
      }
      for (const { kind, owner } of events) {
        if (kind === 'submit') proposals.submit(command(), owners[owner] as (typeof owners)[0], tags++)
        if (kind === 'propose' && proposals.queued > 0) proposals.record(++last, fill(proposals, 1))
        if (kind === 'refuse') proposals.refuse(fill(proposals), new NitroError('ProposalDropped', 'full'))
        if (kind === 'drain') proposals.drain((_command, one, tag) => one.completed(tag, new Uint8Array()))
        if (kind === 'leaderless') proposals.failLeaderless()
        if (kind === 'jump') proposals.jumpedTo((applied = Math.min(applied + owner, last)), 1 + (owner % 2))
        if (applied >= last) continue
        if (kind === 'apply') run(proposals.applying(++applied, 1))
        if (kind === 'overwrite') expect(proposals.applying(++applied, 2)).toBeUndefined()
        if (kind === 'abandon') {
          const batch = proposals.applying(++applied, 1)
          run(batch, 1)
          if (batch !== undefined) proposals.abandon(batch, 1, unknown)
        }
      }
      proposals.failAll()
      expect([...outcomes.values()].every((count) => count === 1)).toBe(true)
      expect([outcomes.size, proposals.pending, proposals.queued]).toEqual([tags, 0, 0])
    }),
  )
})
