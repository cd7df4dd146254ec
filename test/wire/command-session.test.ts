import { describe, expect, test } from 'vitest'
import { concatBytes, isNitroError, NitroError } from '../../base/index.ts'
import { CommandSession } from '../../src/wire/index.ts'
import type { CommandOwner } from '../../src/wire/index.ts'
import { seededRandom, VirtualTime } from '../net/schedulers.ts'
import { ScriptedChannel } from '../support/scripted-channel.ts'

const noArgs = new Uint8Array()

function setUp(options: { readonly window?: number; readonly opens?: boolean } = {}) {
  const time = new VirtualTime()
  const channel = new ScriptedChannel({ opens: options.opens ?? true })
  const { window } = options
  const session = new CommandSession({ channel, clock: time, scheduler: time, random: seededRandom(7), window })
  const send = (timeoutMs?: number, signal?: AbortSignal): Promise<Uint8Array> =>
    session.command('p', 'm', noArgs, { timeoutMs, signal })
  return { time, channel, session, send }
}

async function errorOf(work: Promise<unknown>): Promise<NitroError> {
  const error: unknown = await work.catch((reason: unknown) => reason)
  if (!isNitroError(error)) throw new Error(`expected a NitroError, got ${String(error)}`)
  return error
}

/** Takes commands in pieces. */
class SplitChannel extends ScriptedChannel {
  submitParts(from: Uint8Array, start: number, end: number, args: Uint8Array, done: CommandOwner, tag: number): void {
    this.submit(concatBytes([from.subarray(start, end), args]), done, tag)
  }
}

describe('numbers', () => {
  test('the session is opened by the first command, which waits for it', async () => {
    const { channel, send } = setUp({ opens: false })
    expect(channel.submissions).toEqual([])
    const work = send()
    const open = channel.take()
    expect(open.command).toMatchObject({ program: 'session', method: 'open' })
    expect(channel.submissions).toEqual([])
    open.answer(1)
    const first = channel.take()
    expect(first.command).toMatchObject({ seq: 1, answeredUpTo: 0, session: open.command.args })
    first.answer(42)
    expect(await work).toEqual(Uint8Array.of(42))
  })

  test('answeredUpTo passes only numbers whose predecessors are all answered', () => {
    const { channel, send } = setUp()
    for (let i = 0; i < 3; i++) void send()
    const [one, two, three] = [channel.take(), channel.take(), channel.take()]
    three.answer()
    two.answer()
    void send()
    expect(channel.take().command).toMatchObject({ seq: 4, answeredUpTo: 0 })
    one.answer()
    void send()
    expect(channel.take().command).toMatchObject({ seq: 5, answeredUpTo: 3 })
  })

  test('a number above the window waits until there is room', () => {
    const { channel, send } = setUp({ window: 2 })
    for (let i = 0; i < 4; i++) void send()
    expect(channel.submissions.length).toBe(2)
    const [one, two] = [channel.take(), channel.take()]
    two.answer()
    expect(channel.submissions.length).toBe(0)
    one.answer()
    expect(channel.submissions.map(({ command }) => command.seq)).toEqual([3, 4])
  })
})

