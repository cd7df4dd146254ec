/** Locks over an engine that loses replies, and in processes that are stopped: nothing is left behind, and nobody acts too late. */
import { getEventListeners } from 'node:events'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { NitroError, systemAsyncContext } from '../../base/index.ts'
import type { Clock, Scheduler } from '../../base/index.ts'
import type { Engine, Lock } from '../../src/api/index.ts'
import { openNode } from '../../src/node/index.ts'
import type { Node } from '../../src/node/index.ts'
import { Sessions, createLeases, holderMs, put } from '../../src/store/index.ts'
import { createSync } from '../../src/sync/index.ts'
import type { EngineSync } from '../../src/sync/index.ts'
import { seededRandom } from '../net/schedulers.ts'
import { World } from '../node/world.ts'

const world = new World()
let node: Node
let names = 0
beforeAll(async () => {
  const { time } = world
  node = await openNode({ sizes: { logSegmentBytes: 1 << 20 }, ports: { clock: time, scheduler: time } })
  await node.ready()
})
afterAll(async () => {
  await node.close()
  world.stop()
})

/** A process that can be stopped: its timers and replies wait, the clock does not. */
class Stoppable implements Clock, Scheduler {
  private waiting: (() => void)[] | undefined
  monotonicMs = (): number => world.time.monotonicMs()
  wallMs = (): number => world.time.wallMs()
  after(delayMs: number, run: () => void) {
    return world.time.after(delayMs, () => this.runs(run))
  }
  endOfTurn(run: () => void): void {
    world.time.endOfTurn(() => this.runs(run))
  }
  runs(run: () => void): void {
    if (this.waiting === undefined) run()
    else this.waiting.push(run)
  }
  stop(): void {
    this.waiting ??= []
  }
  goOn(): void {
    const runs = this.waiting ?? []
    this.waiting = undefined
    for (const run of runs) run()
  }
}

/** What happens to the next command of a method: it is done or not, and its reply is lost or not. */
type Fate = 'reply lost' | 'never sent' | 'no answer'

class Box {
  readonly process = new Stoppable()
  readonly fates = new Map<string, Fate[]>()
  readonly sessions: Sessions
  readonly sync: EngineSync

  constructor() {
    const { process } = this
    const engine: Engine = {
      query: (...args) => this.reply(node.engine.query(...args)),
      watch: (request, listener) =>
        node.engine.watch(request, {
          opened: (revision) => process.runs(() => listener.opened(revision)),
          delivered: (delivery) => process.runs(() => listener.delivered(delivery)),
          progress: (revision) => process.runs(() => listener.progress(revision)),
          ended: (error) => process.runs(() => listener.ended(error)),
        }),
      command: async (program, method, args, options) => {
        const fate = this.fates.get(method)?.shift()
        if (fate === 'no answer') return new Promise(() => undefined)
        if (fate === 'never sent') throw new NitroError('Unavailable', 'nobody is there')
        const payload = await this.reply(node.engine.command(program, method, args, options))
        if (fate === 'reply lost') throw new NitroError('Timeout', 'no answer came')
        return payload
      },
    }
    const leases = createLeases(engine, process)
    this.sessions = new Sessions({ leases, clock: process, scheduler: process, holderMs })
    const session = this.sessions.open
    // Ids of acquisitions are drawn from it, and the node remembers those of earlier boxes for a while.
    const random = seededRandom(names)
    this.sync = createSync({
      ...{ engine, session, clock: process, scheduler: process, random, holderMs, context: systemAsyncContext },
    })
  }

  private reply<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(
        (value) => this.process.runs(() => resolve(value)),
        (error: Error) => this.process.runs(() => reject(error)),
      )
    })
  }

  close(): void {
    this.sync.close()
    this.sessions.close()
  }
}

let box: Box
let name: string
beforeEach(() => {
  name = `faulty ${names++}`
  box = new Box()
})
afterEach(() => box.close())

const parties = async (): Promise<[number, number]> => {
  const { holders, waiters } = await node.sync.inspect(name)
  return [holders.length, waiters.length]
}
const isGuarded = async (lock: Lock): Promise<boolean> =>
  (await node.store.txn().if(lock.guard()).then(put('k', 'v')).commit()).succeeded

