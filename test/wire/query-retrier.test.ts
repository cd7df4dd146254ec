import { expect, test } from 'vitest'
import { isNitroError, NitroError } from '../../base/index.ts'
import { QueryRetrier } from '../../src/wire/index.ts'
import { seededRandom, VirtualTime } from '../net/schedulers.ts'
import { ScriptedChannel } from '../support/scripted-channel.ts'

function setUp() {
  const time = new VirtualTime()
  const channel = new ScriptedChannel()
  const queries = new QueryRetrier({ channel, clock: time, scheduler: time, random: seededRandom(3) })
  return { time, channel, queries }
}

test('a query is repeated through every retryable failure, doubt included', async () => {
  const { channel, queries } = setUp()
  const work = queries.query('kv', 'get', Uint8Array.of(1))
  channel.take().fail('Unavailable')
  queries.retryNow()
  channel.take().fail('ConnectionClosed')
  queries.retryNow()
  const third = channel.take()
  expect(third.command).toMatchObject({ program: 'kv', method: 'get', args: Uint8Array.of(1) })
  third.answer(8)
  expect(await work).toEqual(Uint8Array.of(8))
})

test('what is no name or no bytes is refused at once, and nothing of it stays under way', async () => {
  const { channel, queries } = setUp()
  const bytes = new Uint8Array()
  for (const name of [undefined, null, 5, '', 'x'.repeat(129)] as string[]) {
    await expect(queries.query(name, 'get', bytes)).rejects.toMatchObject({ code: 'InvalidArgument' })
    await expect(queries.query('kv', name, bytes)).rejects.toMatchObject({ code: 'InvalidArgument' })
  }
  for (const args of [undefined, 'abc', 5, {}, new ArrayBuffer(4), new DataView(new ArrayBuffer(4))]) {
    const work = queries.query('kv', 'get', args as Uint8Array)
    await expect(work).rejects.toMatchObject({ code: 'InvalidArgument' })
  }
  queries.retryNow()
  const work = queries.query('kv', 'get', bytes)
  channel.take().answer(1)
  expect(await work).toEqual(Uint8Array.of(1))
})

test('a query that ran out of time certainly did nothing', async () => {
  const { time, queries } = setUp()
  const work = queries.query('kv', 'get', new Uint8Array(), { timeoutMs: 50 }).catch((error: unknown) => error)
  const error = await time.until(work)
  expect(isNitroError(error, 'Timeout') && error.executed).toBe('no')
  expect(time.monotonicMs()).toBe(50)
})

test('each attempt is told how much time is left', async () => {
  const time = new VirtualTime()
  const left: number[] = []
  const queries = new QueryRetrier({
    channel: {
      query(_program, _method, _args, _consistency, timeoutMs, done, tag) {
        left.push(timeoutMs)
        if (left.length === 3) done.completed(tag, Uint8Array.of(0))
        else time.after(30, () => done.failed(tag, new NitroError('NotLeader', 'not the leader')))
      },
    },
    clock: time,
    scheduler: time,
    random: seededRandom(3),
  })
  await time.until(queries.query('kv', 'get', new Uint8Array(), { timeoutMs: 200 }))
  expect(left[0]).toBe(200)
  expect(left[1]).toBeLessThanOrEqual(170)
  expect(left[2]).toBeLessThanOrEqual(140)
})

test('what the program answers is not repeated', async () => {
  const { channel, queries } = setUp()
  const work = queries.query('p', 'q', new Uint8Array()).catch((error: unknown) => error)
  channel.take().answerError('UnknownProgram')
  expect(await work).toMatchObject({ code: 'UnknownProgram' })
  expect(channel.submissions).toEqual([])
})

test('a level of consistency that does not exist is refused, not taken for the weaker one', async () => {
  const { queries } = setUp()
  const options = JSON.parse('{"consistency":"Linearizable"}') as { consistency: 'linearizable' }
  const error = await queries.query('kv', 'get', new Uint8Array(), options).catch((thrown: unknown) => thrown)
  expect(isNitroError(error, 'InvalidArgument')).toBe(true)
})