describe('attempts', () => {
  test('after a doubt the very same bytes are sent again', async () => {
    const { time, channel, send } = setUp()
    const work = send()
    const first = channel.take()
    first.fail('ConnectionClosed')
    await time.pass(20)
    const second = channel.take()
    expect(second.bytes).toEqual(first.bytes)
    second.answer(1)
    expect(await work).toEqual(Uint8Array.of(1))
  })

  test('a command with a reader resolves with what it makes of the payload, where it lies', async () => {
    const { channel, session } = setUp()
    const read = (frame: Uint8Array, start: number, end: number): number[] => [...frame.subarray(start, end)]
    const work = session.commandAs('p', 'm', noArgs, undefined, read)
    const { done, tag } = channel.take()
    done.completedIn?.(tag, Uint8Array.of(9, 0, 7, 8, 9), 1, 4)
    expect(await work).toEqual([7, 8])
  })

  test('what the reader throws is thrown, and the number counts as answered', async () => {
    const { channel, session, send } = setUp()
    const work = session.commandAs('p', 'm', noArgs, undefined, () => {
      throw new NitroError('MalformedFrame', 'not what was expected')
    })
    channel.take().answer(1)
    expect((await errorOf(work)).code).toBe('MalformedFrame')
    void send()
    expect(channel.take().command).toMatchObject({ seq: 2, answeredUpTo: 1 })
  })

  test('a split command is the same bytes for all attempts, whether the channel takes pieces or not', async () => {
    const args = Uint8Array.of(5, 6, 7)
    const attempts: Uint8Array[] = []
    for (const channel of [new ScriptedChannel(), new SplitChannel()]) {
      const time = new VirtualTime()
      const session = new CommandSession({ channel, clock: time, scheduler: time, random: seededRandom(7) })
      void session.commandAs('p', 'm', args, undefined, () => undefined)
      const first = channel.take()
      expect(first.command).toMatchObject({ seq: 1, program: 'p', method: 'm', args })
      first.fail('ConnectionClosed')
      await time.pass(20)
      attempts.push(first.bytes, channel.take().bytes)
    }
    expect(new Set(attempts.map((bytes) => bytes.join())).size).toBe(1)
  })

  test('pauses grow from at most 10 ms to at most 500 ms, and start anew after a success', async () => {
    const { time, channel, send } = setUp()
    const work = send(60_000)
    const pauses: number[] = []
    for (let i = 0; i < 9; i++) {
      const startedMs = time.monotonicMs()
      channel.take().fail('NotLeader')
      while (channel.submissions.length === 0) await time.pass(1)
      pauses.push(time.monotonicMs() - startedMs)
    }
    expect(pauses[0]).toBeLessThanOrEqual(11)
    expect(pauses[4]).toBeGreaterThanOrEqual(80)
    for (const pause of pauses.slice(7)) expect(pause).toBeGreaterThanOrEqual(250)
    for (const pause of pauses) expect(pause).toBeLessThanOrEqual(501)
    channel.take().answer()
    await work
    void send()
    channel.take().fail('NotLeader')
    await time.pass(11)
    expect(channel.submissions.length).toBe(1)
  })

  test('retryNow does not wait for the pause', () => {
    const { channel, session, send } = setUp()
    void send()
    channel.take().fail('Unavailable')
    session.retryNow()
    expect(channel.submissions.length).toBe(1)
  })

  test('a node that closes is left, not believed: the command goes on elsewhere', async () => {
    const { channel, session, send } = setUp()
    const work = send()
    channel.take().answerError('Closed')
    session.retryNow()
    channel.take().answer(5)
    expect(await work).toEqual(Uint8Array.of(5))
  })

  test('an error of the program is the answer', async () => {
    const { channel, send } = setUp()
    const work = send()
    channel.take().answerError('UnknownProgram')
    expect(await errorOf(work)).toMatchObject({ code: 'UnknownProgram', executed: 'no' })
  })

  test('a refusal after a doubt does not undo the doubt', async () => {
    const { channel, session, send } = setUp()
    const work = send()
    channel.take().fail('ConnectionClosed')
    session.retryNow()
    channel.take().fail('RequestTooLarge')
    expect(await errorOf(work)).toMatchObject({ code: 'RequestTooLarge', executed: 'maybe' })
  })

  test('an unreadable result is a doubt, not an answer', async () => {
    const { send } = setUp()
    const time = new VirtualTime()
    const session = new CommandSession({
      channel: { submit: (_bytes, done, tag) => done.completed(tag, Uint8Array.of(99)) },
      clock: time,
      scheduler: time,
      random: seededRandom(1),
    })
    void send()
    expect(await errorOf(session.command('p', 'm', noArgs))).toMatchObject({
      code: 'MalformedFrame',
      executed: 'maybe',
    })
  })
})