describe('when replies are lost', () => {
  test('an acquisition whose reply was lost leaves no holder', async () => {
    box.fates.set('acquire', ['reply lost'])
    await expect(box.sync.lock(name)).rejects.toMatchObject({ code: 'Timeout' })
    await world.pass(100)
    expect(await parties()).toEqual([0, 0])
  })

  test('one in the queue leaves no waiter, though its cancel fails again and again', async () => {
    const lock = await node.sync.lock(name)
    box.fates.set('acquire', ['reply lost'])
    box.fates.set('cancel', ['never sent', 'reply lost', 'never sent'])
    await expect(box.sync.lock(name)).rejects.toMatchObject({ code: 'Timeout' })
    expect(await parties()).toEqual([1, 1])
    await world.pass(2_000)
    expect(await parties()).toEqual([1, 0])
    await lock.unlock()
  })

  test('one that was granted while its cancel was failing gives the lock back', async () => {
    const lock = await node.sync.lock(name)
    const controller = new AbortController()
    box.fates.set('cancel', ['never sent', 'never sent'])
    const waiter = box.sync.lock(name, { signal: controller.signal })
    waiter.catch(() => undefined)
    await world.pass(100)
    controller.abort(new Error('enough'))
    await expect(waiter).rejects.toThrow('enough')
    await lock.unlock()
    expect(await parties()).toEqual([1, 0])
    await world.pass(1_000)
    expect(await parties()).toEqual([0, 0])
  })

  test('an acquisition waits for its session no longer than for any other request', async () => {
    box.fates.set('grant', ['no answer'])
    const late = box.sync.lock(name, { ttl: 7_000, timeoutMs: 500 })
    const seen = late.catch((error: unknown) => error)
    await world.pass(600)
    expect(await Promise.race([seen, Promise.resolve('nothing')])).toMatchObject({
      code: 'Timeout',
      executed: 'no',
      details: {},
    })
    const other = await box.sync.lock(name, { ttl: 6_000, timeoutMs: 500 })
    await other.unlock()
  })

  test('an unlock that failed says so, and is done all the same', async () => {
    const lock = await box.sync.lock(name)
    box.fates.set('release', ['never sent'])
    await expect(lock.unlock()).rejects.toMatchObject({ code: 'Unavailable' })
    expect(lock.state).toBe('released')
    await world.pass(500)
    expect(await parties()).toEqual([0, 0])
  })

  test('a lease that was taken away unnoticed is replaced for the next lock', async () => {
    const first = await box.sync.lock(name, { ttl: 60_000 })
    const [holder] = (await node.sync.inspect(name)).holders
    await node.leases.revoke(holder?.lease as number)
    const second = await box.sync.lock(name, { ttl: 60_000 })
    expect(second.token).toBeGreaterThan(first.token)
    await second.unlock()
  })

  test('locks of one time to live share a lease, and it ends some time after the last of them', async () => {
    const locks = await Promise.all(['a', 'b', 'c'].map((part) => box.sync.lock(name + part, { ttl: 2_000 })))
    const listed = await node.sync.list({ prefix: name })
    const leases = new Set(listed.map(({ holder }) => holder?.lease as number))
    expect([listed.length, leases.size]).toEqual([3, 1])
    await world.pass(10_000)
    expect(locks.map(({ state }) => state)).toEqual(['held', 'held', 'held'])
    for (const lock of locks) await lock.unlock()
    await world.pass(5_000)
    for (const lease of leases) expect(await node.leases.list()).not.toContain(lease)
  })
})

describe('when many come and go', () => {
  test('locks that were not had, and candidates that resigned, leave no lease behind', async () => {
    const before = await node.leases.list()
    const held = await node.sync.lock(name)
    const tries = Array.from({ length: 50 }, (_, at) =>
      box.sync.lock(name, { ttl: 3_000, wait: at % 2 === 0 ? 0 : 50 }),
    )
    const ends = Promise.allSettled(tries)
    await world.pass(500)
    expect((await ends).map(({ status }) => status)).toEqual(tries.map(() => 'rejected'))
    for (let turn = 0; turn < 20; turn++) await (await box.sync.leader(`${name} led`, { ttl: 3_000 })).resign()
    const own = (await node.leases.list()).filter((lease) => !before.includes(lease))
    expect(own.length).toBeLessThanOrEqual(2)
    await held.unlock()
    await world.pass(15_000)
    expect((await node.leases.list()).filter((lease) => !before.includes(lease))).toEqual([])
  })

  test('a time to live is neither rounded nor cut, and an acquisition that waits is no lease more', async () => {
    const lock = await box.sync.lock(name, { ttl: 1_999 })
    expect((await node.leases.timeToLive(lock.lease)).grantedMs).toBe(1_999)
    const before = await node.leases.list()
    const waiting = box.sync.lock(name, { ttl: 1_999 })
    await world.pass(100)
    expect(await node.leases.list()).toEqual(before)
    await lock.unlock()
    await (await waiting).unlock()
  })

  test('many wait by one signal, which gets one listener, and none when they have ended', async () => {
    const held = await node.sync.lock(name)
    const controller = new AbortController()
    const { signal } = controller
    const end = new Error('enough')
    const locks = Array.from({ length: 20 }, () => box.sync.lock(name, { signal }))
    const jobs = Array.from({ length: 20 }, (_, at) =>
      box.sync.once({ name: `${name} ${at}`, every: 500, signal }, () => {}),
    )
    const observations = Array.from({ length: 20 }, () => box.sync.observe(name, { signal }))
    await world.pass(300)
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    const settled = Promise.allSettled(locks)
    await observations[0]?.return?.()
    controller.abort(end)
    expect(new Set((await settled).map((one) => 'reason' in one && one.reason))).toEqual(new Set([end]))
    await expect(observations[1]?.next()).rejects.toBe(end)
    await Promise.all(jobs.map((job) => job.stop()))
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    await held.unlock()
  })

  test('an unlock that gets no answer holds up nobody else', async () => {
    const lock = await box.sync.lock(name)
    box.fates.set('release', ['no answer'])
    void lock.unlock()
    expect(lock.state).toBe('released')
    for (let turn = 0; turn < 3; turn++) {
      const other = await box.sync.lock(`${name} other`)
      await other.unlock()
    }
  })
})

