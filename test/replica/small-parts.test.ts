/** Log clock, hash check, compaction, frames of raft messages and snapshots, change signal, lateness. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NitroError, concatBytes } from '../../base/index.ts'
import { newMessage } from '../../consensus/index.ts'
import type { Entry, Message } from '../../consensus/index.ts'
import { ChangeSignal } from '../../src/replica/change-signal.ts'
import { Compactor, compactionIndex } from '../../src/replica/compaction.ts'
import { HashCheck, HashExchange, decodeHashNote, encodeHashNote, hashInterval } from '../../src/replica/hash-check.ts'
import { Lateness } from '../../src/replica/lateness.ts'
import { LogClock } from '../../src/replica/log-clock.ts'
import { Outbox, readMessages } from '../../src/replica/outbox.ts'
import { decodeChunk, decodeControl, encodeChunk, encodeControl } from '../../src/replica/snapshot-frames.ts'
import type { DurableLog } from '../../src/storage/index.ts'
import { HandTime, founded, settled } from './support.ts'

describe('the log clock', () => {
  test('a step counts at most the cap, so a pause makes log time late and never early', () => {
    const time = new HandTime()
    const clock = new LogClock(time, 100)
    time.nowMs = 60
    expect(clock.now()).toBe(60)
    time.nowMs = 10_060
    expect(clock.now()).toBe(160)
    time.nowMs = 10_100
    expect(clock.now()).toBe(200)
  })

  test('a follower sets its estimate to what it hears, forward and back, and goes on from there', () => {
    const time = new HandTime()
    const clock = new LogClock(time, 100)
    clock.heard(5_000, true)
    time.nowMs = 30
    expect(clock.now()).toBe(5_030)
    clock.heard(5_010, true)
    time.nowMs = 40
    expect(clock.now()).toBe(5_020)
  })

  test('a stamp that was applied is a floor, whatever late heartbeats say', () => {
    const time = new HandTime()
    const clock = new LogClock(time, 100)
    clock.applied(7_000)
    clock.heard(6_000, true)
    expect(clock.now()).toBe(7_000)
    clock.applied(6_500)
    expect(clock.now()).toBe(7_000)
  })

  test('with another state a follower goes on from its stamp, and a leader from its own time', () => {
    const time = new HandTime()
    const [follower, leader, late] = [1, 2, 3].map(() => new LogClock(time, 100)) as [LogClock, LogClock, LogClock]
    for (const clock of [follower, leader]) clock.heard(7_000, true)
    follower.jumped(6_000, false)
    leader.jumped(6_000, true)
    late.jumped(6_000, true)
    expect([follower.now(), leader.now(), late.now()]).toEqual([6_000, 7_000, 6_000])
  })

  test('without hearing anything it never goes back and never runs faster than its clock', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(50), fc.nat(100_000)), { maxLength: 40 }), (steps) => {
        const time = new HandTime()
        const clock = new LogClock(time, 100)
        let before = 0
        for (const step of steps) {
          time.nowMs += step
          const now = clock.now()
          expect(now).toBeGreaterThanOrEqual(before)
          expect(now - before).toBeLessThanOrEqual(Math.min(step, 100))
          before = now
        }
      }),
    )
  })
})

describe('comparing hashes', () => {
  const [good, bad] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)]
  const voters = [1, 2, 3]

  test('a quorum with this node agrees; before there is one nothing is decided', () => {
    const check = new HashCheck()
    expect(check.add(1024, 1, good, 1, voters)).toBe('undecided')
    expect(check.add(1024, 2, good, 1, voters)).toBe('agreed')
    expect(check.agreedIndex).toBe(1024)
  })

  test('a quorum without this node means that this node is wrong', () => {
    const check = new HashCheck()
    check.add(1024, 2, good, 1, voters)
    expect(check.add(1024, 3, good, 1, voters)).toBe('undecided')
    expect(check.add(1024, 1, bad, 1, voters)).toBe('diverged')
    expect(check.agreedIndex).toBe(0)
  })

  test('three different answers, or learners alone, decide nothing', () => {
    const check = new HashCheck()
    check.add(1024, 1, good, 1, voters)
    expect(check.add(1024, 2, bad, 1, voters)).toBe('undecided')
    expect(check.add(1024, 3, new Uint8Array(16), 1, voters)).toBe('undecided')
    for (const learner of [4, 5, 6]) expect(check.add(1024, learner, bad, 1, voters)).toBe('undecided')
  })

  test('one node says its hash twice and still has one voice', () => {
    const check = new HashCheck()
    check.add(1024, 1, good, 1, voters)
    check.add(1024, 2, bad, 1, voters)
    expect(check.add(1024, 2, bad, 1, voters)).toBe('undecided')
  })

  test('a learner that differs from the voters is wrong, too', () => {
    const check = new HashCheck()
    check.add(1024, 4, bad, 4, voters)
    check.add(1024, 1, good, 4, voters)
    expect(check.add(1024, 2, good, 4, voters)).toBe('diverged')
  })

  test('only some rounds are kept, and indexes that are not compared are ignored', () => {
    const check = new HashCheck()
    expect(check.add(1000, 1, good, 1, [1])).toBe('undecided')
    check.add(1024, 2, good, 1, voters)
    for (let round = 2; round <= 9; round++) check.add(round * hashInterval, 2, good, 1, voters)
    expect(check.add(1024, 1, good, 1, voters)).toBe('undecided')
    expect(check.add(9 * hashInterval, 1, good, 1, voters)).toBe('agreed')
  })

  test('nodes tell each other, and the one that differs stops', () => {
    const stopped: string[] = []
    const nodes = new Map<number, HashExchange>()
    for (const selfId of [1, 2, 3]) {
      const send = (to: number, note: Uint8Array): void => nodes.get(to)?.hear(selfId, note)
      const diverged = (index: number): void => void stopped.push(`${selfId} at ${index}`)
      nodes.set(selfId, new HashExchange({ selfId, members: () => founded(3), send, diverged }))
    }
    for (const [id, node] of nodes) node.tell(2048, id === 2 ? bad : good)
    expect(stopped).toEqual(['2 at 2048'])
    expect(nodes.get(1)?.agreedIndex).toBe(2048)
  })

  test('a note comes back from its bytes', () => {
    expect(decodeHashNote(encodeHashNote(2 ** 40, bad))).toEqual({ index: 2 ** 40, hash: bad })
    expect(() => decodeHashNote(new Uint8Array(23))).toThrow(NitroError)
  })
})

describe('compaction', () => {
  const sizes = { logRetainEntries: 10, logRetainBytes: 1_000 }
  const never = (error: unknown): void => expect.unreachable(String(error))

  /** A log of entries `first..last` of 10 bytes. */
  function fakeLog(first: number, last: number, bytesEach = 10) {
    const compacted: number[] = []
    const log = {
      firstIndex: () => first,
      get retainedEntries() {
        return last - first + 1
      },
      get retainedBytes() {
        return (last - first + 1) * bytesEach
      },
      dataBytes(index: number) {
        expect(index).toBeGreaterThanOrEqual(first)
        expect(index).toBeLessThanOrEqual(last)
        return bytesEach
      },
      compact(index: number) {
        compacted.push(index)
        first = index + 1
        return Promise.resolve()
      },
    }
    return { log, compacted }
  }

  test('nothing happens until a good part can go at once, then exactly the wished number stays', () => {
    expect(compactionIndex(fakeLog(1, 12).log, 12, sizes)).toBeUndefined()
    expect(compactionIndex(fakeLog(1, 13).log, 13, sizes)).toBe(3)
  })

  test('bytes count as well as entries', () => {
    expect(compactionIndex(fakeLog(1, 9, 200).log, 9, sizes)).toBe(4)
  })

  test('it never goes above the bound, whatever there is too much of', () => {
    expect(compactionIndex(fakeLog(1, 100).log, 30, sizes)).toBe(30)
    expect(compactionIndex(fakeLog(31, 100).log, 30, sizes)).toBeUndefined()
    expect(compactionIndex(fakeLog(31, 2_500).log, 2_400, sizes)).toBe(2_400)
  })

  test('a snapshot that is being sent holds the log, until it has grown far too large', async () => {
    const { log, compacted } = fakeLog(1, 100)
    const compactor = new Compactor(log as unknown as DurableLog, sizes as never, never)
    compactor.run(80, 20)
    await settled()
    compactor.run(80, 20)
    expect(compacted).toEqual([20])
    const large = fakeLog(1, 100, 200)
    new Compactor(large.log as unknown as DurableLog, sizes as never, never).run(80, 20)
    expect(large.compacted).toEqual([80])
  })

  test('one compaction at a time, and a failed one is told', async () => {
    const { log } = fakeLog(1, 100)
    const failed: unknown[] = []
    let calls = 0
    const broken = { ...log, retainedEntries: 100, retainedBytes: 0 }
    broken.compact = () => {
      calls++
      return Promise.reject(new Error('disk'))
    }
    const compactor = new Compactor(broken as unknown as DurableLog, sizes as never, (error) => failed.push(error))
    compactor.run(80, 80)
    compactor.run(80, 80)
    await settled()
    expect([calls, failed.length]).toEqual([1, 1])
  })
})