describe('giving up', () => {
  test('a deadline is maybe while an attempt is under way, and no when every attempt was refused', async () => {
    const { time, channel, send } = setUp()
    const underWay = errorOf(send(100))
    channel.take()
    expect(await time.until(underWay)).toMatchObject({ code: 'Timeout', executed: 'maybe' })
    const refused = errorOf(send(100))
    let over = false
    void refused.then(() => (over = true))
    while (!over) {
      while (channel.submissions.length > 0) channel.take().fail('NotLeader')
      await time.pass(5)
    }
    expect(await refused).toMatchObject({ code: 'Timeout', executed: 'no', details: { last: 'NotLeader' } })
  })

  test('a deadline without a session is no', async () => {
    const { time, send } = setUp({ opens: false })
    expect(await time.until(errorOf(send(100)))).toMatchObject({ code: 'Timeout', executed: 'no' })
  })

  test('each deadline is kept, whatever the order they were given in', async () => {
    const { time, send } = setUp()
    const overAt = await time.until(
      Promise.all(
        [500, 20, 300, 100].map(async (timeoutMs) => {
          await errorOf(send(timeoutMs))
          return time.monotonicMs()
        }),
      ),
    )
    expect(overAt).toEqual([500, 20, 300, 100])
  })

  test('an abort rejects at once with its reason, and its number counts as answered', async () => {
    const { channel, send } = setUp()
    const abort = new AbortController()
    const work = send(undefined, abort.signal).catch((reason: unknown) => reason)
    const late = channel.take()
    abort.abort('changed my mind')
    expect(await work).toBe('changed my mind')
    void send()
    expect(channel.take().command).toMatchObject({ seq: 2, answeredUpTo: 1 })
    late.answer()
  })

  test('a signal does not keep settled commands', async () => {
    const { channel, send } = setUp()
    const { signal } = new AbortController()
    let listeners = 0
    const { addEventListener, removeEventListener } = signal
    Object.assign(signal, {
      addEventListener: (...args: Parameters<typeof addEventListener>) => (
        listeners++,
        addEventListener.apply(signal, args)
      ),
      removeEventListener: (...args: Parameters<typeof removeEventListener>) => {
        listeners--
        removeEventListener.apply(signal, args)
      },
    })
    const work = send(undefined, signal)
    expect(listeners).toBe(1)
    channel.take().answer()
    await work
    expect(listeners).toBe(0)
  })

  test('close rejects what is under way, tells the machine, and refuses what comes after', async () => {
    const { channel, session, send } = setUp({ window: 1 })
    const [sent, queued] = [errorOf(send()), errorOf(send())]
    const { session: id } = channel.take().command
    session.close()
    expect(await sent).toMatchObject({ code: 'Closed', executed: 'maybe' })
    expect(await queued).toMatchObject({ code: 'Closed', executed: 'no' })
    expect(channel.take().command).toMatchObject({ program: 'session', method: 'close', args: id })
    expect(await errorOf(send())).toMatchObject({ code: 'Closed', executed: 'no' })
    expect(channel.submissions).toEqual([])
  })
})

describe('eviction', () => {
  test('a command sent once is sent again in a new session', async () => {
    const { channel, send } = setUp()
    const work = send()
    const first = channel.take()
    first.answerError('SessionEvicted')
    const second = channel.take()
    expect(second.command.session).not.toEqual(first.command.session)
    expect(second.command).toMatchObject({ seq: 1, answeredUpTo: 0 })
    second.answer(3)
    expect(await work).toEqual(Uint8Array.of(3))
  })

  test('a command in doubt is given up, because nobody can know any more', async () => {
    const { channel, session, send } = setUp()
    const work = send()
    channel.take().fail('ConnectionClosed')
    session.retryNow()
    channel.take().answerError('SessionEvicted')
    expect(await errorOf(work)).toMatchObject({ code: 'SessionEvicted', executed: 'maybe' })
  })

  test('commands that wait for another attempt learn of the eviction without making it', async () => {
    const { channel, session, send } = setUp()
    const doubtful = send()
    const sure = send()
    const evicted = send()
    channel.take().fail('ConnectionClosed')
    channel.take().fail('NotLeader')
    channel.take().answerError('SessionEvicted')
    channel.take().answer(3)
    session.retryNow()
    channel.take().answer(2)
    expect(await errorOf(doubtful)).toMatchObject({ code: 'SessionEvicted', executed: 'maybe' })
    expect(await sure).toEqual(Uint8Array.of(2))
    expect(await evicted).toEqual(Uint8Array.of(3))
  })

  test('an answer of the old session that comes late is still an answer', async () => {
    const { channel, send } = setUp()
    const slow = send()
    void send()
    const slowAttempt = channel.take()
    channel.take().answerError('SessionEvicted')
    slowAttempt.answer(1)
    expect(await slow).toEqual(Uint8Array.of(1))
  })

  test('every attempt to open uses a new id, so a delayed copy revives no session', () => {
    const { channel, session, send } = setUp({ opens: false })
    void send()
    const first = channel.take()
    first.fail('ConnectionClosed')
    session.retryNow()
    const second = channel.take()
    expect(second.command.method).toBe('open')
    expect(second.command.args).not.toEqual(first.command.args)
  })

  test('while opening is being retried, further commands do not open as well', () => {
    const { channel, session, send } = setUp({ opens: false })
    void send()
    channel.take().fail('Unavailable')
    void send()
    void send()
    expect(channel.submissions).toEqual([])
    session.retryNow()
    channel.take().answer(1)
    expect(channel.submissions.length).toBe(3)
  })

  test('a session that can not be opened fails the commands that wait for it', async () => {
    const { channel, send } = setUp({ opens: false })
    const work = send()
    channel.take().answerError('LimitExceeded')
    expect(await errorOf(work)).toMatchObject({ code: 'LimitExceeded' })
    void send()
    expect(channel.take().command.method).toBe('open')
  })
})

