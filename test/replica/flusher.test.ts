import { expect, test } from 'vitest'
import { silentMetrics } from '../../base/index.ts'
import type { KvChange } from '../../base/index.ts'
import { EntryBuilder, Machine } from '../../execution/index.ts'
import { encodeConfiguration } from '../../src/replica/configuration.ts'
import { Flusher } from '../../src/replica/flusher.ts'
import { defaultSizes } from '../../src/replica/ports.ts'
import type { StateDirectory } from '../../src/storage/index.ts'
import { HandTime, founded, putCommand, settled } from './support.ts'

const sizes = { ...defaultSizes, flushBytes: 10_000, flushIntervalMs: 50 }

function setUp(flushed: () => void = () => undefined) {
  const time = new HandTime()
  const told: string[] = []
  const writes: { readonly changes: readonly KvChange[]; resolve(): void; reject(error: Error): void }[] = []
  const machine = new Machine({ readBlock: () => undefined })
  machine.finishLoad()
  machine.applyConfiguration(1, 1, encodeConfiguration(founded(3)))
  const state = {
    write: (changes: readonly KvChange[]) =>
      new Promise<void>((resolve, reject) => writes.push({ changes, resolve, reject })),
    snapshot: () => `view after ${writes.length} writes`,
  }
  const boundary = { now: true }
  const flusher = new Flusher(
    machine,
    { index: 0, term: 0, revision: 0, configuration: founded(3) },
    state as unknown as StateDirectory,
    { clock: time, scheduler: time, metrics: silentMetrics },
    sizes,
    {
      flushed: () => {
        told.push(`durable ${flusher.durable.index}`)
        flushed()
      },
      failed: (error) => told.push(`failed ${String(error)}`),
      atBoundary: () => boundary.now,
    },
  )
  const put = (bytes = 10): void => {
    const builder = new EntryBuilder()
    builder.add(putCommand('k', new Uint8Array(bytes)))
    machine.startEntry(machine.appliedIndex + 1, 2, builder.finish(0, 0))
    while (machine.step(() => undefined));
    machine.finishEntry()
    flusher.noteApplied()
  }
  const written = async (): Promise<void> => {
    writes.at(-1)?.resolve()
    await settled()
  }
  return { time, told, writes, machine, boundary, flusher, put, written }
}

test('what was applied is flushed once the interval is over, in one batch for all entries', async () => {
  const { time, told, writes, flusher, put, written } = setUp()
  put()
  put()
  time.pass(49)
  expect(writes.length).toBe(0)
  time.pass(1)
  expect([writes.length, flusher.durable.index]).toEqual([1, 0])
  await written()
  expect(told).toEqual(['durable 3'])
  expect(flusher.durable).toMatchObject({ index: 3, term: 2, revision: 2, configuration: founded(3) })
})

test('much at once is flushed at once; what comes meanwhile is the next batch', async () => {
  const { told, writes, time, flusher, put, written } = setUp()
  put(20_000)
  expect(writes.length).toBe(1)
  put(20_000)
  put(10)
  expect(writes.length).toBe(1)
  await written()
  expect([writes.length, told]).toEqual([2, ['durable 2']])
  await written()
  expect([flusher.durable.index, time.armed]).toEqual([4, 0])
})

test('applying has to wait while a flush runs and another one is full: a seal never takes more than that and one entry', async () => {
  const { flusher, put, written } = setUp()
  put(10_000)
  expect(flusher.behind).toBe(false)
  put(5_000)
  expect(flusher.behind).toBe(false)
  put(5_000)
  expect(flusher.behind).toBe(true)
  await written()
  expect(flusher.behind).toBe(false)
})

test('only whole entries are flushed: in the middle of one it waits', async () => {
  const { time, writes, boundary, put } = setUp()
  put()
  boundary.now = false
  time.pass(60)
  expect(writes.length).toBe(0)
  boundary.now = true
  time.pass(1)
  expect(writes.length).toBe(1)
})

test('a view is of exactly what is durable: taken at once when nothing is written, else after the batch', async () => {
  const { time, flusher, put, written } = setUp()
  expect((await flusher.snapshot()).position.index).toBe(0)
  put()
  time.pass(50)
  put()
  let taken: number | undefined
  void flusher.snapshot().then(({ position }) => (taken = position.index))
  await settled()
  expect(taken).toBeUndefined()
  await written()
  expect(taken).toBe(2)
})

test('a pause ends after the batch under way, and nothing is written until it is over', async () => {
  const { time, writes, machine, flusher, put, written } = setUp()
  put()
  time.pass(50)
  let paused = false
  void flusher.pause().then(() => (paused = true))
  await settled()
  expect([paused, flusher.whole]).toEqual([false, false])
  await written()
  put()
  time.pass(1_000)
  expect([paused, writes.length]).toEqual([true, 1])
  flusher.unpause()
  time.pass(50)
  expect([writes.length, flusher.whole]).toEqual([2, true])
  await written()
  flusher.replace(machine)
  expect(flusher.durable.index).toBe(3)
})

test('flushing all writes what is there, also behind a batch under way', async () => {
  const { time, flusher, put, written } = setUp()
  put()
  time.pass(50)
  put()
  let done = false
  void flusher.flushAll().then(() => (done = true))
  await written()
  expect(done).toBe(false)
  await written()
  expect([done, flusher.durable.index]).toEqual([true, 3])
})

test('a failed write is told once, and durable stays', async () => {
  const { time, told, writes, flusher, put } = setUp()
  put()
  time.pass(50)
  writes[0]?.reject(new Error('full'))
  await settled()
  expect([told, flusher.durable.index]).toEqual([['failed Error: full'], 0])
})

test('what breaks on hearing of a flush is told as well, and is no unhandled rejection', async () => {
  const { time, told, put, written } = setUp(() => {
    throw new Error('compaction')
  })
  put()
  time.pass(50)
  await written()
  expect(told).toEqual(['durable 2', 'failed Error: compaction'])
})
