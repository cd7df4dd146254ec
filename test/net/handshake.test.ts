import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { concatBytes, emptyBytes, NitroError } from '../../base/index.ts'
import {
  acceptSession,
  connectSession,
  decodeHandshake,
  encodeHello,
  type Hello,
  type Link,
  maxHelloBytes,
  type Session,
  verifyPeer,
} from '../../net/index.ts'
import { codeOf, connectPair, Recorder, type TransportFixture } from '../compliance/transport.ts'
import { memoryFixture, wsFixture } from './fixtures.ts'
import { peer } from './peers.ts'
import { ManualTimers } from './schedulers.ts'

/** What a session delivered. */
class Inside {
  readonly messages: (readonly [number, Uint8Array])[] = []
  readonly ends: (NitroError | undefined)[] = []
  private waiting: (() => void)[] = []

  readonly handlers = {
    message: (kind: number, payload: Uint8Array): void => this.note(() => this.messages.push([kind, payload])),
    close: (error: NitroError | undefined): void => this.note(() => this.ends.push(error)),
  }

  async count(messages: number, ends: number): Promise<void> {
    while (this.messages.length < messages || this.ends.length < ends) {
      await new Promise<void>((resolve) => this.waiting.push(resolve))
    }
  }

  private note(change: () => void): void {
    change()
    for (const resolve of this.waiting.splice(0)) resolve()
  }
}

