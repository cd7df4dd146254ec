/** What every transport must do: `transportCompliance` registers the suite for one implementation. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { concatBytes, equalBytes, type ErrorCode, NitroError, type Scheduler } from '../../base/index.ts'
import type { Link, Listener, Transport } from '../../net/index.ts'

/** One implementation under test, fresh for each test. */
export interface TransportFixture {
  /** Frame limit 256 KiB, buffer limit 1 MiB. */
  readonly server: Transport
  readonly client: Transport
  readonly scheduler: Scheduler
  /** Where to listen, with port 0. */
  readonly address: string
  /** An address that can be dialed and where nobody listens. */
  readonly nowhere: string
  /** Lets the world run until the promise is settled. */
  until<T>(promise: Promise<T>): Promise<T>
  close(): Promise<void>
}

export const frameLimit = 256 * 1024
export const bufferLimit = 1024 * 1024

/** Collects what a link delivers. */
export class Recorder {
  readonly frames: Uint8Array[] = []
  readonly ends: (NitroError | undefined)[] = []
  drains = 0
  private waiting: { readonly done: () => boolean; readonly resolve: () => void }[] = []

  readonly handlers = {
    frame: (bytes: Uint8Array): void => this.note(() => this.frames.push(bytes)),
    drain: (): void => this.note(() => this.drains++),
    close: (error: NitroError | undefined): void => this.note(() => this.ends.push(error)),
  }

  /** Resolves when the condition over this recorder holds. */
  when(done: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      if (done()) resolve()
      else this.waiting.push({ done, resolve })
    })
  }

  private note(change: () => void): void {
    change()
    const ready = this.waiting.filter((entry) => entry.done())
    this.waiting = this.waiting.filter((entry) => !ready.includes(entry))
    for (const entry of ready) entry.resolve()
  }
}

/** A listener and one link to it. */
export interface Pair {
  readonly listener: Listener
  readonly near: Link
  readonly far: Link
}

/** Listens and dials once. */
export async function connectPair(fixture: TransportFixture): Promise<Pair> {
  let accepted: (link: Link) => void = () => {}
  const far = new Promise<Link>((resolve) => {
    accepted = resolve
  })
  const listener = await fixture.until(fixture.server.listen(fixture.address, (link) => accepted(link)))
  const near = await fixture.until(fixture.client.dial(listener.address, { timeoutMs: 10_000 }))
  return { listener, near, far: await fixture.until(far) }
}

/** The code a promise was rejected with. */
export async function codeOf(promise: Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    if (error instanceof NitroError) return error.code
    throw error
  }
}

const pattern = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 7) & 0xff)

/** Byte by byte, without the cost of a deep comparison. */
function expectFrames(actual: readonly Uint8Array[], expected: readonly Uint8Array[]): void {
  expect(actual.map((frame) => frame.length)).toEqual(expected.map((frame) => frame.length))
  expect(actual.every((frame, i) => equalBytes(frame, expected[i] as Uint8Array))).toBe(true)
}

