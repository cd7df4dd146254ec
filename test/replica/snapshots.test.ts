/** Snapshots between two nodes over links that lose what is on them. */
import { describe, expect, test } from 'vitest'
import { NitroError, checksum32 } from '../../base/index.ts'
import { decodeChunk, decodeControl, encodeControl } from '../../src/replica/snapshot-frames.ts'
import { frameKinds } from '../../src/wire/index.ts'
import { HandTime, settled } from './support.ts'

import { End, exchange, isSame, two } from './snapshot-ends.ts'
import type { Frame } from './snapshot-ends.ts'

describe('a snapshot for a follower', () => {
  test('that needs what the follower lacks is not taken, and is the end of it', async () => {
    const time = new HandTime()
    const [from, to] = [await End.make(1, time, 0, 1, [9]), await End.make(2, time, 0)]
    from.snapshots.start(2)
    await exchange([from, to])
    expect(from.finished).toEqual(['2 not taken'])
    expect(to.received).toEqual([])
    expect(to.unable).toMatchObject([{ code: 'UnsupportedVersion', details: { missing: 'flag 9' } }])
  })

  test('arrives whole, is offered to the core with its message, and both ends hear of it once', async () => {
    const [from, to] = await two()
    from.snapshots.start(2)
    from.snapshots.start(2)
    await exchange([from, to])
    expect(from.finished).toEqual(['2 taken'])
    expect(to.received.length).toBe(1)
    expect(to.received[0]?.message).toMatchObject({
      type: 'MsgSnap',
      from: 1,
      to: 2,
      term: 3,
      snapshot: { meta: { index: 21 } },
    })
    expect(to.snapshots.take(20)).toBeUndefined()
    expect(to.snapshots.take(21)).toBe(to.received[0])
    expect(to.snapshots.take(21)).toBeUndefined()
    await isSame(from, to)
  })

  test('holds the log while it is under way and a while after, so that what follows is still there', async () => {
    const [from, to, time] = await two()
    expect(from.snapshots.neededFrom).toBe(Number.MAX_SAFE_INTEGER)
    from.snapshots.start(2)
    await exchange([from, to], 3)
    expect(from.snapshots.neededFrom).toBe(21)
    await exchange([from, to])
    expect(from.snapshots.neededFrom).toBe(21)
    time.nowMs += 10_001
    from.snapshots.tick()
    expect(from.snapshots.neededFrom).toBe(Number.MAX_SAFE_INTEGER)
  })

  test('sends no more than a window ahead of what was acknowledged', async () => {
    const [from] = await two()
    from.snapshots.start(2)
    for (let i = 0; i < 50; i++) await settled()
    expect(from.out.filter(({ kind }) => kind === frameKinds.snapshotChunk).length).toBe(16)
  })

  test.each([1, 2, 5, 17, 24, 30, 36])('goes on where it was when a link broke after %i frames', async (frames) => {
    const [from, to] = await two()
    from.snapshots.start(2)
    const before = await exchange([from, to], frames)
    for (const end of [from, to]) end.open = false
    for (const end of [from, to]) end.out.length = 0
    from.snapshots.tick()
    await settled()
    for (const end of [from, to]) end.open = true
    from.snapshots.linkUp(2)
    const after = await exchange([from, to])
    expect([from.finished, to.received.length]).toEqual([['2 taken'], 1])
    expect(before + after).toBeLessThan(21 + 2 * 16)
    await isSame(from, to)
  })

  test('chunks that come twice or out of order change nothing', async () => {
    const [from, to] = await two(10)
    from.snapshots.start(2)
    for (let i = 0; i < 40; i++) await settled()
    from.out.splice(1, from.out.length, ...from.out.slice(1).flatMap((frame) => [frame, frame]))
    const last = from.out.pop() as Frame
    from.out.splice(3, 0, last)
    await exchange([from, to])
    expect(from.finished).toEqual(['2 taken'])
    await isSame(from, to)
  })

  test('a receiver that restarted in the middle refuses the rest at once, and takes the next one', async () => {
    const [from, to] = await two()
    from.snapshots.start(2)
    await exchange([from, to], 26)
    to.snapshots.stop()
    await settled()
    from.out.length = to.out.length = 0
    to.begin(99)
    from.snapshots.linkUp(2)
    await exchange([from, to])
    expect(from.finished).toEqual(['2 not taken'])
    from.snapshots.start(2)
    await exchange([from, to])
    expect([from.finished, to.received.length]).toEqual([['2 not taken', '2 taken'], 1])
  })

  test('a sender that restarted in the middle begins a new one, which the receiver does not mix with the old', async () => {
    const [from, to] = await two()
    from.snapshots.start(2)
    await exchange([from, to], 20)
    from.out.length = to.out.length = 0
    from.begin(77).start(2)
    await exchange([from, to])
    expect([from.finished, to.received.length]).toEqual([['2 taken'], 1])
    await isSame(from, to)
  })

  test('a damaged chunk ends it with a word, and the receiver is ready for another', async () => {
    const [from, to] = await two()
    from.snapshots.start(2)
    await exchange([from, to], 4)
    for (const { kind, payload } of from.out)
      if (kind === frameKinds.snapshotChunk) payload[2_000] = (payload[2_000] as number) ^ 1
    await exchange([from, to])
    expect([from.finished, to.received]).toEqual([['2 not taken'], []])
    from.snapshots.start(2)
    await exchange([from, to])
    expect([from.finished.at(-1), to.received.length]).toEqual(['2 taken', 1])
  })

  test('a receiver that says nothing for long is given up', async () => {
    const [from, , time] = await two()
    from.snapshots.start(2)
    await settled()
    time.nowMs += 29_000
    from.snapshots.tick()
    expect(from.finished).toEqual([])
    time.nowMs += 2_000
    from.snapshots.tick()
    expect(from.finished).toEqual(['2 not taken'])
  })

  test('ends when the sender leads no longer, and does not begin when its term is over', async () => {
    const [from, to] = await two()
    from.snapshots.start(2)
    await exchange([from, to], 4)
    from.snapshots.stepDown()
    expect(from.finished).toEqual(['2 not taken'])
    from.snapshots.start(2)
    from.term = 4
    await settled()
    expect(from.finished).toEqual(['2 not taken', '2 not taken'])
  })

  test('only two go out at a time', async () => {
    const [from] = await two()
    for (const to of [2, 3, 4]) from.snapshots.start(to)
    await settled()
    expect(from.finished).toEqual(['4 not taken'])
  })
})