describe.each([
  ['memory', memoryFixture],
  ['ws', wsFixture],
] as const)('handshake over %s', (_name, open) => {
  let fixture: TransportFixture
  let near: Link
  let far: Link
  beforeEach(async () => {
    fixture = await open()
    const pair = await connectPair(fixture)
    near = pair.near
    far = pair.far
  })
  afterEach(async () => {
    near.close()
    await fixture.close()
  })

  const timing = () => ({ scheduler: fixture.scheduler, timeoutMs: 10_000 })
  const connect = (mine: Hello, verify = (theirs: Hello) => verifyPeer(mine, theirs)) =>
    connectSession(near, mine, { ...timing(), verify })
  const accept = (answer: (theirs: Hello) => Hello | NitroError) => acceptSession(far, { ...timing(), answer })

  async function sessions(): Promise<[Session, Session]> {
    const n1 = peer('n1')
    const n22 = peer('n22')
    return fixture.until(Promise.all([connect(n1), accept((theirs) => verifyPeer(n22, theirs) ?? n22)]))
  }

  async function refusal(mine: Hello, answer: (theirs: Hello) => Hello | NitroError) {
    const both = [codeOf(connect(mine)), codeOf(accept(answer))]
    return fixture.until(Promise.all(both))
  }

  test('each side learns the whole hello of the other and the same version', async () => {
    const [a, b] = await sessions()
    expect(a.remote).toEqual(peer('n22'))
    expect(b.remote).toEqual(peer('n1'))
    expect([a.version, b.version]).toEqual([1, 1])
  })

  test('messages arrive in order with their kinds, also those sent before the other side started', async () => {
    const [a, b] = await sessions()
    const atA = new Inside()
    const atB = new Inside()
    expect(b.send(16, Uint8Array.of(1))).toBe(true)
    b.start(atB.handlers)
    a.send(255, emptyBytes)
    a.sendParts(17, [Uint8Array.of(1, 2), emptyBytes, Uint8Array.of(3)])
    await fixture.until(atB.count(2, 0))
    a.start(atA.handlers)
    b.send(18, Uint8Array.of(2))
    await fixture.until(atA.count(2, 0))
    expect(atB.messages).toEqual([
      [255, emptyBytes],
      [17, Uint8Array.of(1, 2, 3)],
    ])
    expect(atA.messages).toEqual([
      [16, Uint8Array.of(1)],
      [18, Uint8Array.of(2)],
    ])
  })

  test('a session paused at its start delivers nothing until it is resumed', async () => {
    const [a, b] = await sessions()
    const atA = new Inside()
    const atB = new Inside()
    a.start(atA.handlers)
    b.start(atB.handlers)
    b.pause()
    a.send(16, emptyBytes)
    b.send(17, emptyBytes)
    await fixture.until(atA.count(1, 0))
    a.send(18, emptyBytes)
    b.send(19, emptyBytes)
    await fixture.until(atA.count(2, 0))
    expect(atB.messages).toEqual([])
    b.resume()
    await fixture.until(atB.count(2, 0))
    expect(atB.messages.map(([kind]) => kind)).toEqual([16, 18])
  })

  test('kinds below 16 and above 255 are not for callers', async () => {
    const [a] = await sessions()
    for (const kind of [0, 15, 256, -1, 16.5]) expect(() => a.send(kind, emptyBytes)).toThrow('message kind')
  })

  test('a goodbye brings the whole error to the other side', async () => {
    const [a, b] = await sessions()
    const atA = new Inside()
    const atB = new Inside()
    a.start(atA.handlers)
    b.start(atB.handlers)
    const ends: (NitroError | undefined)[] = []
    b.onClose((error) => ends.push(error))
    const details = { name: 'n1', count: 3, list: ['x', 'y'], none: null, yes: true }
    a.send(16, emptyBytes)
    a.close(new NitroError('Removed', 'long '.repeat(60), { details, executed: 'maybe', retryable: true }))
    await fixture.until(Promise.all([atA.count(0, 1), atB.count(1, 1)]))
    expect(atB.ends[0]).toMatchObject({ code: 'Removed', details, executed: 'maybe', retryable: true })
    expect(atB.ends[0]?.message).toBe('long '.repeat(60))
    expect(ends).toEqual(atB.ends)
    expect(atA.ends[0]?.code).toBe('Removed')
  })

  test('a goodbye said before the other side started is told at its start, after the messages', async () => {
    const [a, b] = await sessions()
    a.send(16, Uint8Array.of(1))
    a.close(new NitroError('Removed', 'bye', { details: { name: 'n1' } }))
    const atA = new Inside()
    a.start(atA.handlers)
    await fixture.until(atA.count(0, 1))
    const atB = new Inside()
    b.start(atB.handlers)
    await fixture.until(atB.count(1, 1))
    expect(atB.ends[0]).toMatchObject({ code: 'Removed', details: { name: 'n1' } })
  })

  test('a message that its owner cannot decode closes the session with MalformedFrame', async () => {
    const [a, b] = await sessions()
    const atA = new Inside()
    a.start(atA.handlers)
    b.start({
      message: () => {
        throw new NitroError('MalformedFrame', 'nonsense')
      },
      close() {},
    })
    a.send(16, emptyBytes)
    await fixture.until(atA.count(0, 1))
    expect(atA.ends[0]?.code).toBe('MalformedFrame')
  })

  test.each([
    ['no bytes', []],
    ['another version', [2, 16]],
    ['no kind', [1]],
    ['a kind reserved for net', [1, 9]],
    ['a second hello', [1, 1]],
  ])('a frame with %s ends the session', async (_what, bytes) => {
    const mine = peer('n1')
    const accepted = accept(() => peer('n22'))
    const recorder = new Recorder()
    near.start(recorder.handlers)
    near.send(encodeHello(mine))
    const session = await fixture.until(accepted)
    const inside = new Inside()
    session.start(inside.handlers)
    near.send(Uint8Array.from(bytes))
    await fixture.until(inside.count(0, 1))
    expect(inside.ends[0]?.code).toBe('MalformedFrame')
    expect(inside.messages).toEqual([])
  })

  test('frames pipelined behind the hello reach the session', async () => {
    const accepted = accept(() => peer('n22'))
    near.start(new Recorder().handlers)
    near.send(encodeHello(peer('n1')))
    for (let i = 0; i < 100; i++) near.send(Uint8Array.of(1, 16, i))
    const session = await fixture.until(accepted)
    const inside = new Inside()
    session.start(inside.handlers)
    await fixture.until(inside.count(100, 0))
    expect(inside.messages.map(([, payload]) => payload[0])).toEqual(Array.from({ length: 100 }, (_, i) => i))
  })

  test('another cluster is refused by the acceptor, and both sides know why', async () => {
    const mine = peer('n1', { clusterId: new Uint8Array(16).fill(9) })
    expect(await refusal(mine, (theirs) => verifyPeer(peer('n22'), theirs) ?? peer('n22'))).toEqual([
      'WrongCluster',
      'WrongCluster',
    ])
  })

  test('another cluster is refused by the dialer, and the acceptor is told', async () => {
    const mine = peer('n1', { clusterId: new Uint8Array(16).fill(9) })
    const accepted = accept(() => peer('n22'))
    const inside = new Inside()
    const dialed = codeOf(connect(mine))
    const session = await fixture.until(accepted)
    session.start(inside.handlers)
    expect(await fixture.until(dialed)).toBe('WrongCluster')
    await fixture.until(inside.count(0, 1))
    expect(inside.ends[0]?.code).toBe('WrongCluster')
  })

  test('a member that meets its own name is refused as a duplicate', async () => {
    const mine = peer('n1', { incarnation: new Uint8Array(16).fill(7) })
    expect(await refusal(mine, (theirs) => verifyPeer(peer('n1'), theirs) ?? peer('n1'))).toEqual([
      'DuplicateName',
      'DuplicateName',
    ])
  })

  test('what the acceptor refuses with arrives unchanged', async () => {
    const details = { member: 'n1', commands: ['nitrostate member replace n1'] }
    const error = new NitroError('IdentityLost', 'another incarnation of n1', { details })
    const dialed = connect(peer('n1')).catch((thrown: unknown) => thrown)
    const accepted = codeOf(accept(() => error))
    expect(await fixture.until(dialed)).toMatchObject({ code: 'IdentityLost', message: error.message, details })
    expect(await fixture.until(accepted)).toBe('IdentityLost')
  })

  test.each([
    [2, 3],
    [2, 255],
  ])('a dialer of versions %i-%i is refused on both sides', async (protocolMin, protocolMax) => {
    const mine = peer('n1', { protocolMin, protocolMax })
    expect(await refusal(mine, () => peer('n22'))).toEqual(['UnsupportedVersion', 'UnsupportedVersion'])
  })

  test('an acceptor that answers with other versions is refused on both sides', async () => {
    const answer = () => peer('n22', { protocolMin: 2, protocolMax: 2 })
    expect(await refusal(peer('n1'), answer)).toEqual(['UnsupportedVersion', 'UnsupportedVersion'])
  })

  test('the highest common version is taken', async () => {
    const both = [connect(peer('n1', { protocolMax: 7 })), accept(() => peer('n22', { protocolMax: 4 }))]
    const [a, b] = await fixture.until(Promise.all(both))
    expect([a?.version, b?.version]).toEqual([4, 4])
  })

  test('a side that says nothing is a Timeout, and the link is closed', async () => {
    const timers = new ManualTimers()
    const scheduler = {
      after: timers.after.bind(timers),
      endOfTurn: fixture.scheduler.endOfTurn.bind(fixture.scheduler),
    }
    const accepted = codeOf(acceptSession(far, { scheduler, timeoutMs: 77, answer: () => peer('n22') }))
    const recorder = new Recorder()
    near.start(recorder.handlers)
    expect(timers.fire(77)).toBe(1)
    expect(await fixture.until(accepted)).toBe('Timeout')
    await fixture.until(recorder.when(() => recorder.ends.length === 1))
    expect(recorder.ends[0]?.code).toBe('Timeout')
  })

  test('a link that ends during the handshake is ConnectionClosed', async () => {
    const accepted = codeOf(accept(() => peer('n22')))
    near.start(new Recorder().handlers)
    near.close()
    expect(await fixture.until(accepted)).toBe('ConnectionClosed')
  })

  test('a hello of ours that cannot be sent is InvalidArgument, and the link is closed', async () => {
    const recorder = new Recorder()
    far.start(recorder.handlers)
    expect(await fixture.until(codeOf(connect(peer('n1', { startId: new Uint8Array(1) }))))).toBe('InvalidArgument')
    await fixture.until(recorder.when(() => recorder.ends.length === 1))
    expect(recorder.frames).toEqual([])
  })

  test('half a hello is refused with MalformedFrame', async () => {
    const accepted = codeOf(accept(() => peer('n22')))
    const recorder = new Recorder()
    near.start(recorder.handlers)
    near.send(encodeHello(peer('n1')).subarray(0, 40))
    expect(await fixture.until(accepted)).toBe('MalformedFrame')
    await fixture.until(recorder.when(() => recorder.ends.length === 1))
    const told = decodeHandshake(recorder.frames[0] as Uint8Array, peer('n1'))
    expect(told).toMatchObject({ kind: 'refusal', error: { code: 'MalformedFrame' } })
  })

  test('a hello above the limit is refused with FrameTooLarge', async () => {
    const accepted = codeOf(accept(() => peer('n22')))
    near.start(new Recorder().handlers)
    near.send(concatBytes([encodeHello(peer('n1')), new Uint8Array(maxHelloBytes)]))
    expect(await fixture.until(accepted)).toBe('FrameTooLarge')
  })
})
