import { expect, test } from 'vitest'
import { newMessage } from '../../consensus/index.ts'
import type { Entry, Message } from '../../consensus/index.ts'
import { LogWriter } from '../../src/replica/log-writer.ts'
import type { DurableLog, LogBatch } from '../../src/storage/index.ts'
import { settled } from './support.ts'

const entries = (from: number, to: number, term = 1): Entry[] =>
  Array.from({ length: to - from + 1 }, (_, at) => ({
    ...{ index: from + at, term, type: 'normal' as const, data: new Uint8Array(1) },
  }))

/** What the core hands out to be written; it answers `name`. */
function append(name: number, part: Partial<Message> = {}): Message {
  return Object.assign(newMessage('MsgStorageAppend'), {
    responses: [Object.assign(newMessage('MsgAppResp', 2), { index: name })],
    ...part,
  })
}

const voteRequest = (name: number): Message => Object.assign(newMessage('MsgVote', 3), { index: name })

/** A log whose writes end when the test says so. */
function setUp() {
  const told: string[] = []
  const ends: { resolve(): void; reject(error: Error): void }[] = []
  const log = {
    write: ({ entries: given, hardState, snapshot }: LogBatch) => {
      const what = given.map(({ index, term }) => `${index}/${term}`).join(' ')
      const more = [
        hardState && `term ${hardState.term} vote ${hardState.vote}`,
        snapshot && `snapshot ${snapshot.index}`,
      ]
      told.push(`write ${[what, ...more].filter(Boolean).join(', ')}`)
      return new Promise<void>((resolve, reject) => ends.push({ resolve, reject }))
    },
  }
  const writer = new LogWriter(log as unknown as DurableLog, {
    release: (messages) => told.push(...messages.map(({ type, index }) => `${type} ${index}`)),
    install: (message) => {
      told.push(`install ${message.snapshot?.meta.index}`)
      return Promise.resolve()
    },
    written: () => undefined,
    failed: (error) => told.push(`failed ${String(error)}`),
  })
  const written = async (): Promise<void> => {
    ends.shift()?.resolve()
    await settled()
  }
  return { told, ends, writer, written }
}

test('responses and vote requests leave after the write that they depend on', async () => {
  const { told, writer, written } = setUp()
  writer.push(append(1, { entries: entries(1, 2), term: 3, vote: 1, commit: 0 }), [voteRequest(9)])
  await settled()
  expect(told).toEqual(['write 1/1 2/1, term 3 vote 1'])
  expect(writer.writing).toBe(true)
  await written()
  expect(told.slice(1)).toEqual(['MsgAppResp 1', 'MsgVote 9'])
  expect(writer.writing).toBe(false)
})

test('what gathers during a write is the next one, in order, with the newest hard state', async () => {
  const { told, writer, written } = setUp()
  writer.push(append(1, { entries: entries(1, 1) }), [])
  writer.push(append(2, { entries: entries(2, 2), term: 1 }), [])
  writer.push(append(3, { entries: entries(3, 4), term: 2, vote: 2 }), [voteRequest(9)])
  writer.push(append(4), [])
  await written()
  await written()
  expect(told).toEqual([
    'write 1/1',
    'MsgAppResp 1',
    'write 2/1 3/1 4/1, term 2 vote 2',
    ...['MsgAppResp 2', 'MsgAppResp 3', 'MsgVote 9', 'MsgAppResp 4'],
  ])
})

test('a newer suffix replaces what it overlaps, also from before its beginning', async () => {
  const { told, writer, written } = setUp()
  writer.push(append(1), [voteRequest(8)])
  writer.push(append(2, { entries: entries(5, 9) }), [])
  writer.push(append(3, { entries: entries(7, 7, 2) }), [])
  await written()
  writer.push(append(4, { entries: entries(8, 9, 2) }), [])
  writer.push(append(5, { entries: entries(6, 6, 3) }), [])
  await written()
  await written()
  expect(told.filter((line) => line.startsWith('write'))).toEqual(['write 5/1 6/1 7/2', 'write 6/3'])
})

test('vote requests without a write leave at once, but never overtake a write before them', async () => {
  const { told, writer, written } = setUp()
  writer.push(undefined, [voteRequest(1)])
  expect(told).toEqual(['MsgVote 1'])
  writer.push(append(2, { term: 5 }), [])
  writer.push(undefined, [voteRequest(3)])
  expect(told.at(-1)).toBe('write term 5 vote 0')
  await written()
  expect(told.slice(2)).toEqual(['MsgAppResp 2', 'MsgVote 3'])
})

test('a snapshot is written alone: what came before first, what comes after later', async () => {
  const { told, writer, written } = setUp()
  const meta = {
    index: 50,
    term: 4,
    confState: { voters: [1], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false },
  }
  writer.push(append(1, { entries: entries(1, 1) }), [])
  writer.push(append(2, { entries: entries(2, 2) }), [])
  writer.push(append(3, { snapshot: { meta, data: new Uint8Array(0) }, term: 4 }), [])
  writer.push(append(4, { entries: entries(51, 51, 4) }), [])
  for (let i = 0; i < 4; i++) await written()
  expect(told.filter((line) => !line.startsWith('MsgAppResp'))).toEqual([
    'write 1/1',
    'write 2/1',
    'install 50',
    'write term 4 vote 0, snapshot 50',
    'write 51/4',
  ])
})

test('after a failed write nothing leaves and nothing is written any more', async () => {
  const { told, ends, writer } = setUp()
  writer.push(append(1, { term: 1 }), [voteRequest(9)])
  writer.push(append(2, { term: 2 }), [])
  ends[0]?.reject(new Error('disk'))
  await settled()
  writer.push(append(3, { term: 3 }), [])
  await settled()
  expect(told).toEqual(['write term 1 vote 0', 'failed Error: disk'])
})

test('stopping waits for the write under way and lets nothing leave', async () => {
  const { told, writer, written } = setUp()
  writer.push(append(1, { term: 1 }), [])
  writer.push(append(2, { term: 2 }), [])
  writer.stop()
  let idle = false
  void writer.idle().then(() => (idle = true))
  await settled()
  expect(idle).toBe(false)
  await written()
  expect([idle, told]).toEqual([true, ['write term 1 vote 0']])
})
