/** Sessions by the clock alone: what an owner is told, whatever happens to its renewals. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NitroError } from '../../base/index.ts'
import type { Engine, Leases, Session, SessionState } from '../../src/api/index.ts'
import { Sessions, createLeases, holderMs } from '../../src/store/index.ts'
import { decodeKeepAliveResult, encodeKeepAliveArgs } from '../../execution/codec.ts'
import { VirtualTime } from '../net/schedulers.ts'

const ttlMs = 10_000

/** A cluster of which each test says how it answers a renewal. */
class Scripted {
  readonly time = new VirtualTime()
  /** When each renewal was sent. */
  readonly renewals: number[] = []
  answer: (attempt: number) => Promise<number> = () => Promise.resolve(ttlMs)
  grantTakesMs = 0
  revoked = 0
  readonly sessions: Sessions

  constructor() {
    const leases: Partial<Leases> = {
      grant: async () => {
        if (this.grantTakesMs > 0) await this.after(this.grantTakesMs)
        return { id: 7, ttlMs }
      },
      keepAlive: () => {
        this.renewals.push(this.time.monotonicMs())
        return this.answer(this.renewals.length)
      },
      revoke: () => {
        this.revoked++
        return Promise.reject(new NitroError('Unavailable', 'nobody there'))
      },
    }
    this.sessions = new Sessions({ leases: leases as Leases, clock: this.time, scheduler: this.time, holderMs })
  }

  after(ms: number): Promise<void> {
    return new Promise((resolve) => void this.time.after(ms, resolve))
  }

  open(): Promise<Session> {
    return this.time.until(this.sessions.open({ ttl: ttlMs }))
  }
}

const never = (): Promise<number> => new Promise(() => undefined)

test('the bound is what is left when both clocks are wrong', () => {
  expect(holderMs(10_000)).toBeCloseTo((10_000 * 0.99) / 1.01 - 2, 6)
  expect(holderMs(1_000)).toBeGreaterThan(970)
})

test('it renews at each third of the bound, whether or not the last renewal was answered', async () => {
  const world = new Scripted()
  await world.open()
  world.answer = never
  await world.time.pass(ttlMs)
  const third = holderMs(ttlMs) / 3
  expect(world.renewals.slice(0, 2)).toEqual([third, 2 * third])
})

test('without answers it is held, then uncertain, then lost at the bound, and the signal comes in time', async () => {
  const world = new Scripted()
  const session = await world.open()
  world.answer = never
  const states: [number, SessionState][] = []
  const third = holderMs(ttlMs) / 3
  for (const part of [0.5, 1.9, 2.1, 2.9, 3.1]) {
    await world.time.pass(part * third - world.time.monotonicMs())
    states.push([part, session.state])
  }
  expect(states).toEqual([
    ...([
      [0.5, 'held'],
      [1.9, 'held'],
      [2.1, 'uncertain'],
      [2.9, 'uncertain'],
      [3.1, 'lost'],
    ] as const),
  ])
  expect(session.signal.aborted).toBe(true)
  expect(session.signal.reason).toMatchObject({ code: 'LeaseLost', details: { lease: 7 } })
  const sent = world.renewals.length
  await world.time.pass(ttlMs)
  expect(world.renewals.length).toBe(sent)
})

test('an answer counts from when its renewal was sent, however late it comes', async () => {
  const world = new Scripted()
  const session = await world.open()
  const third = holderMs(ttlMs) / 3
  world.answer = (attempt) => (attempt === 1 ? world.after(1.5 * third).then(() => ttlMs) : never())
  await world.time.pass(2.6 * third)
  expect(session.leftMs).toBeCloseTo(third + holderMs(ttlMs) - world.time.monotonicMs(), 6)
})

test('what is lost stays lost, even if the answer that would have saved it comes', async () => {
  const world = new Scripted()
  const session = await world.open()
  const bound = holderMs(ttlMs)
  world.answer = (attempt) => (attempt === 2 ? world.after(bound).then(() => ttlMs) : never())
  await world.time.pass(bound + 1)
  expect(session.state).toBe('lost')
  await world.time.pass(bound)
  expect(session).toMatchObject({ state: 'lost', leftMs: 0 })
})

test('the state is right while the timer that fires the signal is still to come', async () => {
  const world = new Scripted()
  const session = await world.open()
  world.answer = never
  const seen: [SessionState, boolean][] = []
  let thrown: unknown
  // This stands for a loop that was blocked: timers planned earlier for a later moment have not run.
  await world.time.pass(holderMs(ttlMs) - 1)
  const real = world.time.monotonicMs.bind(world.time)
  world.time.monotonicMs = () => real() + 2
  seen.push([session.state, session.signal.aborted])
  try {
    session.throwIfLost()
  } catch (error) {
    thrown = error
  }
  await world.time.pass(5)
  seen.push([session.state, session.signal.aborted])
  expect(seen).toEqual([
    ['lost', false],
    ['lost', true],
  ])
  expect(thrown).toMatchObject({ code: 'LeaseLost' })
})

test('an answer that there is no such lease ends it at once; other failures prove nothing', async () => {
  const world = new Scripted()
  const session = await world.open()
  const third = holderMs(ttlMs) / 3
  world.answer = () => Promise.reject(new NitroError('Unavailable', 'nobody there'))
  await world.time.pass(1.1 * third)
  expect(session.state).toBe('held')
  world.answer = () => Promise.reject(new NitroError('LeaseNotFound', 'no lease 7'))
  await world.time.pass(third)
  expect(session.state).toBe('lost')
  expect(session.signal.aborted).toBe(true)
})