/** Registers the suite. */
export function transportCompliance(name: string, open: () => Promise<TransportFixture>): void {
  describe(`${name} transport`, () => {
    let fixture: TransportFixture
    beforeEach(async () => {
      fixture = await open()
    })
    afterEach(() => fixture.close())

    test('frames of every size up to the limit arrive whole, in order, in both directions', async () => {
      const { near, far } = await connectPair(fixture)
      const sizes = [0, 1, 2, 125, 126, 127, 1023, 1024, 1025, 65_535, 65_536, 65_537, frameLimit]
      const frames = sizes.map((size, i) => pattern(size, i))
      const atFar = new Recorder()
      const atNear = new Recorder()
      near.start(atNear.handlers)
      far.start(atFar.handlers)
      for (const frame of frames) {
        expect(near.send(frame)).toBe(true)
        expect(far.send(frame)).toBe(true)
      }
      await fixture.until(atFar.when(() => atFar.frames.length === frames.length))
      await fixture.until(atNear.when(() => atNear.frames.length === frames.length))
      expectFrames(atFar.frames, frames)
      expectFrames(atNear.frames, frames)
    })

    test('a frame sent in parts arrives as their concatenation, between its neighbours', async () => {
      const { near, far } = await connectPair(fixture)
      const atFar = new Recorder()
      near.start(new Recorder().handlers)
      far.start(atFar.handlers)
      const sent: Uint8Array[] = []
      const part = fc.integer({ min: 0, max: 5_000 }).map((length) => pattern(length, length))
      await fc.assert(
        fc.asyncProperty(fc.array(fc.array(part, { maxLength: 5 }), { maxLength: 8 }), async (frames) => {
          for (const parts of frames) {
            sent.push(concatBytes(parts))
            expect(near.sendParts(parts)).toBe(true)
          }
          await fixture.until(atFar.when(() => atFar.frames.length === sent.length))
          expectFrames(atFar.frames.splice(0), sent.splice(0))
        }),
        { numRuns: 30 },
      )
    })

    test('frames sent as copies arrive as they were, whatever becomes of the bytes, even when a link is stuck', async () => {
      const pairs = [await connectPair(fixture), await connectPair(fixture)]
      const sizes = [1, 126, 1025, 30_000, 70_000]
      const scratch = new Uint8Array(70_000)
      const sent: Uint8Array[][] = [[], []]
      for (const { near } of pairs) near.start(new Recorder().handlers)
      const [stuck, open] = pairs as [Pair, Pair]
      const atOpen = new Recorder()
      open.far.start(atOpen.handlers)
      const sendTo = ({ near }: Pair, frames: Uint8Array[] | undefined, seed: number): boolean => {
        const frame = pattern(sizes[seed % sizes.length] as number, seed)
        scratch.set(frame)
        const isTaken = near.sendCopy([scratch.subarray(0, 1), scratch.subarray(1, frame.length)])
        scratch.fill(0xee)
        if (isTaken) frames?.push(frame)
        return isTaken
      }
      // Until the network in between and the buffer are full, and a little longer.
      for (let seed = 0, refusals = 0; refusals < 20; seed++) {
        if (!sendTo(stuck, sent[0], seed)) refusals++
        if (seed % 3 > 0) sendTo(open, sent[1], seed)
        if (seed % 4 > 0) continue
        await fixture.until(new Promise<void>((resolve) => fixture.scheduler.after(0, resolve)))
      }
      const atStuck = new Recorder()
      stuck.far.start(atStuck.handlers)
      await fixture.until(atStuck.when(() => atStuck.frames.length === sent[0]?.length))
      await fixture.until(atOpen.when(() => atOpen.frames.length === sent[1]?.length))
      expectFrames(atStuck.frames, sent[0] as Uint8Array[])
      expectFrames(atOpen.frames, sent[1] as Uint8Array[])
    })

    test('a delivered frame is a plain byte array whose slice is a copy', async () => {
      const { near, far } = await connectPair(fixture)
      const atFar = new Recorder()
      near.start(new Recorder().handlers)
      far.start(atFar.handlers)
      near.send(Buffer.from('abc'))
      await fixture.until(atFar.when(() => atFar.frames.length === 1))
      const frame = atFar.frames[0] as Uint8Array
      frame.slice()[0] = 0
      expect(frame).toEqual(Uint8Array.of(97, 98, 99))
    })

    test('frames sent before the other end started are held back and then delivered in order', async () => {
      const { near, far } = await connectPair(fixture)
      const atNear = new Recorder()
      far.send(Uint8Array.of(1))
      far.send(Uint8Array.of(2))
      const atFar = new Recorder()
      far.start(atFar.handlers)
      near.send(Uint8Array.of(9))
      await fixture.until(atFar.when(() => atFar.frames.length === 1))
      near.start(atNear.handlers)
      far.send(Uint8Array.of(3))
      await fixture.until(atNear.when(() => atNear.frames.length === 3))
      expect(atNear.frames.map((frame) => frame[0])).toEqual([1, 2, 3])
    })

    test('handlers are never called from inside a call into the link', async () => {
      const { near, far } = await connectPair(fixture)
      let inside = false
      const guarded = (call: () => void): void => {
        inside = true
        call()
        inside = false
      }
      const atFar = new Recorder()
      const seen: boolean[] = []
      const watch = (inner: Recorder) => ({
        frame: (bytes: Uint8Array) => (seen.push(inside), inner.handlers.frame(bytes)),
        close: (error: NitroError | undefined) => (seen.push(inside), inner.handlers.close(error)),
      })
      near.send(Uint8Array.of(1))
      const atNear = new Recorder()
      guarded(() => near.start(watch(atNear)))
      guarded(() => far.start(watch(atFar)))
      await fixture.until(atFar.when(() => atFar.frames.length === 1))
      guarded(() => far.pause())
      guarded(() => near.send(Uint8Array.of(2)))
      guarded(() => far.resume())
      await fixture.until(atFar.when(() => atFar.frames.length === 2))
      guarded(() => near.close())
      await fixture.until(atNear.when(() => atNear.ends.length === 1))
      await fixture.until(atFar.when(() => atFar.ends.length === 1))
      expect(seen).not.toContain(true)
    })

    test('send refuses above the buffer limit, and drain tells when there is room again', async () => {
      const { near, far } = await connectPair(fixture)
      const atNear = new Recorder()
      near.start(atNear.handlers)
      const frame = pattern(50_000, 1)
      let taken = 0
      // The network in between swallows some; the limit is met once it is full.
      for (;;) {
        while (near.send(frame)) taken++
        expect(near.bufferedBytes).toBeLessThanOrEqual(bufferLimit + 1024)
        await fixture.until(new Promise<void>((resolve) => fixture.scheduler.after(20, resolve)))
        if (near.bufferedBytes + frame.length > bufferLimit) break
      }
      const atFar = new Recorder()
      far.start(atFar.handlers)
      const drains = atNear.drains
      await fixture.until(atNear.when(() => atNear.drains > drains))
      expect(near.bufferedBytes).toBeLessThanOrEqual(bufferLimit / 2)
      expect(near.send(frame)).toBe(true)
      await fixture.until(atFar.when(() => atFar.frames.length === taken + 1))
      expect(atFar.frames.every((bytes) => bytes.length === frame.length)).toBe(true)
    })

    test('drain tells of room also when all that fills the buffer was written before the refusal', async () => {
      const { near, far } = await connectPair(fixture)
      const atNear = new Recorder()
      near.start(atNear.handlers)
      const frame = pattern(50_000, 1)
      const turn = (): Promise<void> => new Promise((resolve) => fixture.scheduler.endOfTurn(resolve))
      while (near.send(frame)) for (let i = 0; i < 3; i++) await fixture.until(turn())
      const atFar = new Recorder()
      far.start(atFar.handlers)
      await fixture.until(atNear.when(() => atNear.drains > 0))
      expect(near.bufferedBytes).toBeLessThanOrEqual(bufferLimit / 2)
    })

    test('a paused link holds frames until it is resumed', async () => {
      const { near, far } = await connectPair(fixture)
      const atFar = new Recorder()
      const atNear = new Recorder()
      near.start(atNear.handlers)
      far.start(atFar.handlers)
      far.pause()
      near.send(Uint8Array.of(1))
      far.send(Uint8Array.of(7))
      await fixture.until(atNear.when(() => atNear.frames.length === 1))
      near.send(Uint8Array.of(2))
      expect(atFar.frames).toEqual([])
      far.resume()
      await fixture.until(atFar.when(() => atFar.frames.length === 2))
      expect(atFar.frames.map((frame) => frame[0])).toEqual([1, 2])
    })

    test('an orderly close is told once at both ends, after everything that was sent', async () => {
      const { near, far } = await connectPair(fixture)
      const atFar = new Recorder()
      const atNear = new Recorder()
      near.start(atNear.handlers)
      far.start(atFar.handlers)
      for (let i = 0; i < 50; i++) near.send(pattern(10_000, i))
      near.close()
      near.close(new NitroError('Closed', 'a second close does nothing'))
      expect(near.send(Uint8Array.of(1))).toBe(false)
      await fixture.until(atFar.when(() => atFar.ends.length === 1))
      await fixture.until(atNear.when(() => atNear.ends.length === 1))
      expect(atFar.frames.length).toBe(50)
      expect([...atFar.ends, ...atNear.ends]).toEqual([undefined, undefined])
      expect(far.send(Uint8Array.of(1))).toBe(false)
    })

    test('a close with an error gives both ends its code', async () => {
      const { near, far } = await connectPair(fixture)
      const atFar = new Recorder()
      const atNear = new Recorder()
      near.start(atNear.handlers)
      far.start(atFar.handlers)
      far.close(new NitroError('Overloaded', `too many é ${'x'.repeat(400)}`))
      await fixture.until(atNear.when(() => atNear.ends.length === 1))
      await fixture.until(atFar.when(() => atFar.ends.length === 1))
      expect(atNear.ends[0]?.code).toBe('Overloaded')
      expect(atNear.ends[0]?.message).toMatch(/^too many é x+/)
      expect(atFar.ends[0]?.code).toBe('Overloaded')
    })

    test('a close before start is told at start, after the held frames', async () => {
      const { near, far } = await connectPair(fixture)
      far.send(Uint8Array.of(5))
      far.close()
      const atFar = new Recorder()
      far.start(atFar.handlers)
      await fixture.until(atFar.when(() => atFar.ends.length === 1))
      const atNear = new Recorder()
      near.start(atNear.handlers)
      await fixture.until(atNear.when(() => atNear.ends.length === 1))
      expect(atNear.frames).toEqual([Uint8Array.of(5)])
      expect(atNear.ends).toEqual([undefined])
    })

    test('a frame above the limit is not sent and closes the link', async () => {
      const { near, far } = await connectPair(fixture)
      const atFar = new Recorder()
      const atNear = new Recorder()
      near.start(atNear.handlers)
      far.start(atFar.handlers)
      expect(near.send(new Uint8Array(frameLimit + 1))).toBe(false)
      await fixture.until(atNear.when(() => atNear.ends.length === 1))
      await fixture.until(atFar.when(() => atFar.ends.length === 1))
      expect(atNear.ends[0]?.code).toBe('FrameTooLarge')
      expect(atFar.ends[0]?.code).toBe('FrameTooLarge')
      expect(atFar.frames).toEqual([])
    })

    test('dialing where nobody listens is Unavailable', async () => {
      expect(await fixture.until(codeOf(fixture.client.dial(fixture.nowhere, { timeoutMs: 10_000 })))).toBe(
        'Unavailable',
      )
    })

    test('a dial can be cancelled, before and while it runs', async () => {
      const { listener, near } = await connectPair(fixture)
      near.start(new Recorder().handlers)
      const dial = (signal: AbortSignal) => fixture.client.dial(listener.address, { timeoutMs: 10_000, signal })
      expect(await fixture.until(codeOf(dial(AbortSignal.abort())))).toBe('Cancelled')
      const controller = new AbortController()
      const running = codeOf(dial(controller.signal))
      controller.abort()
      expect(await fixture.until(running)).toBe('Cancelled')
    })

    test.each(['', 'nowhere', '127.0.0.1', '127.0.0.1:', '127.0.0.1:99999', 'http://a:1', 'a b:1', ':1', '::1:80'])(
      'the address "%s" is refused as malformed',
      async (address) => {
        expect(await fixture.until(codeOf(fixture.client.dial(address, { timeoutMs: 10 })))).toBe('InvalidArgument')
        expect(await fixture.until(codeOf(fixture.server.listen(address, () => {})))).toBe('InvalidArgument')
      },
    )

    test('an address in use is refused, and free again after the listener closed', async () => {
      const first = await fixture.until(fixture.server.listen(fixture.address, () => {}))
      expect(await fixture.until(codeOf(fixture.server.listen(first.address, () => {})))).toBe('AddressInUse')
      await fixture.until(first.close())
      const second = await fixture.until(fixture.server.listen(first.address, () => {}))
      expect(second.address).toBe(first.address)
      await fixture.until(second.close())
    })

    test('a listener that closes ends its links and refuses dials', async () => {
      const { listener, near, far } = await connectPair(fixture)
      const atNear = new Recorder()
      const atFar = new Recorder()
      near.start(atNear.handlers)
      far.start(atFar.handlers)
      const closed = listener.close()
      await fixture.until(atNear.when(() => atNear.ends.length === 1))
      await fixture.until(atFar.when(() => atFar.ends.length === 1))
      await fixture.until(closed)
      expect(atNear.ends[0]?.code).toBe('ConnectionClosed')
      expect(await fixture.until(codeOf(fixture.client.dial(listener.address, { timeoutMs: 10_000 })))).toBe(
        'Unavailable',
      )
    })

    test('a hundred links at once do not mix their frames', async () => {
      const echo = (link: Link): void =>
        link.start({ frame: (bytes) => void link.send(new Uint8Array(bytes)), close() {} })
      const listener = await fixture.until(fixture.server.listen(fixture.address, echo))
      const all = await fixture.until(
        Promise.all(Array.from({ length: 100 }, () => fixture.client.dial(listener.address, { timeoutMs: 10_000 }))),
      )
      const recorders = all.map((link) => {
        const recorder = new Recorder()
        link.start(recorder.handlers)
        return recorder
      })
      for (let turn = 0; turn < 20; turn++) {
        all.forEach((link, i) => link.send(Uint8Array.of(i, turn)))
        all.forEach((link, i) => link.send(pattern(turn * 100, i)))
      }
      for (const recorder of recorders) await fixture.until(recorder.when(() => recorder.frames.length === 40))
      expect(recorders.length).toBe(100)
      recorders.forEach((recorder, i) => {
        const expected = Array.from({ length: 20 }, (_, turn) => [Uint8Array.of(i, turn), pattern(turn * 100, i)])
        expectFrames(recorder.frames, expected.flat())
      })
    })
  })
}
