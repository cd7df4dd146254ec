import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import {
  Coverage,
  cluster,
  coverageRows,
  describeKnobs,
  knobsOf,
  minimize,
  simulate,
} from '../../../src/testing/index.ts'
import { Atlas } from '../../../src/testing/faults/atlas.ts'
import { planFaults } from '../../../src/testing/faults/schedule.ts'
import { Operator } from '../../../src/testing/operator.ts'
import { standardFaults } from '../../../src/testing/faults/standard.ts'
import { faultKinds } from '../../../src/testing/reached/rows.ts'
import { Results } from '../run/results.ts'
import type { SeedResult } from '../run/worker.ts'

describe('knobs', () => {
  test('are drawn from the seed, all printed, and can be overridden', () => {
    expect(knobsOf(5)).toEqual(knobsOf(5))
    expect(knobsOf(5)).not.toEqual(knobsOf(6))
    const knobs = knobsOf(5, { nodes: 7 })
    expect(knobs.nodes).toBe(7)
    expect(describeKnobs(knobs).map((line) => line.split(' ')[0])).toEqual(Object.keys(knobs))
  })

  test('differ in what kinds of faults there are', () => {
    const kinds = Array.from({ length: 50 }, (_, seed) =>
      faultKinds.filter((kind) => knobsOf(seed).weights[kind] > 0).join(),
    )
    expect(new Set(kinds).size).toBeGreaterThan(40)
    for (const kind of faultKinds) {
      expect(kinds.some((one) => one.includes(kind))).toBe(true)
      expect(kinds.every((one) => one.includes(kind))).toBe(false)
    }
  })
})

describe('faults', () => {
  test('are planned whole and in order, for the time that the knobs say', () => {
    const knobs = knobsOf(3, { faultsMs: 30_000, pauseMs: [100, 200] })
    const planned = planFaults(cluster(3, { seed: 3 }), knobs)
    expect(planned.length).toBeGreaterThan(140)
    expect(planned).toEqual(planFaults(cluster(3, { seed: 3 }), knobs))
    const times = planned.map(({ atMs }) => atMs)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(times.at(-1)).toBeLessThan(30_000)
    const { weights }: { weights: Partial<Record<string, number>> } = knobs
    for (const { kind } of planned) expect(weights[kind]).toBeGreaterThan(0)
  })

  test('have a function for each kind', () => {
    expect(Object.keys(standardFaults)).toEqual([...faultKinds])
  })

  test('can be left out, and the others stay', async () => {
    const knobs = { faultsMs: 2_000, everyMs: 200, operations: 10, pauseMs: [200, 400] } as const
    const only = new Set([2, 5])
    const { planned } = await simulate(4, { knobs, only })
    const all = await simulate(4, { knobs })
    expect(planned).toEqual(all.planned.filter(({ number }) => only.has(number)))
  })

  test('leave a quorum of good copies, unless they may damage any', async () => {
    const world = cluster(3, { seed: 1 })
    world.startAll()
    await world.until(() => world.converged(), 10_000)
    const [minority, anywhere, none] = (['minority', 'any', 'none'] as const).map((rule) => new Atlas(world, rule)) as [
      Atlas,
      Atlas,
      Atlas,
    ]
    for (const atlas of [minority, anywhere, none]) atlas.wounded('n1')
    expect([minority.allows('n1'), minority.allows('n2'), anywhere.allows('n2'), none.allows('n1')]).toEqual([
      true,
      false,
      true,
      false,
    ])
    expect(anywhere.allowsLoss('n2')).toBe(false)
    world.restart('n1')
    expect(minority.broken()).toEqual(['n1'])
    await world.until(() => world.converged(), 10_000)
    expect(minority.broken()).toEqual([])
    expect(minority.allows('n2')).toBe(true)
    minority.changing = true
    expect(minority.allows('n2')).toBe(false)
  })

  test('take no directory from a cluster that is not founded yet', async () => {
    const world = cluster(3, { seed: 1 })
    const atlas = new Atlas(world, 'minority')
    world.startAll()
    expect(atlas.allowsLoss('n1')).toBe(false)
    await world.until(() => world.converged(), 10_000)
    expect(atlas.allowsLoss('n1')).toBe(true)
  })
})

describe('an operator', () => {
  test('leaves the members as they are until the cluster is founded', async () => {
    for (let seed = 0; seed < 10; seed++) {
      const world = cluster(4, { seed })
      for (const name of ['n1', 'n2', 'n3']) world.start(name)
      const knobs = knobsOf(seed, { reconfigure: true, operatorPauseMs: [20, 100] })
      void new Operator(world, new Atlas(world, 'none'), knobs).begin()
      await world.run(1_000)
      expect(world.names).toEqual(['n1', 'n2', 'n3', 'n4'])
      expect([...world.ruined]).toEqual([])
    }
  })
})

