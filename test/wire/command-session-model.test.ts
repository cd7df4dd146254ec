import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isNitroError, text, utf8 } from '../../base/index.ts'
import { CommandSession } from '../../src/wire/index.ts'
import { seededRandom, VirtualTime } from '../net/schedulers.ts'
import { type Faults, LossyChannel, ModelMachine, noFaults } from '../support/lossy-channel.ts'

const faults: fc.Arbitrary<Faults> = fc.record({
  refused: fc.constantFrom(0, 0.2, 0.5),
  lost: fc.constantFrom(0, 0.1, 0.3),
  answerLost: fc.constantFrom(0, 0.2, 0.5),
  answeredTwice: fc.constantFrom(0, 0.3),
  evicted: fc.constantFrom(0, 0.02, 0.1),
})
const request = fc.record({
  atMs: fc.nat(2_000),
  timeoutMs: fc.option(fc.integer({ min: 1, max: 3_000 }), { nil: undefined }),
  abortAfterMs: fc.option(fc.nat(500), { nil: undefined, freq: 6 }),
})

test('over any channel, an acknowledged command was executed exactly once and none twice', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      faults,
      fc.integer({ min: 1, max: 8 }),
      fc.array(request, { minLength: 1, maxLength: 40 }),
      async (seed, faults, window, requests) => {
        const time = new VirtualTime()
        const random = seededRandom(seed)
        const machine = new ModelMachine(window)
        const channel = new LossyChannel(machine, time, random, faults)
        const session = new CommandSession({
          channel,
          clock: time,
          scheduler: time,
          random,
          window,
          defaultTimeoutMs: 5_000,
        })

        const outcomes = requests.map(async ({ atMs, timeoutMs, abortAfterMs }, i) => {
          await new Promise<void>((resolve) => void time.after(atMs, resolve))
          const abort = new AbortController()
          if (abortAfterMs !== undefined) time.after(abortAfterMs, () => abort.abort('enough'))
          return session.command('test', 'echo', utf8(`c${i}`), { timeoutMs, signal: abort.signal })
        })
        const settled = await time.until(Promise.allSettled(outcomes))
        await time.pass(5_000)

        settled.forEach((outcome, i) => {
          const executed = machine.executions.get(`c${i}`) ?? 0
          expect(executed).toBeLessThanOrEqual(1)
          if (outcome.status === 'fulfilled') {
            expect(text(outcome.value)).toBe(`done:c${i}`)
            expect(executed).toBe(1)
          } else if (outcome.reason !== 'enough') {
            expect(isNitroError(outcome.reason)).toBe(true)
            expect(['Timeout', 'SessionEvicted']).toContain(outcome.reason.code)
            if (outcome.reason.executed === 'no') expect(executed).toBe(0)
          }
        })
        expect(session.pending).toBe(0)
        session.close()
      },
    ),
    { numRuns: 150 },
  )
})

test('when the channel recovers, every command that is still waiting is executed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 60 }),
      async (seed, window, count) => {
        const time = new VirtualTime()
        const random = seededRandom(seed)
        const machine = new ModelMachine(window)
        const bad = { refused: 0.5, lost: 0.5, answerLost: 0.2, answeredTwice: 0.2, evicted: 0 }
        const channel = new LossyChannel(machine, time, random, bad)
        const session = new CommandSession({
          channel,
          clock: time,
          scheduler: time,
          random,
          window,
          defaultTimeoutMs: 60_000,
        })
        time.after(1_000, () => (channel.faults = { ...bad, refused: 0, lost: 0, answerLost: 0 }))
        const outcomes = Array.from({ length: count }, (_, i) => session.command('test', 'echo', utf8(`c${i}`)))
        const answers = await time.until(Promise.all(outcomes))
        expect(answers.map(text)).toEqual(Array.from({ length: count }, (_, i) => `done:c${i}`))
        expect([...machine.executions.values()]).toEqual(Array.from({ length: count }, () => 1))
        session.close()
      },
    ),
    { numRuns: 40 },
  )
})

test('without doubts, evictions and refusals are not even noticed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 60 }),
      async (seed, window, count) => {
        const time = new VirtualTime()
        const random = seededRandom(seed)
        const machine = new ModelMachine(window)
        const channel = new LossyChannel(machine, time, random, { ...noFaults, refused: 0.3, evicted: 0.05 })
        const session = new CommandSession({
          channel,
          clock: time,
          scheduler: time,
          random,
          window,
          defaultTimeoutMs: 60_000,
        })
        const outcomes = Array.from({ length: count }, (_, i) => session.command('test', 'echo', utf8(`c${i}`)))
        const answers = await time.until(Promise.all(outcomes))
        expect(answers.map(text)).toEqual(Array.from({ length: count }, (_, i) => `done:c${i}`))
        expect([...machine.executions.values()]).toEqual(Array.from({ length: count }, () => 1))
        expect(time.monotonicMs()).toBeLessThan(30_000)
        session.close()
      },
    ),
    { numRuns: 40 },
  )
})
