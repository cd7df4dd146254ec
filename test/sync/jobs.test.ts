/** Jobs that run once in a cluster, and items that are shared out. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Assignment, OnceRun, OwnedItem } from '../../src/api/index.ts'
import type { Client } from '../../src/client/index.ts'
import type { Node } from '../../src/node/index.ts'
import { put } from '../../src/store/index.ts'
import { scheduleOf } from '../../src/sync/schedule.ts'
import { sharesOf } from '../../src/sync/shares.ts'
import { World } from '../node/world.ts'

const world = new World()
let nodes: Node[]
let clients: Client[]
beforeAll(async () => {
  nodes = await world.form('a', 'b', 'c')
  clients = await Promise.all([0, 1, 2].map(() => world.connect('a', 'b', 'c')))
})
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()))
  await Promise.all(nodes.map((node) => node.close({ transfer: false })))
  world.stop()
})

describe('a schedule', () => {
  test('of an interval has its times at multiples, whenever one asks', () => {
    const next = scheduleOf({ name: 'x', every: 60_000 })
    expect([next(0), next(59_999), next(60_000), next(60_001)]).toEqual([60_000, 60_000, 120_000, 120_000])
  })

  test('of a cron expression goes by its time zone, over a change of clocks as well', () => {
    const times = (cron: string, timeZone: string | undefined, from: string, count: number): string[] => {
      const next = scheduleOf({ name: 'x', cron, timeZone })
      const out: string[] = []
      for (let at = Date.parse(from); out.length < count;) {
        at = next(at) as number
        out.push(new Date(at).toISOString())
      }
      return out
    }
    expect(times('30 3 * * *', undefined, '2026-01-01T03:30:00Z', 2)).toEqual([
      '2026-01-02T03:30:00.000Z',
      '2026-01-03T03:30:00.000Z',
    ])
    expect(times('0 9 * * *', 'Europe/Berlin', '2026-03-28T00:00:00Z', 2)).toEqual([
      '2026-03-28T08:00:00.000Z',
      '2026-03-29T07:00:00.000Z',
    ])
  })

  test('that is none is refused', () => {
    for (const options of [{}, { every: 0 }, { every: 5, cron: '* * * * *' }, { cron: 'soon' }, { cron: '* * *' }]) {
      expect(() => scheduleOf({ name: 'x', ...options })).toThrow(expect.objectContaining({ code: 'InvalidArgument' }))
    }
    const nowhere = { name: 'x', cron: '* * * * *', timeZone: 'Nowhere/None' }
    expect(() => scheduleOf(nowhere)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }))
  })
})

describe('once', () => {
  test('each time is run by exactly one member, also when the runner leaves, and none is run twice', async () => {
    const runs: { by: number; at: number; token: number }[] = []
    const start = world.time.wallMs()
    const jobs = clients.map(({ sync }, by) =>
      sync.once({ name: 'tick', every: 1_000, ttl: 1_000 }, ({ scheduledMs, token }) => {
        runs.push({ by, at: scheduledMs, token })
      }),
    )
    await world.pass(5_500)
    expect(jobs.filter(({ isRunner }) => isRunner).length).toBe(1)
    const runner = jobs.findIndex(({ isRunner }) => isRunner)
    await jobs[runner]?.stop()
    await world.pass(5_000)
    await Promise.all(jobs.map((job) => job.stop()))
    const times = runs.map(({ at }) => at)
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b))
    expect(times.every((at) => at % 1_000 === 0)).toBe(true)
    expect(times.length).toBeGreaterThanOrEqual(9)
    expect(times[0]).toBeGreaterThan(start)
    expect(new Set(runs.map(({ by }) => by)).size).toBe(2)
    await world.pass(3_000)
    expect(runs.length).toBe(times.length)
  })

  test('a job of one time is run once in all, not once by each who comes to run it', async () => {
    const at = new Date(Math.ceil(world.time.wallMs() / 1_000) * 1_000 + 2_000)
    const [day, hour] = [`${at.getUTCDate()} ${at.getUTCMonth() + 1} *`, at.getUTCHours()]
    const cron = `${at.getUTCSeconds()} ${at.getUTCMinutes()} ${hour} ${day} ${at.getUTCFullYear()}`
    const runs: number[] = []
    const jobs = clients.map(({ sync }) =>
      sync.once({ name: 'one time', cron, ttl: 1_000 }, ({ scheduledMs }) => runs.push(scheduledMs)),
    )
    await world.pass(4_000)
    for (let turn = 0; turn < jobs.length; turn++) {
      const runner = jobs.find(({ isRunner }) => isRunner)
      await runner?.stop()
      await world.pass(1_500)
    }
    expect(runs).toEqual([at.getTime()])
    await Promise.all(jobs.map((job) => job.stop()))
  })

  test('times at which nobody was there are skipped, or run once for all of them', async () => {
    const runs: Record<string, number[]> = { skip: [], run: [] }
    const begin = (missed: 'skip' | 'run') =>
      clients[0]?.sync.once({ name: `missed ${missed}`, every: 1_000, missed }, ({ scheduledMs }) => {
        runs[missed]?.push(scheduledMs)
      })
    for (const missed of ['skip', 'run'] as const) {
      const first = begin(missed)
      await world.pass(2_500)
      await first?.stop()
      const seen = runs[missed]?.length as number
      expect(seen).toBeGreaterThanOrEqual(1)
      await world.pass(5_000)
      const back = world.time.wallMs()
      const second = begin(missed)
      await world.pass(300)
      const early = runs[missed]?.slice(seen).filter((at) => at < back)
      expect(early?.length).toBe(missed === 'run' ? 1 : 0)
      await world.pass(1_500)
      const [last = 0] = runs[missed]?.slice(-1) ?? []
      expect(last).toBeGreaterThan(back)
      await second?.stop()
    }
  })

  test('a run that fails is told and ends nothing; a run can guard what it writes', async () => {
    const errors: unknown[] = []
    const seen: boolean[] = []
    const { sync, store } = clients[0] as Client
    const job = sync.once(
      { name: 'failing', every: 500, onError: (error) => errors.push(error) },
      async (run: OnceRun) => {
        run.throwIfLost()
        seen.push(
          (
            await store
              .txn()
              .if(run.guard())
              .then(put('ran', `${run.scheduledMs}`))
              .commit()
          ).succeeded,
        )
        throw new Error('job')
      },
    )
    await world.pass(1_800)
    await job.stop()
    expect(seen.length).toBeGreaterThanOrEqual(3)
    expect(seen.every(Boolean)).toBe(true)
    expect(errors.length).toBe(seen.length)
    expect((await sync.list({ kind: 'once', prefix: 'failing' })).length).toBe(0)
  })
})

test('a listener that throws ends nothing', async () => {
  const { sync } = clients[0] as Client
  let [runs, works] = [0, 0]
  const onError = (): void => {
    throw new Error('the listener')
  }
  const fail = (count: () => void) => (): void => {
    count()
    throw new Error('the work')
  }
  const job = sync.once(
    { name: 'loud', every: 300, onError },
    fail(() => runs++),
  )
  const member = sync.assign(
    { group: 'loud', items: ['only'], onError },
    fail(() => works++),
  )
  await world.pass(5_000)
  await Promise.all([job.stop(), member.leave()])
  expect(runs).toBeGreaterThan(5)
  expect(works).toBeGreaterThan(2)
})

test('a grace that no timer can hold is refused', () => {
  const { sync } = clients[0] as Client
  const join = (grace: number) => (): unknown => sync.assign({ group: 'g', items: ['a'], grace }, () => undefined)
  for (const grace of [2 ** 31, 2 ** 40, -1, 0.5]) {
    expect(join(grace)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }))
  }
})

describe('a job or a member', () => {
  test('can be stopped from within, by what it runs', async () => {
    const { sync } = clients[0] as Client
    let runs = 0
    const job = sync.once({ name: 'stops itself', every: 100 }, async () => {
      runs++
      await job.stop()
    })
    let works = 0
    const member = sync.assign({ group: 'leaves', items: ['a', 'b'], grace: 60_000 }, async () => {
      works++
      await member.leave()
    })
    await world.pass(2_000)
    await job.stop()
    await member.leave()
    expect([runs, job.isRunner, member.owned]).toEqual([1, false, []])
    expect(works).toBeGreaterThan(0)
    expect(await sync.list({ prefix: 'stops itself' })).toEqual([])
  })
})

describe('a job after its last time', () => {
  test('rests', async () => {
    const { sync } = clients[0] as Client
    const job = sync.once({ name: 'past', cron: '0 0 0 1 1 * 1969' }, () => undefined)
    await world.pass(500)
    const [first] = await sync.list({ kind: 'once', prefix: 'past' })
    await world.pass(30_000)
    const [later] = await sync.list({ kind: 'once', prefix: 'past' })
    expect(job.isRunner).toBe(true)
    expect(later?.holder?.token).toBe(first?.holder?.token)
    await job.stop()
  })
})

describe('shares', () => {
  test('everything is owned once, loads differ by one at most, and do not depend on order', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(1_000_000), { minLength: 1, maxLength: 12 }),
        fc.uniqueArray(fc.string({ minLength: 1, maxLength: 6 }), { maxLength: 40 }),
        (members, items) => {
          const shares = sharesOf(members, items)
          const owned = [...shares.values()].flatMap((share) => [...share])
          expect(owned.sort()).toEqual([...items].sort())
          const loads = [...shares.values()].map(({ size }) => size)
          expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
          const again = sharesOf(members.toReversed(), items.toReversed())
          for (const [member, share] of shares) expect(again.get(member)).toEqual(share)
        },
      ),
    )
  })

  test('most items stay where they are when a member comes', () => {
    const items = Array.from({ length: 120 }, (_, at) => `item ${at}`)
    const before = sharesOf([10, 20, 30], items)
    const after = sharesOf([10, 20, 30, 40], items)
    let moved = 0
    for (const [member, share] of before) for (const item of share) if (after.get(member)?.has(item) !== true) moved++
    expect(moved).toBeGreaterThanOrEqual(30)
    expect(moved).toBeLessThanOrEqual(60)
  })
})

describe('assign', () => {
  const items = ['p0', 'p1', 'p2', 'p3', 'p4', 'p5']

  test('each item is owned by one member at a time, all are owned, and they move as members come, leave and die', async () => {
    const owners = new Map<string, number>()
    const history: string[] = []
    const work = (by: number) => async (owned: OwnedItem) => {
      expect(owners.get(owned.item), `${owned.item} has two owners`).toBeUndefined()
      owners.set(owned.item, by)
      history.push(`${owned.item} ${by}`)
      await new Promise<void>((resolve) => owned.signal.addEventListener('abort', () => resolve()))
      // Work takes a while to end; the item does not move meanwhile.
      await world.pass(300)
      owners.delete(owned.item)
    }
    const begin = (by: number): Assignment =>
      (clients[by] as Client).sync.assign({ group: 'shards', items, ttl: 1_000 }, work(by))
    /** Lets the shares settle after one change; only an item whose owner is another then was taken from anybody. */
    const settled = async (loads: readonly number[]): Promise<void> => {
      const before = new Map(owners)
      const begun = history.length
      await world.pass(3_000)
      expect(members.map(({ owned }) => owned.length)).toEqual(loads)
      expect(members.flatMap(({ owned }) => owned).sort()).toEqual(items)
      const moved = items.filter((item) => owners.get(item) !== before.get(item))
      expect(history.slice(begun).sort()).toEqual(moved.map((item) => `${item} ${owners.get(item)}`))
    }
    const members = [begin(0)]
    await settled([6])
    members.push(begin(1))
    await settled([3, 3])
    members.push(begin(2))
    await settled([2, 2, 2])
    await members[1]?.leave()
    await settled([3, 0, 3])
    expect(owners.size).toBe(6)
    await Promise.all(members.map((member) => member.leave()))
    await world.pass(500)
    expect(owners.size).toBe(0)
    expect(await clients[0]?.sync.list({ kind: 'assign' })).toEqual([])
  })

  test('a group is found by its name, with its members and who owns each item', async () => {
    const { sync } = clients[0] as Client
    const groups = ['shown', 'shown more', 'other'].map((group) =>
      sync.assign({ group, items: ['own', 'x/\u00e9'], label: group }, () => undefined),
    )
    await world.pass(1_000)
    const listed = await sync.list({ prefix: 'shown', kind: 'assign' })
    const decoder = new TextDecoder()
    const shown = listed.map(({ name, item, holder }) => [decoder.decode(name), item, holder?.label])
    const parts = [undefined, 'own', 'x/\u00e9']
    const all = ['shown', 'shown more'].flatMap((group) => parts.map((item) => [group, item, group]))
    expect(shown).toEqual(expect.arrayContaining(all))
    expect(shown).toHaveLength(all.length)
    expect(await sync.list({ prefix: 'showno' })).toEqual([])
    const members = await sync.inspect('shown', { kind: 'assign' })
    expect(members.holders).toMatchObject([{ mode: 'shared', label: 'shown' }])
    const owners = await sync.inspect('shown', { kind: 'assign', item: 'own' })
    expect(owners.holders).toMatchObject([{ mode: 'exclusive', label: 'shown' }])
    expect((await sync.inspect('shown', { kind: 'assign', item: 'none' })).holders).toEqual([])
    await expect(sync.inspect('shown', { item: 'own' })).rejects.toMatchObject({ code: 'InvalidArgument' })
    await Promise.all(groups.map((group) => group.leave()))
  })

  test('work that does not end in its grace loses the item, and its guard fails', async () => {
    const { store } = clients[0] as Client
    let stuck: OwnedItem | undefined
    const first = clients[0]?.sync.assign({ group: 'stuck', items: ['only'], grace: 500 }, (owned) => {
      stuck = owned
      return new Promise(() => undefined)
    })
    await world.pass(500)
    const left = first?.leave()
    let tokens = 0
    const second = clients[1]?.sync.assign({ group: 'stuck', items: ['only'] }, ({ token }) => {
      tokens = token
    })
    await world.pass(200)
    expect(tokens).toBe(0)
    await left
    await world.pass(300)
    expect(tokens).toBeGreaterThan(stuck?.token as number)
    expect(
      (
        await store
          .txn()
          .if((stuck as OwnedItem).guard())
          .commit()
      ).succeeded,
    ).toBe(false)
    expect(second?.owned).toEqual(['only'])
    await second?.leave()
  })
})