describe('bounds', () => {
  test('above 65,536 unsettled commands the next is Overloaded', async () => {
    const { session, send } = setUp({ opens: false })
    const works: Promise<unknown>[] = []
    for (let i = 0; i < 65_536; i++) works.push(send().catch(() => undefined))
    expect(await errorOf(send())).toMatchObject({ code: 'Overloaded', executed: 'no' })
    session.close()
    await Promise.all(works)
    expect(session.pending).toBe(0)
  })

  test('arguments that fit no command are refused before they take a number', async () => {
    const { channel, session, send } = setUp()
    const large = session.command('p', 'm', new Uint8Array(2 * 1024 * 1024))
    expect(await errorOf(large)).toMatchObject({ code: 'RequestTooLarge', executed: 'no' })
    void send()
    expect(channel.take().command.seq).toBe(1)
  })

  test('many commands share one timer', () => {
    const { time, channel, session, send } = setUp()
    let timers = 0
    const after = time.after.bind(time)
    time.after = (delayMs, run) => (timers++, after(delayMs, run))
    for (let i = 0; i < 500; i++) void send()
    expect(timers).toBe(1)
    expect(channel.submissions.length).toBe(500)
    expect(session.pending).toBe(500)
  })
})

describe('a session of somebody', () => {
  test('says so as soon as the machine must know, under a new number; others are refused', async () => {
    const { channel, time } = setUp({ opens: false })
    const caller = (needed: boolean) => (needed ? ('owner' as const) : undefined)
    const session = new CommandSession({ channel, clock: time, scheduler: time, random: seededRandom(8), caller })
    const work = session.command('p', 'm', noArgs)
    const unnamed = channel.take()
    expect(unnamed.command.caller).toBeUndefined()
    unnamed.answerError('UserEmpty')
    const open = channel.take()
    expect(open.command).toMatchObject({ method: 'open', caller: 'owner' })
    open.answer(1)
    const first = channel.take()
    expect(first.command).toMatchObject({ seq: 1 })
    expect(first.command.caller).toBeUndefined()
    first.answerError('UserEmpty')
    const second = channel.take()
    expect(second.command).toMatchObject({ seq: 2, answeredUpTo: 1, caller: 'owner' })
    second.answer(5)
    expect(await work).toEqual(Uint8Array.of(5))
    const named = session.command('p', 'm', noArgs, {}, { user: 'ada', authRevision: 3 })
    const third = channel.take()
    expect(third.command.caller).toEqual({ user: 'ada', authRevision: 3 })
    third.answerError('UserEmpty')
    expect((await errorOf(named)).code).toBe('UserEmpty')
  })

  test('that nobody knows is refused', async () => {
    const { channel, send } = setUp()
    const work = send()
    channel.take().answerError('UserEmpty')
    expect((await errorOf(work)).code).toBe('UserEmpty')
  })
})
