import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NitroError } from '../../base/index.ts'
import { FakeStore } from './fake-store.ts'
import { runBoxed } from './box.ts'
import { Histogram, histogramMax, keySource, numberedKey, startLoad } from '../../src/cli/index.ts'

const sample = fc.oneof(fc.nat(300), fc.nat(100_000), fc.nat(histogramMax))

test('percentiles equal those of the sorted samples within one part in 128', () => {
  fc.assert(
    fc.property(
      fc.array(sample, { minLength: 1, maxLength: 400 }),
      fc.constantFrom(1, 10, 50, 90, 99, 99.9, 100),
      (samples, percent) => {
        const histogram = new Histogram()
        for (const value of samples) histogram.record(value)
        const sorted = samples.toSorted((a, b) => a - b)
        const exact = sorted[Math.ceil((percent / 100) * sorted.length) - 1] ?? 0
        const found = histogram.percentile(percent)
        expect(found).toBeGreaterThanOrEqual(exact)
        expect(found).toBeLessThanOrEqual(exact + exact / 128)
      },
    ),
  )
})

test('count, mean and maximum are exact', () => {
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1 }), (samples) => {
      const histogram = new Histogram()
      for (const value of samples) histogram.record(value)
      expect(histogram.count).toBe(samples.length)
      expect(histogram.max).toBe(Math.max(...samples))
      expect(histogram.mean).toBeCloseTo(samples.reduce((sum, value) => sum + value, 0) / samples.length, 3)
      expect(histogram.percentile(100)).toBe(histogram.max)
    }),
  )
})

test('an empty histogram answers zero', () => {
  const histogram = new Histogram()
  expect([histogram.count, histogram.mean, histogram.max, histogram.percentile(99)]).toEqual([0, 0, 0, 0])
})

test('keys have the asked size and are all different', () => {
  const keys = Array.from({ length: 1000 }, (_, at) => Buffer.from(numberedKey(at, 4)).toString())
  expect(new Set(keys).size).toBe(1000)
  expect(keys[7]).toBe('0007')
  const sequential = keySource(
    { keySize: 2, keySpace: 3, sequential: true },
    { u32: () => 0, bytes: () => new Uint8Array() },
  )
  expect([0, 1, 2, 3].map((at) => Buffer.from(sequential(at)).toString())).toEqual(['00', '01', '02', '00'])
})

function ticking(): { monotonicMs(): number; wallMs(): number } {
  let now = 0
  return { monotonicMs: () => now++, wallMs: () => 0 }
}

test('a load sends exactly its total, with no more requests outstanding than clients', async () => {
  let outstanding = 0
  let most = 0
  const sequences: number[] = []
  const load = startLoad({
    clients: 7,
    total: 100,
    durationMs: undefined,
    clock: ticking(),
    async send(sequence) {
      sequences.push(sequence)
      most = Math.max(most, ++outstanding)
      await Promise.resolve()
      outstanding--
    },
  })
  const { latency } = await load.result
  expect([latency.count, load.done(), most]).toEqual([100, 100, 7])
  expect(sequences.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, at) => at))
})

test('a load counts errors that may pass and leaves them out of the latencies', async () => {
  const load = startLoad({
    clients: 2,
    total: 10,
    durationMs: undefined,
    clock: ticking(),
    async send(sequence) {
      if (sequence % 5 === 0) throw new NitroError('Overloaded', 'full')
    },
  })
  const { latency, errors } = await load.result
  expect(latency.count).toBe(8)
  expect([...errors]).toEqual([['Overloaded', 2]])
})

test('a load ends at the first error that would only repeat itself', async () => {
  let sent = 0
  const load = startLoad({
    clients: 3,
    total: 1000,
    durationMs: undefined,
    clock: ticking(),
    async send() {
      sent++
      throw new NitroError('ValueTooLarge', 'too large')
    },
  })
  await expect(load.result).rejects.toMatchObject({ code: 'ValueTooLarge' })
  expect(sent).toBe(3)
})

test('a load ends when its time is over', async () => {
  const load = startLoad({ clients: 1, total: undefined, durationMs: 50, clock: ticking(), send: async () => {} })
  expect((await load.result).latency.count).toBe(49)
})

test('bench put writes its keys and reports as JSON', async () => {
  const store = new FakeStore()
  const args = [
    'bench',
    'put',
    '--clients',
    '4',
    '--conns',
    '2',
    '--total',
    '50',
    '--key-space',
    '20',
    '--sequential',
    '-o',
    'json',
  ]
  const { code, out, connections, closed } = await runBoxed(args, { store })
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ subject: 'put', clients: 4, connections: 2, requests: 50, errors: {} })
  expect([connections.length, closed]).toEqual([2, 2])
  expect((await store.range()).count).toBe(20)
})

test('bench get writes every key once and then reads', async () => {
  const store = new FakeStore()
  const args = ['bench', 'get', '--total', '30', '--key-space', '25', '--value-size', '3', '--consistency', 'committed']
  const { out } = await runBoxed(args, { store })
  expect(out).toContain('get committed: 100 clients over 4 connections')
  expect(out).toContain('p99.9')
  const { entries } = await store.range()
  expect(entries).toHaveLength(25)
  expect(entries[0]?.value).toHaveLength(3)
})
