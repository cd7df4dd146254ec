/** What the race against etcd concludes from its figures, and the parts of its generator that could deceive it. */
import { describe, expect, test } from 'vitest'
import { GrpcStream } from '../../bench/cluster/grpc-stream.ts'
import { ExpectedEvents } from '../../bench/etcd/events.ts'
import { verdict } from '../../bench/etcd/goals.ts'
import { loads } from '../../bench/etcd/loads.ts'
import type { RaceLoad } from '../../bench/etcd/loads.ts'
import type { Figures } from '../../bench/etcd/measure.ts'
import { isGeneratorBound, ratioTable, ratiosOf } from '../../bench/etcd/report.ts'
import { median, spread } from '../../bench/harness/spread.ts'

const figures: Figures = {
  perSecond: 1000,
  p50Ms: 2,
  p99Ms: 8,
  failed: 0,
  leaderCpu: 0.02,
  followersCpu: 0.02,
  serversCpu: 0.04,
  generatorCpu: 0.01,
  generatorShare: 0.2,
  generatorCore: 0.3,
  machineShare: 0.9,
  leaderBytes: 1e8,
  followerBytes: 1e8,
}
const loadOf = (title: string): RaceLoad => {
  const load = loads.find((one) => one.title === title)
  if (load === undefined) throw new Error(`no load ${title}`)
  return load
}

describe('rounds', () => {
  test('the median of an even number of values is the mean of the middle two, whatever their order', () => {
    expect(median([9, 1, 3, 5])).toBe(4)
    expect(median([10, 9, 100])).toBe(10)
  })

  test('the spread names the lowest and the highest', () => {
    expect(spread([2, 30, 10], 'x')).toBe('10.0x (2.00-30.0)')
  })

  test('ratios are formed within each round, not between medians', () => {
    const ours = [1000, 4000].map((perSecond) => ({ ...figures, perSecond }))
    const theirs = [500, 1000].map((perSecond) => ({ ...figures, perSecond }))
    expect(ratiosOf(ours, theirs).perSecond).toEqual([2, 4])
  })
})

describe('a row', () => {
  test('is generator-bound when the generator takes over 40 % of the CPU time in the median round', () => {
    const rounds = (...shares: number[]): Figures[] => shares.map((generatorShare) => ({ ...figures, generatorShare }))
    expect(isGeneratorBound(rounds(0.39, 0.41, 0.42))).toBe(true)
    expect(isGeneratorBound(rounds(0.38, 0.4, 0.9))).toBe(false)
  })

  test('is generator-bound when the one thread of the generator has no time left', () => {
    expect(isGeneratorBound([{ ...figures, generatorCore: 0.95 }])).toBe(true)
  })

  test('meets its goal at the limit and misses it below', () => {
    const load = loadOf('put, 1000/100')
    const at = (perSecond: number, p99Ms: number): string => verdict(load, 'native', { perSecond, p50Ms: 1, p99Ms })
    expect(at(10, 0.25)).toBe('at least 10x op/s: met; p99 at most 0.25x: met')
    expect(at(9.99, 0.26)).toBe('at least 10x op/s: missed; p99 at most 0.25x: missed')
    expect(verdict(load, 'gRPC', { perSecond: 1, p50Ms: 1, p99Ms: 1 })).toBe('at least 1x op/s: met')
    expect(verdict(loadOf('txn of 8 puts, 100/10'), 'native', { perSecond: 1, p50Ms: 1, p99Ms: 1 })).toBe('')
  })

  test('says on which side the generator was in the way', () => {
    const rounds = new Map([
      ['ours', [{ ...figures, generatorShare: 0.5 }]],
      ['etcd', [figures]],
    ])
    const table = ratioTable([{ load: loadOf('put, 100/10'), rounds }], 'etcd', new Map([['ours', 'native']]))
    expect(table).toContain('1.00x (1.00-1.00)')
    expect(table).toMatch(/generator-bound: us *\|/)
  })
})

describe('a put until its event', () => {
  test('is over with the event of just this put', async () => {
    const events = new ExpectedEvents()
    const values: Uint8Array[] = []
    const put = (value: Uint8Array): Promise<void> => {
      values.push(value)
      return Promise.resolve()
    }
    const first = events.write(0, put)
    events.arrived(0, values[0] as Uint8Array)
    await first
    let isOver = false
    const second = events.write(0, put).then(() => (isOver = true))
    events.arrived(0, values[0] as Uint8Array)
    events.arrived(1, values[1] as Uint8Array)
    await Promise.resolve()
    expect(isOver).toBe(false)
    events.arrived(0, values[1] as Uint8Array)
    expect(await second).toBe(true)
  })

  test('fails with its put, and with its watch', async () => {
    const events = new ExpectedEvents()
    const failed = events.write(0, () => Promise.reject(new Error('no leader')))
    await expect(failed).rejects.toThrow('no leader')
    const cut = events.write(0, () => Promise.resolve())
    events.failed(0, new Error('the stream ended'))
    await expect(cut).rejects.toThrow('the stream ended')
  })
})

describe('a stream of the generator', () => {
  test('sends no more than the server takes, and the rest in order when it takes more', () => {
    const sent: number[] = []
    const stream = new GrpcStream({ message: () => undefined, ended: () => undefined }, 20, (payload) => {
      sent.push(payload[5] as number)
    })
    for (const first of [1, 2, 3, 4]) stream.write(Uint8Array.of(first, 0, 0, 0, 0))
    expect(sent).toEqual([1, 2])
    stream.widen(9)
    expect(sent).toEqual([1, 2])
    stream.widen(11)
    expect(sent).toEqual([1, 2, 3, 4])
  })

  test('hands on messages however they were cut', () => {
    const messages: number[][] = []
    const stream = new GrpcStream(
      { message: (bytes) => messages.push([...bytes]), ended: () => undefined },
      0,
      () => undefined,
    )
    const bytes = Buffer.from([0, 0, 0, 0, 2, 7, 8, 0, 0, 0, 0, 1, 9])
    for (const byte of bytes) stream.receive(Buffer.from([byte]))
    stream.receive(bytes)
    expect(messages).toEqual([[7, 8], [9], [7, 8], [9]])
  })
})
