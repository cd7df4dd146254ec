import { expect, test } from 'vitest'
import { SeededRandom, Trace, VirtualProcess, VirtualTime, firstDifference } from '../../src/testing/index.ts'

function world(seed = 1): { time: VirtualTime; process: (name: string, rate?: number) => VirtualProcess } {
  const time = new VirtualTime(new SeededRandom(seed), new Trace())
  return { time, process: (name, rate = 1) => new VirtualProcess(name, time, { rate, wallOffsetMs: 0 }) }
}

test('events happen in the order of their times, and turns in the order in which they were asked for', async () => {
  const { time, process } = world()
  const { scheduler } = process('p').begin()
  const seen: string[] = []
  scheduler.after(20, () => seen.push('late'))
  scheduler.after(10, () => {
    seen.push('early')
    for (const name of ['a', 'b', 'c']) scheduler.endOfTurn(() => seen.push(name))
  })
  await time.run(100)
  expect(seen).toEqual(['early', 'a', 'b', 'c', 'late'])
  expect(time.nowMs).toBe(100)
})

test('all promises of an event are done before the next event', async () => {
  const { time, process } = world()
  const { scheduler } = process('p').begin()
  const seen: number[] = []
  const chain = async (): Promise<void> => {
    for (let i = 0; i < 50; i++) await Promise.resolve()
    seen.push(1)
  }
  scheduler.endOfTurn(() => void chain())
  scheduler.endOfTurn(() => seen.push(2))
  await time.run(1)
  expect(seen).toEqual([1, 2])
})

test('processes meet at one moment in an order that the seed chooses', async () => {
  const orders = new Set<string>()
  for (let seed = 0; seed < 20; seed++) {
    const { time, process } = world(seed)
    let seen = ''
    for (const name of ['a', 'b', 'c'])
      process(name)
        .begin()
        .scheduler.after(5, () => (seen += name))
    await time.run(10)
    orders.add(seen)
  }
  expect(orders.size).toBeGreaterThan(3)
})

test('nothing of a killed process ever runs, and its next life has a clock of its own', async () => {
  const { time, process } = world()
  const one = process('p')
  const seen: string[] = []
  const first = one.begin()
  first.scheduler.after(10, () => seen.push('dead'))
  await time.run(5)
  const second = one.begin()
  second.scheduler.after(10, () => seen.push(`alive at ${second.clock.monotonicMs()}`))
  await time.run(50)
  expect(seen).toEqual(['alive at 10'])
})

test('a paused process does at its resumption what fell into the pause, in order, and drops what it cancelled', async () => {
  const { time, process } = world()
  const one = process('p')
  const { scheduler, clock } = one.begin()
  const seen: string[] = []
  const cancelled = scheduler.after(12, () => seen.push('cancelled'))
  scheduler.after(10, () => {
    seen.push(`first at ${clock.monotonicMs()}`)
    cancelled.cancel()
  })
  scheduler.after(15, () => seen.push('second'))
  one.pause()
  await time.run(40)
  expect(seen).toEqual([])
  one.resume()
  await time.run(50)
  expect(seen).toEqual(['first at 40', 'second'])
})

test('a fast clock makes timers come early in true time', async () => {
  const { time, process } = world()
  const { scheduler, clock } = process('p', 2).begin()
  let at = 0
  scheduler.after(10, () => (at = time.nowMs))
  await time.run(20)
  expect(at).toBe(5)
  expect(clock.monotonicMs()).toBe(40)
})

test('an event in the past and a system that spins are refused', async () => {
  const { time, process } = world()
  const { scheduler } = process('p').begin()
  const spin = (): void => scheduler.endOfTurn(spin)
  spin()
  await expect(time.run(1)).rejects.toThrow(/time stands still/)
  expect(() => time.plan({ atMs: -1, tie: 0 }, -5, () => undefined)).toThrow(/is planned at/)
})

test('a source of randomness is split by label, whatever was drawn before', () => {
  const one = new SeededRandom(7)
  const two = new SeededRandom(7)
  two.bytes(100)
  expect(one.split('disk').bytes(16)).toEqual(two.split('disk').bytes(16))
  expect(one.split('disk').bytes(16)).not.toEqual(one.split('clock').bytes(16))
  const draws = Array.from({ length: 10_000 }, () => one.between(0, 1))
  expect(Math.abs(draws.reduce((sum, draw) => sum + draw, 0) / draws.length - 0.5)).toBeLessThan(0.02)
})

test('the first difference of two runs is named with the events before it', () => {
  const one = new Trace(100)
  const two = new Trace(100)
  for (const trace of [one, two]) trace.add(1, 'n1', 'timer')
  expect(firstDifference(one, two)).toBeUndefined()
  one.add(2, 'n1', 'frame', Uint8Array.of(1))
  two.add(2, 'n1', 'frame', Uint8Array.of(2))
  for (const trace of [one, two]) trace.add(3, 'n1', 'timer')
  expect(firstDifference(one, two)).toMatch(
    /part at event 1:\n {2}both .* n1 timer .*\n {2}first .*frame.*\n {2}second .*frame/,
  )
})

test('runs whose events are not kept are told apart by their hashes', () => {
  const traces = ['one', 'two', 'one'].map((note) => {
    const trace = new Trace()
    trace.add(1, 'n1', 'frame', Uint8Array.of(1, 2, 3))
    trace.add(1, 'n1', 'note', undefined, note)
    trace.add(2, 'n1', 'timer')
    return trace
  }) as [Trace, Trace, Trace]
  expect(firstDifference(traces[0], traces[2])).toBeUndefined()
  expect(firstDifference(traces[0], traces[1])).toMatch(/not kept/)
  expect(traces[0].event(0)).toBeUndefined()
})

test('an error inside an event ends the run with that error', async () => {
  const { time, process } = world()
  process('p')
    .begin()
    .scheduler.after(5, () => {
      throw new Error('broken inside')
    })
  await expect(time.run(10)).rejects.toThrow('broken inside')
})
