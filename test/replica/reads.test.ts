import { expect, test } from 'vitest'
import { NitroError, hex } from '../../base/index.ts'
import { ReadBarrier, isOwnContext } from '../../src/replica/reads.ts'
import { HandTime, incarnation } from './support.ts'

const retryMs = 200

function setUp() {
  const time = new HandTime()
  const asked: Uint8Array[] = []
  const heard: string[] = []
  const state = { applied: 0 }
  const core = { readIndex: (context: Uint8Array) => void asked.push(context), appliedIndex: () => state.applied }
  const reads = new ReadBarrier(core, time, incarnation(5), retryMs)
  const add = (name: string, deadlineMs = 10_000): void =>
    reads.add({
      deadlineMs,
      run: () => void heard.push(name),
      failed: (error: NitroError) => void heard.push(`${name} ${error.code}`),
    })
  return { time, asked, heard, state, reads, add, latest: () => asked.at(-1) as Uint8Array }
}

test('all reads that wait ride on one request', () => {
  const { asked, heard, reads, add, latest } = setUp()
  for (const name of ['a', 'b', 'c']) add(name)
  reads.start()
  expect(asked.length).toBe(1)
  reads.answered(latest(), 0)
  expect(heard).toEqual(['a', 'b', 'c'])
})

test('a read that comes while a request is under way waits for the next', () => {
  const { asked, heard, reads, add, latest } = setUp()
  add('a')
  reads.start()
  add('b')
  reads.start()
  expect(asked.length).toBe(1)
  reads.answered(latest(), 0)
  expect([heard, reads.waiting]).toEqual([['a'], true])
  reads.start()
  reads.answered(latest(), 0)
  expect(heard).toEqual(['a', 'b'])
})

test('a read is served when the machine has reached its index, not before', () => {
  const { heard, reads, state, add, latest } = setUp()
  add('a')
  reads.start()
  reads.answered(latest(), 5)
  state.applied = 4
  reads.applied()
  expect(heard).toEqual([])
  state.applied = 5
  reads.applied()
  expect(heard).toEqual(['a'])
})

test('an unanswered request is repeated under a new id, and the answer to the old one serves nobody', () => {
  const { time, asked, heard, reads, add } = setUp()
  add('a')
  reads.start()
  time.nowMs = retryMs - 1
  reads.tick()
  expect(asked.length).toBe(1)
  add('b')
  time.nowMs = retryMs
  reads.tick()
  expect([asked.length, reads.retries]).toEqual([2, 1])
  reads.answered(asked[0] as Uint8Array, 0)
  expect(heard).toEqual([])
  reads.answered(asked[1] as Uint8Array, 0)
  expect(heard).toEqual(['a', 'b'])
})

test('a change of leader voids the request under way, and asks anew without the reads that came since', () => {
  const { asked, heard, reads, add } = setUp()
  reads.leaderChanged()
  expect(asked.length).toBe(0)
  add('a')
  reads.start()
  add('b')
  reads.leaderChanged()
  reads.answered(asked[0] as Uint8Array, 0)
  expect(heard).toEqual([])
  reads.answered(asked[1] as Uint8Array, 0)
  expect(heard).toEqual(['a'])
})

test('no id is ever used again, and each names its process', () => {
  const { time, asked, reads, add, latest } = setUp()
  for (let i = 0; i < 50; i++) {
    add('a')
    reads.start()
    if (i % 3 === 0) reads.answered(latest(), 0)
    if (i % 3 === 1) reads.leaderChanged()
    time.nowMs += retryMs
    reads.tick()
  }
  expect(new Set(asked.map(hex)).size).toBe(asked.length)
  expect(asked.every((context) => isOwnContext(context, incarnation(5)))).toBe(true)
  expect(asked.some((context) => isOwnContext(context, incarnation(6)))).toBe(false)
})

test('reads are given up at their deadline wherever they wait', () => {
  const { time, heard, reads, add, latest } = setUp()
  add('confirmed', 100)
  reads.start()
  reads.answered(latest(), 9)
  add('asked', 150)
  reads.start()
  add('waiting', 50)
  time.nowMs = 60
  reads.tick()
  time.nowMs = 110
  reads.tick()
  time.nowMs = 60 + retryMs
  reads.tick()
  expect(heard).toEqual(['waiting Unavailable', 'confirmed Unavailable', 'asked Unavailable'])
})

test('a stop fails every read once', () => {
  const { heard, state, reads, add, latest } = setUp()
  add('confirmed')
  reads.start()
  reads.answered(latest(), 9)
  add('asked')
  reads.start()
  add('waiting')
  reads.failAll(new NitroError('Closed', 'stopping'))
  state.applied = 9
  reads.applied()
  reads.answered(latest(), 0)
  expect(heard.toSorted()).toEqual(['asked Closed', 'confirmed Closed', 'waiting Closed'])
})

test('reads are refused when far too many wait, wherever they wait', () => {
  const { heard, reads, add, latest } = setUp()
  for (let i = 0; i < 40_000; i++) add('confirmed')
  reads.start()
  reads.answered(latest(), 9)
  for (let i = 0; i < 40_000; i++) add('asked')
  reads.start()
  for (let i = 0; i < 20_001; i++) add('waiting')
  expect(heard).toEqual(['waiting Overloaded'])
})