describe('a repair', () => {
  test('is asked of one peer after the other until one with enough answers, and has no message for the core', async () => {
    const [from, to] = await two()
    from.flusher.durable = { ...from.flusher.durable, index: 21 }
    to.snapshots.fetch(22)
    await exchange([from, to])
    expect(to.received).toEqual([])
    to.snapshots.fetch(21)
    await exchange([from, to])
    for (let i = 0; i < 60 && to.received.length === 0; i++) {
      to.snapshots.tick()
      await exchange([from, to])
    }
    expect(to.received[0]?.message).toBeUndefined()
    expect(from.finished).toEqual([])
    await isSame(from, to)
  })

  test('a node that lost its own state gives none away', async () => {
    const [from, to] = await two()
    from.flusher.whole = false
    from.snapshots.control(2, encodeControl({ type: 'request', minIndex: 1 }))
    await exchange([from, to])
    expect(from.out).toEqual([])
    from.flusher.whole = true
    from.snapshots.control(2, encodeControl({ type: 'request', minIndex: 1 }))
    await settled()
    expect(from.out.length).toBeGreaterThan(0)
  })

  test('is asked for as soon as there is a link to anyone, not only at the next round of questions', async () => {
    const [from, to] = await two()
    to.linked = []
    to.snapshots.fetch(1)
    to.linked = [1]
    to.snapshots.linkUp(1)
    to.snapshots.linkUp(1)
    expect(to.out).toHaveLength(1)
    await exchange([from, to])
    await isSame(from, to)
  })

  test('of a sender that came back as another process is not waited for: the next one is asked', async () => {
    const [from, to, time] = await two()
    to.linked = [1]
    to.snapshots.fetch(1)
    await exchange([from, to], 20)
    from.out.length = 0
    from.begin(77)
    await exchange([from, to])
    const round = (): void => {
      for (let tick = 0; tick < 20; tick++) to.snapshots.tick()
    }
    time.nowMs += 10_000
    round()
    expect(to.out).toEqual([])
    to.snapshots.linkUp(1)
    time.nowMs += 3_001
    round()
    await exchange([from, to])
    await isSame(from, to)
  })

  test('that an earlier process asked for is not taken where it is too old for this one', async () => {
    const [from, to] = await two()
    to.snapshots.fetch(1)
    await exchange([from, to], 1)
    await settled()
    from.out.length = 0
    to.begin(99).fetch(from.machine.appliedIndex + 1)
    from.snapshots.linkUp(2)
    expect(await exchange([from, to])).toBeGreaterThan(20)
    expect(to.received).toEqual([])
    to.begin(100).fetch(from.machine.appliedIndex)
    await exchange([from, to])
    await isSame(from, to)
  })

  test('that two senders offered in turn, so that neither has its beginning any more, is asked for anew', async () => {
    const [first, to, time] = await two()
    const ends = [first, to, await End.make(3, time, 20)]
    to.snapshots.fetch(21)
    to.out.length = 0
    const begins: Frame[] = []
    for (const at of [0, 2]) {
      const end = ends[at] as End
      end.snapshots.control(2, encodeControl({ type: 'request', minIndex: 21 }))
      await settled()
      begins.push(end.out[0] as Frame)
      for (const { kind, payload } of end.out.splice(0, 2)) {
        if (kind === frameKinds.snapshotChunk) to.snapshots.chunk(at + 1, payload)
        else to.snapshots.control(at + 1, payload)
      }
      for (let i = 0; i < 20 && to.out.length === 0; i++) await settled()
      for (const { payload } of to.out.splice(0)) end.snapshots.control(2, payload)
    }
    to.snapshots.control(1, (begins[0] as Frame).payload)
    for (const end of ends) end.out.length = 0
    for (let round = 0; round < 4 && to.received.length === 0; round++) {
      time.nowMs += 3_001
      for (let tick = 0; tick < 20; tick++) for (const end of ends) end.snapshots.tick()
      await exchange(ends)
    }
    expect(to.received).toHaveLength(1)
    await isSame(first, to)
  })

  test('nobody who did not ask takes one', async () => {
    const [from, to] = await two()
    from.snapshots.control(2, encodeControl({ type: 'request', minIndex: 1 }))
    await exchange([from, to])
    expect(to.received).toEqual([])
  })

  test('that is on its way makes the core try again later, instead of waiting for ever', async () => {
    const [from, to] = await two()
    to.snapshots.fetch(21)
    to.out.length = 0
    from.snapshots.control(2, encodeControl({ type: 'request', minIndex: 21 }))
    from.snapshots.start(2)
    expect(from.finished).toEqual(['2 not taken'])
    await settled()
    from.snapshots.start(2)
    expect(from.finished.length).toBe(2)
    await exchange([from, to])
    expect(to.received.length).toBe(1)
    await to.received[0]?.replacement.commit()
    from.snapshots.start(2)
    await exchange([from, to])
    expect(from.finished.at(-1)).toBe('2 taken')
  })
})