test('a grant that took longer than the bound is renewed before anybody relies on it', async () => {
  const world = new Scripted()
  world.grantTakesMs = 2 * ttlMs
  const session = await world.open()
  expect(world.renewals).toEqual([2 * ttlMs])
  expect(session.leftMs).toBeCloseTo(holderMs(ttlMs), 6)

  const late = new Scripted()
  late.grantTakesMs = 2 * ttlMs
  late.answer = () => Promise.reject(new NitroError('LeaseNotFound', 'no lease 7'))
  await expect(late.open()).rejects.toMatchObject({ code: 'LeaseLost' })
})

test('when node or client are closed, every session is lost, and none opens', async () => {
  const world = new Scripted()
  const session = await world.open()
  world.sessions.close()
  expect(session.state).toBe('lost')
  expect(session.signal.reason).toMatchObject({ code: 'Closed' })
  await expect(world.open()).rejects.toMatchObject({ code: 'Closed' })
})

test('closing tells of a revoke that failed, leaving its scope does not', async () => {
  const world = new Scripted()
  const session = await world.open()
  await expect(session.close()).rejects.toMatchObject({ code: 'Unavailable' })
  await session[Symbol.asyncDispose]()
  expect(world.revoked).toBe(1)
})

test('a time to live that no timer holds is waited for in steps', async () => {
  const time = new VirtualTime()
  const longest = 0x7fff_ffff
  const delays: number[] = []
  const scheduler = {
    endOfTurn: (run: () => void) => time.endOfTurn(run),
    after: (delayMs: number, run: () => void) => {
      delays.push(delayMs)
      return time.after(delayMs, run)
    },
  }
  let renewals = 0
  const ttl = 10 * longest
  const leases: Partial<Leases> = {
    grant: () => Promise.resolve({ id: 1, ttlMs: ttl }),
    keepAlive: () => Promise.resolve(void renewals++).then(() => ttl),
  }
  const session = await new Sessions({ leases: leases as Leases, clock: time, scheduler, holderMs }).open({ ttl })
  await time.pass(2 * ttl)
  expect(Math.max(...delays)).toBeLessThanOrEqual(longest)
  expect(renewals).toBe(6)
  expect(session.state).toBe('held')
})

test('an owner is never told that it holds a lease that the cluster may have ended', async () => {
  const step = fc.record({
    /** Until the leader stamps it, or never. */
    reachMs: fc.oneof(fc.integer({ min: 0, max: 12_000 }), fc.constant(Infinity)),
    backMs: fc.oneof(fc.integer({ min: 0, max: 12_000 }), fc.constant(Infinity)),
  })
  const rates = fc.constantFrom(0.99, 1, 1.01)
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), rates, rates, async (steps, owner, leader) => {
      // Real time is the scheduler's; the owner's clock and the leader's run at rates of their own.
      const time = new VirtualTime()
      const clock = { monotonicMs: () => time.monotonicMs() * owner, wallMs: () => 0 }
      const scheduler = {
        endOfTurn: (run: () => void) => time.endOfTurn(run),
        after: (delayMs: number, run: () => void) => time.after(delayMs / owner, run),
      }
      const wait = (ms: number): Promise<void> =>
        ms === Infinity ? new Promise(() => undefined) : new Promise((resolve) => void time.after(ms, resolve))
      let deadline = Math.floor(time.monotonicMs() * leader) + ttlMs
      let sent = 0
      const leases: Partial<Leases> = {
        grant: () => Promise.resolve({ id: 1, ttlMs }),
        keepAlive: async () => {
          const { reachMs, backMs } = steps[sent++ % steps.length] as (typeof steps)[number]
          await wait(reachMs)
          const stamp = Math.floor(time.monotonicMs() * leader)
          if (stamp >= deadline) throw new NitroError('LeaseNotFound', 'over')
          deadline = stamp + ttlMs
          await wait(backMs)
          return ttlMs
        },
        revoke: () => Promise.resolve({ revision: 1, deleted: 0 }),
      }
      const session = await new Sessions({ leases: leases as Leases, clock, scheduler, holderMs }).open({ ttl: ttlMs })
      for (let at = 0; at < 60_000; at += 97) {
        await time.pass(97)
        const isOver = Math.floor(time.monotonicMs() * leader) >= deadline
        expect(isOver && (session.state === 'held' || session.state === 'uncertain')).toBe(false)
        expect(isOver && !session.signal.aborted).toBe(false)
        if (session.state === 'lost') break
      }
      await session.close()
    }),
    { numRuns: 60 },
  )
})

test('keep-alives of a turn are one command, up to what one may renew', async () => {
  const time = new VirtualTime()
  const sizes: number[] = []
  const engine: Partial<Engine> = {
    command: (_program, _method, args) => {
      // Request and answer have the same form: a count, and so many numbers.
      sizes.push(decodeKeepAliveResult(args).length)
      return Promise.resolve(encodeKeepAliveArgs(decodeKeepAliveResult(args).map((id) => (id % 2 === 0 ? ttlMs : 0))))
    },
  }
  const leases = createLeases(engine as Engine, time)
  const answers = await time.until(
    Promise.allSettled(Array.from({ length: 2_001 }, (_, at) => leases.keepAlive(at + 1))),
  )
  expect(sizes).toEqual([1_000, 1_000, 1])
  expect(answers.map(({ status }) => status === 'fulfilled')).toEqual(answers.map((_, at) => at % 2 === 1))
})