describe('messages to peers', () => {
  const append = (to: number, bytes: number): Message => {
    const message = newMessage('MsgApp', to)
    const entry: Entry = { index: 1, term: 1, type: 'normal', data: new Uint8Array(bytes).fill(3) }
    return Object.assign(message, { from: 1, term: 2, entries: [entry] })
  }
  const vote = (to: number): Message => Object.assign(newMessage('MsgVoteResp', to), { from: 1, term: 2 })

  function outbox(takes = true) {
    const frames: { to: number; channel: string; parts: readonly Uint8Array[]; payload: Uint8Array }[] = []
    const lost: number[] = []
    const box = new Outbox(
      (to, channel, parts) => {
        frames.push({ to, channel, parts, payload: concatBytes(parts) })
        return takes
      },
      (to) => lost.push(to),
    )
    return { box, frames, lost }
  }

  const read = (payload: Uint8Array): { time: number; messages: Message[] } => {
    const messages: Message[] = []
    return { time: readMessages(payload, (message) => messages.push(message)), messages }
  }

  test('a turn makes one frame per peer and link, appends apart from the rest, each in order', () => {
    const { box, frames } = outbox()
    for (const message of [append(2, 5), vote(2), append(2, 6), vote(3)]) box.add(message, 77)
    box.flush()
    box.flush()
    expect(frames.map(({ to, channel }) => `${to} ${channel}`)).toEqual(['2 bulk', '2 control', '3 control'])
    const bulk = read(frames[0]?.payload as Uint8Array)
    expect(bulk.time).toBe(77)
    expect(bulk.messages).toEqual([append(2, 5), append(2, 6)])
    expect(read(frames[2]?.payload as Uint8Array).messages).toEqual([vote(3)])
  })

  test('a frame leaves early when it has grown large, and the next begins anew', () => {
    const { box, frames } = outbox()
    for (let i = 0; i < 5; i++) box.add(append(2, 1 << 20), i + 1)
    box.flush()
    expect(frames.map(({ payload }) => read(payload).messages.length)).toEqual([2, 2, 1])
    expect(frames.map(({ payload }) => read(payload).time)).toEqual([1, 3, 5])
  })

  test('a large entry is sent from where it lies in the log, between what was written around it', () => {
    const { box, frames } = outbox()
    const messages = [append(2, 9), append(2, 5_000), append(2, 1_000), append(2, 9_000)]
    for (const message of messages) box.add(message, 4)
    box.flush()
    const { parts, payload } = frames[0] as (typeof frames)[0]
    expect(read(payload)).toEqual({ time: 4, messages })
    const data = (at: number): Uint8Array | undefined => messages[at]?.entries[0]?.data
    expect([parts[1] === data(1), parts[3] === data(3), parts.length]).toEqual([true, true, 5])
    box.add(append(2, 9), 5)
    box.flush()
    expect(read(frames[1]?.payload as Uint8Array)).toEqual({ time: 5, messages: [append(2, 9)] })
  })

  test('a frame that can not leave is told, once per frame', () => {
    const { box, lost } = outbox(false)
    box.add(vote(2), 0)
    box.add(vote(2), 0)
    box.flush()
    expect(lost).toEqual([2])
  })

  test('every cut of a frame is either whole messages or refused', () => {
    const { box, frames } = outbox()
    for (const message of [append(2, 9), append(2, 1)]) box.add(message, 5)
    box.flush()
    const payload = frames[0]?.payload as Uint8Array
    for (let length = 0; length < payload.length; length++) {
      try {
        expect(read(payload.subarray(0, length)).messages.length).toBeLessThan(2)
      } catch (error) {
        expect(error).toMatchObject({ code: 'MalformedFrame' })
      }
    }
  })
})