describe('a node whose disk fails it', () => {
  test('ends when it is full, and comes back when there is room', async () => {
    const world = cluster(3, { seed: 1 })
    world.startAll()
    await world.until(() => world.converged(), 10_000)
    world.member('n1').disk.full = true
    const client = await world.answer(world.client('a').connect())
    await world.answer(client.store.put('key', 'value'))
    expect(await world.until(() => world.coverage.count('repair: end because the disk was full') > 0, 10_000)).toBe(
      true,
    )
    world.healAll()
    expect(await world.until(() => world.converged(), 10_000)).toBe(true)
    expect(world.violations.found).toEqual([])
  })

  test('does not come back as it was after its directory is lost, but as another process that was let in', async () => {
    const world = cluster(3, { seed: 2 })
    world.startAll()
    await world.until(() => world.converged(), 10_000)
    const before = world.node('n3')?.status().incarnation
    world.wipe('n3')
    world.start('n3')
    expect(await world.until(() => world.coverage.count('repair: lost identity refused') > 0, 10_000)).toBe(true)
    world.start('n3')
    expect(world.isRunning('n3')).toBe(false)
    const { admin } = await world.answer(world.client('a').connect())
    await world.answer(admin.replaceMember('n3'))
    world.replace('n3')
    expect(await world.until(() => world.node('n3')?.status().role === 'follower', 20_000)).toBe(true)
    expect(world.node('n3')?.status().incarnation).not.toBe(before)
    expect(world.violations.found).toEqual([])
  })
})

describe('a failing run', () => {
  test('is made as small as it fails with, without what does not matter', async () => {
    const planned = Array.from({ length: 20 }, (_, i) => ({ number: i + 1 })) as unknown as Awaited<
      ReturnType<typeof simulate>
    >['planned']
    const least = await minimize(
      1,
      {},
      () => undefined,
      async (_, { only, knobs }) => {
        const has = (number: number): boolean => only === undefined || only.has(number)
        const fails = has(3) && has(17) && knobs?.clients !== 1
        return { planned, broken: fails ? [{ property: 'linearizable' as const, what: '' }] : [] }
      },
    )
    expect([...(least?.only ?? [])]).toEqual([3, 17])
    expect(least?.knobs).toMatchObject({ reconfigure: false, skew: 0 })
    expect(least?.knobs).not.toHaveProperty('clients')
  })

  test('that does not fail is left alone', async () => {
    const run = async (): Promise<{ planned: never[]; broken: never[] }> => ({ planned: [], broken: [] })
    expect(await minimize(1, {}, () => undefined, run)).toBeUndefined()
  })
})

describe('coverage', () => {
  test('counts rows, knows those that were never reached, and adds up over runs', () => {
    const one = new Coverage()
    one.hit('fault: crash')
    one.hit('client: answered', 5)
    const sum = new Coverage()
    sum.add(one.list())
    sum.add({ ...one.list(), 'no row of today': 3 })
    expect(sum.count('client: answered')).toBe(10)
    expect(sum.missing()).toHaveLength(coverageRows.length - 2)
    expect(sum.table().find((line) => line.startsWith('fault: crash '))).toMatch(/ 2$/)
  })
})

describe('the results of many runs', () => {
  const directory = mkdtempSync(join(tmpdir(), 'results-'))
  afterAll(() => rmSync(directory, { recursive: true }))
  const result = (seed: number, ...violations: string[]): SeedResult => ({
    ...{ seed, violations, virtualMs: 60_000, operations: 10, answers: 5, cpuMs: 1_000 },
    coverage: { 'fault: crash': 1 },
  })

  test('are taken up from their file', () => {
    const file = join(directory, 'one.jsonl')
    const first = new Results(file, 100)
    first.add(result(100))
    first.add(result(102, 'linearizable: no'))
    const second = new Results(file, 999)
    expect(second.from).toBe(100)
    expect([...second.done]).toEqual([100, 102])
    expect(second.failed.map(({ seed }) => seed)).toEqual([102])
    expect(second.coverage.count('fault: crash')).toBe(2)
    expect([second.virtualMs, second.operations, second.answers]).toEqual([120_000, 20, 10])
  })

  test('fall short when many runs leave a row at zero or most operations without an answer', () => {
    const results = new Results(undefined, 0)
    for (let seed = 0; seed < 299; seed++) results.add(result(seed))
    expect(results.shortcomings()).toEqual([])
    results.add(result(299))
    expect(results.shortcomings()).toContain('no run reached: fault: kill')
    expect(results.shortcomings()).toContain('only 50 % of the operations were answered')
    expect(results.shortcomings()).not.toContain('no run reached: fault: crash')
  })
})
