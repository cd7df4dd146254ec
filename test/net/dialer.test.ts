import { beforeEach, describe, expect, test } from 'vitest'
import { NitroError } from '../../base/index.ts'
import {
  acceptSession,
  Dialer,
  type DialerOptions,
  type Listener,
  MemoryNetwork,
  type Session,
} from '../../net/index.ts'
import { peer } from './peers.ts'
import { seededRandom, VirtualTime } from './schedulers.ts'

describe('dialer', () => {
  let time: VirtualTime
  let network: MemoryNetwork
  let events: string[]
  let served: Session[]

  beforeEach(() => {
    time = new VirtualTime()
    network = new MemoryNetwork({
      scheduler: time,
      clock: time,
      random: seededRandom(1),
      delayMs: { min: 1, max: 1 },
    })
    events = []
    served = []
  })

  function serve(address = 'a:1', refuse?: NitroError): Promise<Listener> {
    return network.transport('a').listen(address, (link) => {
      acceptSession(link, { scheduler: time, timeoutMs: 1_000, answer: () => refuse ?? peer('n22') }).then(
        (session) => {
          served.push(session)
          session.start({ message() {}, close() {} })
        },
        () => {},
      )
    })
  }

  function dialer(more: Partial<DialerOptions> = {}): Dialer {
    return new Dialer({
      transport: network.transport('b'),
      scheduler: time,
      random: seededRandom(5),
      address: 'a:1',
      hello: () => peer('n1'),
      verify: () => undefined,
      up(session) {
        events.push('up')
        session.start({ message() {}, close: (error) => events.push(`close ${error?.code}`) })
      },
      down: (error) => events.push(`down ${error?.code}`),
      refused: (error, permanent) =>
        events.push(`refused ${error.code} ${permanent} ${Math.round(time.monotonicMs())}`),
      ...more,
    })
  }

  test('a session comes up, and again after it was lost', async () => {
    await serve()
    const it = dialer()
    it.start()
    expect(events).toEqual([])
    await time.pass(20)
    expect(events).toEqual(['up'])
    expect(it.session?.remote.name).toBe('n22')
    network.cut('a', 'b')
    await time.pass(200)
    expect(events).toEqual(['up', 'close ConnectionClosed', 'down ConnectionClosed', 'up'])
  })

  test('the end of a session is told to its owner before the dialer says down', async () => {
    await serve()
    dialer().start()
    await time.pass(20)
    served[0]?.close(new NitroError('Removed', 'bye'))
    await time.pass(10)
    expect(events.slice(0, 3)).toEqual(['up', 'close Removed', 'down Removed'])
  })

  test('a session closed by its owner without ever being started is dialed again', async () => {
    await serve()
    let ups = 0
    dialer({
      up: (session) => {
        if (++ups === 1) session.close()
      },
    }).start()
    await time.pass(200)
    expect([ups, events]).toEqual([2, ['down undefined']])
  })

  test('pauses are random below a bound that doubles up to the highest', async () => {
    const halves = { u32: () => 0x8000_0000, bytes: (length: number) => new Uint8Array(length) }
    dialer({ random: halves, backoffMinMs: 100, backoffMaxMs: 1_000 }).start()
    await time.pass(3_500)
    const times = events.map((event) => Number(event.split(' ').at(-1)))
    const pauses = times.slice(1).map((at, i) => at - (times[i] as number) - 2)
    expect(pauses.slice(0, 8)).toEqual([50, 100, 200, 400, 500, 500, 500, 500])
    expect(events[0]).toMatch(/^refused Unavailable false/)
  })

  test('a session that dies young does not reset the pauses, one that lasted does', async () => {
    await serve()
    const halves = { u32: () => 0x8000_0000, bytes: (length: number) => new Uint8Array(length) }
    const ups: number[] = []
    dialer({
      random: halves,
      backoffMinMs: 100,
      backoffMaxMs: 1_000,
      up(session) {
        ups.push(time.monotonicMs())
        session.start({ message() {}, close() {} })
        if (ups.length !== 4) session.close()
      },
    }).start()
    await time.pass(3_000)
    expect(ups.length).toBe(4)
    const gaps = ups.slice(1).map((at, i) => Math.round(at - (ups[i] as number)))
    expect([(gaps[1] as number) - (gaps[0] as number), (gaps[2] as number) - (gaps[1] as number)]).toEqual([50, 100])
    const lost = time.monotonicMs()
    network.cut('a', 'b')
    await time.pass(100)
    expect((ups[4] as number) - lost).toBeLessThan(60)
  })

  test('a permanent refusal is reported as such and retried slowly', async () => {
    await serve('a:1', new NitroError('IdentityLost', 'unknown incarnation'))
    dialer({ slowRetryMs: 10_000 }).start()
    await time.pass(25_000)
    expect(events.map((event) => event.split(' ').slice(0, 3).join(' '))).toEqual(
      Array.from({ length: 3 }, () => 'refused IdentityLost true'),
    )
  })

  test('what verify says is a refusal too', async () => {
    await serve()
    dialer({ verify: () => new NitroError('WrongCluster', 'other') }).start()
    await time.pass(50)
    expect(events.length).toBe(1)
    expect(events[0]).toMatch(/^refused WrongCluster true/)
  })

  test('an acceptor that never answers the hello is given up after the timeout', async () => {
    await network.transport('a').listen('a:1', (link) => link.start({ frame() {}, close() {} }))
    dialer({ timeoutMs: 300 }).start()
    await time.pass(310)
    expect(events[0]).toMatch(/^refused Timeout false/)
  })

  test('another address is dialed at once, and the session to the old one closed', async () => {
    await serve('a:1')
    await serve('a:2')
    const it = dialer()
    it.start()
    await time.pass(20)
    it.setAddress('a:2')
    await time.pass(100)
    expect(events).toEqual(['up', 'close undefined', 'down undefined', 'up'])
    expect(it.session?.remoteAddress).toBe('a:2')
  })

  test('another address during a long pause is dialed at once', async () => {
    await serve('a:2')
    const it = dialer({ backoffMinMs: 1_000_000, backoffMaxMs: 1_000_000 })
    it.start()
    await time.pass(50)
    it.setAddress('a:2')
    await time.pass(20)
    expect(events.at(-1)).toBe('up')
  })

  test('stop during a dial, a handshake or a session ends everything', async () => {
    for (const afterMs of [0, 1, 3, 4, 5, 30]) {
      events = []
      const listener = await serve()
      const it = dialer()
      it.start()
      await time.pass(afterMs)
      it.stop()
      await time.pass(100)
      const expected = events.includes('up') ? ['up', 'close undefined', 'down undefined'] : []
      expect(events).toEqual(expected)
      expect(it.session).toBe(undefined)
      await listener.close()
    }
  })
})