describe('snapshot frames', () => {
  const id = fc.integer({ min: 0, max: 2 ** 53 - 1 })
  const control = fc.oneof(
    fc.record({ type: fc.constant('begin' as const), id, repair: fc.boolean(), first: id, message: fc.uint8Array() }),
    fc.record({ type: fc.constant('want' as const), id, next: id, resume: fc.boolean() }),
    fc.record({ type: fc.constant('done' as const), id, ok: fc.boolean() }),
    fc.record({ type: fc.constant('request' as const), minIndex: id }),
  )

  test('control messages and chunks come back from their bytes', () => {
    fc.assert(
      fc.property(control, id, id, fc.uint8Array(), (given, a, b, bytes) => {
        expect(decodeControl(encodeControl(given))).toEqual(given)
        expect(decodeChunk(encodeChunk(a, b, bytes))).toEqual({ id: a, number: b, chunk: bytes })
      }),
    )
  })

  test('anything else is malformed', () => {
    expect(() => decodeControl(Uint8Array.of(9))).toThrow('unknown snapshot message')
    expect(() => decodeControl(new Uint8Array(0))).toThrow(NitroError)
    expect(() => decodeControl(Uint8Array.of(...encodeControl({ type: 'done', id: 1, ok: true }), 0))).toThrow(
      NitroError,
    )
  })
})

test('everybody who waits for a change hears of the next one', async () => {
  const signal = new ChangeSignal()
  const heard: number[] = []
  void signal.next().then(() => heard.push(1))
  void signal.next().then(() => heard.push(2))
  signal.fire()
  signal.fire()
  await settled()
  expect(heard).toEqual([1, 2])
})

test('the worst lateness is that of the last minute or two', () => {
  const time = new HandTime()
  const lateness = new Lateness(time)
  lateness.add(900)
  lateness.add(3)
  expect([lateness.lastMs, lateness.worstMs]).toEqual([3, 900])
  for (const nowMs of [61_000, 122_000]) {
    time.nowMs = nowMs
    lateness.add(5)
  }
  expect(lateness.worstMs).toBe(5)
})