describe('when a process is stopped', () => {
  test('it wakes knowing that it holds nothing, before it can act, and its guard knows as well', async () => {
    const lock = await box.sync.lock(name, { ttl: 2_000 })
    const next = node.sync.lock(name)
    await world.pass(100)
    box.process.stop()
    const successor = await next
    expect(lock.state).toBe('lost')
    expect(() => lock.throwIfLost()).toThrow(expect.objectContaining({ code: 'LockLost' }))
    // The timers of a stopped process come late; what it is told at a call does not.
    expect(lock.signal.aborted).toBe(false)
    expect(await isGuarded(lock)).toBe(false)
    box.process.goOn()
    expect(lock.signal.aborted).toBe(true)
    await world.pass(100)
    expect(lock.state).toBe('lost')
    await expect(lock.unlock()).rejects.toMatchObject({ code: 'NotHeld' })
    await world.pass(500)
    expect(successor.state).toBe('held')
    await successor.unlock()
  })

  test('never two say at one moment that they hold it, however long one is stopped', async () => {
    for (const stopMs of [500, 900, 1_300, 2_500]) {
      const lock = await box.sync.lock(name, { ttl: 1_000 })
      let successor: Lock | undefined
      const next = node.sync.lock(name).then((granted) => (successor = granted))
      await world.pass(50)
      box.process.stop()
      for (let ms = 0; ms < stopMs; ms += 10) {
        const claims = lock.state === 'held' || lock.state === 'uncertain'
        expect(claims && successor !== undefined, `after ${ms} of ${stopMs} ms`).toBe(false)
        await world.pass(10)
      }
      box.process.goOn()
      await world.pass(20)
      expect(lock.state === 'lost' || successor === undefined).toBe(true)
      await lock[Symbol.asyncDispose]()
      await (await next).unlock()
    }
  })

  test('one that was stopped while it waited is not granted what it can no longer hold', async () => {
    const lock = await node.sync.lock(name)
    const waiting = box.sync.lock(name, { ttl: 1_000 })
    waiting.catch(() => undefined)
    await world.pass(100)
    box.process.stop()
    await lock.unlock()
    await world.pass(5_000)
    box.process.goOn()
    await expect(waiting).rejects.toMatchObject({ code: 'LockLost' })
    await world.pass(500)
    expect(await parties()).toEqual([0, 0])
  })

  test('one that was stopped while its session was opened takes another session', async () => {
    const locking = box.sync.lock(name, { ttl: 1_000 })
    box.process.stop()
    await world.pass(5_000)
    box.process.goOn()
    const lock = await locking
    expect(lock.state).toBe('held')
    await lock.unlock()
    await world.pass(3_000)
    expect(await parties()).toEqual([0, 0])
  })

  test('closed, it loses what it holds, and opens nothing', async () => {
    const lock = await box.sync.lock(name, { ttl: 1_000 })
    box.close()
    expect(lock.state).toBe('lost')
    expect(lock.signal.reason).toMatchObject({ code: 'LockLost', cause: { code: 'Closed' } })
    await expect(box.sync.lock(`${name} other`)).rejects.toMatchObject({ code: 'Closed' })
    await world.pass(3_000)
    expect(await parties()).toEqual([0, 0])
  })
})
