/**
 * The bound that leases stand on: between two entries log time moves by no more than real time times the rate of the fastest
 * clock. Three nodes with wrong clocks, pauses, lost and late heartbeats, and changes of leader at the worst moments.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes } from '../../base/index.ts'
import { newMessage } from '../../consensus/index.ts'
import type { Group } from '../../src/replica/group.ts'
import { LogClock } from '../../src/replica/log-clock.ts'
import { Outbox } from '../../src/replica/outbox.ts'
import { takePeerMessage } from '../../src/replica/peer-messages.ts'
import { frameKinds } from '../../src/wire/index.ts'

const rho = 0.2
const stepMaxMs = 100

interface Entry {
  readonly term: number
  /** 0 in the entry that a leader begins with. */
  readonly stamp: number
  readonly realMs: number
}

/** What a leader sends: its time, and perhaps all entries so far. Appends arrive in order, heartbeats at any time. */
interface Frame {
  readonly from: number
  readonly term: number
  readonly value: number
  readonly entries: readonly Entry[] | undefined
}

class Member {
  realMs = 0
  isPaused = false
  log: readonly Entry[] = []
  term = 0
  readonly clock: LogClock
  readonly inbox: Frame[] = []

  constructor(rate: number) {
    this.clock = new LogClock({ monotonicMs: () => this.realMs * rate, wallMs: () => 0 }, stepMaxMs)
  }
}

type Step =
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'pause' | 'resume' | 'elect'; readonly at: number }
  | { readonly kind: 'stamp' | 'beat' }
  | { readonly kind: 'deliver'; readonly at: number; readonly which: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 400 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('pause' as const, 'resume' as const), at: fc.nat(2) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('elect' as const), at: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('stamp' as const, 'beat' as const) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('deliver' as const), at: fc.nat(2), which: fc.nat(9) }) },
)

class Cluster {
  readonly members: Member[]
  leader = 0
  term = 1
  committed: readonly Entry[] = []

  constructor(rates: readonly number[]) {
    this.members = rates.map((rate) => new Member(rate))
    for (const member of this.members) member.term = 1
  }

  play(step: Step): void {
    const leader = this.members[this.leader] as Member
    if (step.kind === 'pass') this.pass(step.ms)
    else if (step.kind === 'pause' || step.kind === 'resume') {
      ;(this.members[step.at] as Member).isPaused = step.kind === 'pause'
    } else if (step.kind === 'stamp' && !leader.isPaused) {
      this.append(leader, leader.clock.now())
    } else if (step.kind === 'beat' && !leader.isPaused) this.send(undefined)
    else if (step.kind === 'deliver') this.deliver(step.at, step.which)
    else if (step.kind === 'elect') this.elect(step.at)
  }

  /** Real time, in ticks of 10 ms; who is not paused reads its clock at each. */
  private pass(ms: number): void {
    for (let left = ms; left > 0; left -= 10) {
      for (const member of this.members) {
        member.realMs += Math.min(left, 10)
        if (!member.isPaused) member.clock.now()
      }
    }
  }

  private append(leader: Member, stamp: number): void {
    leader.log = [...leader.log, { term: this.term, stamp, realMs: leader.realMs }]
    this.send(leader.log)
  }

  private send(entries: readonly Entry[] | undefined): void {
    const value = (this.members[this.leader] as Member).clock.now()
    this.members.forEach((member, at) => {
      if (at !== this.leader) member.inbox.push({ from: this.leader, term: this.term, value, entries })
    })
  }

  private deliver(at: number, which: number): void {
    const member = this.members[at] as Member
    if (member.isPaused || member.inbox.length === 0 || at === this.leader) return
    const index = which % member.inbox.length
    const frame = member.inbox[index] as Frame
    const first = member.inbox.findIndex(({ entries }) => entries !== undefined)
    if (frame.entries !== undefined && index !== first) return
    member.inbox.splice(index, 1)
    if (frame.term < member.term) return
    member.term = frame.term
    member.clock.heard(frame.value, member.log.at(-1)?.term === frame.term)
    if (frame.entries === undefined) return
    member.log = frame.entries
    const holders = this.members.filter(({ log }) => log[frame.entries!.length - 1] === frame.entries!.at(-1)).length
    if (frame.term === this.term && holders >= 2 && frame.entries.length > this.committed.length) {
      this.committed = frame.entries
    }
  }