test('frames of a snapshot that is not under way are ignored', async () => {
  const [from, to] = await two()
  to.snapshots.chunk(1, Uint8Array.of(5, 0, 1, 2, 3))
  from.snapshots.control(2, encodeControl({ type: 'want', id: 5, next: 2, resume: true }))
  from.snapshots.control(2, encodeControl({ type: 'done', id: 5, ok: true }))
  expect([from.finished, to.received, from.out, to.out]).toEqual([[], [], [], []])
  expect(() => decodeControl(Uint8Array.of(7))).toThrow(NitroError)
  expect(decodeChunk(Uint8Array.of(5, 0, 1)).chunk).toEqual(Uint8Array.of(1))
})

test('the flushed state streams as the same chunks that a peer would get', async () => {
  const [from, to] = await two(5)
  const sent: Uint8Array[] = []
  for await (const chunk of from.snapshots.stream()) sent.push(chunk)
  from.snapshots.start(2)
  for (let i = 0; i < 30; i++) await settled()
  const chunks = from.out
    .filter(({ kind }) => kind === frameKinds.snapshotChunk)
    .map(({ payload }) => decodeChunk(payload).chunk)
  expect(chunks.map((chunk) => checksum32(chunk))).toEqual(sent.map((chunk) => checksum32(chunk)))
  to.snapshots.stop()
})