  /** Only a member that has everything committed can win; it applies that, and its clock goes on. */
  private elect(at: number): void {
    const member = this.members[at] as Member
    const last = this.committed.length - 1
    if (member.isPaused || at === this.leader || (last >= 0 && member.log[last] !== this.committed[last])) return
    this.leader = at
    member.term = ++this.term
    this.append(member, 0)
    for (const { stamp } of this.committed) member.clock.applied(stamp)
  }
}

/** A member with a slow clock leads, stamps, hears of the time of a faster one, and leads again with what it had. */
const relapse: Step[] = [
  { kind: 'elect', at: 1 },
  { kind: 'pass', ms: 50 },
  { kind: 'stamp' },
  { kind: 'elect', at: 2 },
  { kind: 'beat' },
  { kind: 'deliver', at: 1, which: 1 },
  { kind: 'elect', at: 1 },
  { kind: 'stamp' },
  ...Array.from({ length: 6 }, (): Step => ({ kind: 'deliver', at: 0, which: 0 })),
]

describe('log time', () => {
  it('moves no faster between two entries than the fastest clock, whatever happens between them', () => {
    let pairs = 0
    let changes = 0
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(1 - rho, 1, 1 + rho), { minLength: 3, maxLength: 3 }),
        fc.array(step, { maxLength: 80, size: 'max' }),
        (rates, steps) => {
          const cluster = new Cluster(rates)
          for (const one of steps) cluster.play(one)
          changes += cluster.term - 1
          let logTime = 0
          const stamped = cluster.committed.filter(({ stamp }) => stamp > 0)
          const points = stamped.map(({ stamp, realMs }) => ({
            logTime: (logTime = Math.max(logTime, stamp)),
            realMs,
          }))
          points.forEach((from, i) => {
            for (const to of points.slice(i + 1)) {
              pairs++
              expect(to.logTime - from.logTime).toBeLessThanOrEqual((1 + rho) * (to.realMs - from.realMs) + 1)
            }
          })
        },
      ),
      { numRuns: 10_000, examples: [[[1 - rho, 1 - rho, 1 + rho], relapse]] },
    )
    expect(pairs).toBeGreaterThan(1000)
    expect(changes).toBeGreaterThan(500)
  })
})

describe('the time in a frame', () => {
  /** What a follower of term 5 believes after a frame of this term, with this time and this kind of message. */
  const believed = (term: number, logTimeMs: number, type: 'MsgApp' | 'MsgVote', from = 2, lastTerm = 5): number => {
    const frames: Uint8Array[] = []
    const outbox = new Outbox(
      (_to, _channel, parts) => frames.push(concatBytes(parts)) > 0,
      () => undefined,
    )
    outbox.add({ ...newMessage(type, 1), from: 2, term }, logTimeMs)
    outbox.flush()
    const clock = new LogClock({ monotonicMs: () => 0, wallMs: () => 0 }, stepMaxMs)
    clock.heard(900, true)
    const driver = { core: { term: 5, lastTerm }, receive: () => undefined }
    const group = { driver, parts: { raftId: 1 } } as unknown as Group
    for (const frame of frames) takePeerMessage(group, clock, from, frameKinds.raft, frame)
    return clock.now()
  }

  it('is taken from a leader of this term or a later one, with the first frame it sends', () => {
    expect(believed(5, 700, 'MsgApp')).toBe(700)
    expect(believed(6, 700, 'MsgApp')).toBe(700)
  })

  it('sets no clock forward whose log may hold what the leader does not have', () => {
    expect(believed(5, 1_000, 'MsgApp')).toBe(1_000)
    expect(believed(5, 1_000, 'MsgApp', 2, 4)).toBe(900)
    expect(believed(6, 1_000, 'MsgApp')).toBe(900)
    expect(believed(6, 700, 'MsgApp')).toBe(700)
  })

  it('is not taken from a leader of an earlier term, from one that does not lead, or from one that speaks for another', () => {
    expect(believed(4, 700, 'MsgApp')).toBe(900)
    expect(believed(6, 0, 'MsgVote')).toBe(900)
    expect(believed(5, 700, 'MsgApp', 3)).toBe(900)
  })
})
