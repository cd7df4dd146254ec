import { describe, expect, test } from 'vitest'
import { ByteWriter, NitroError, utf8 } from '../../base/index.ts'
import { writeEvent } from '../../execution/index.ts'
import type { WatchListener } from '../../src/api/index.ts'
import { WatchChunk, WatchSession } from '../../src/wire/index.ts'
import type { WatchPort, WatchSink, WireWatchRequest } from '../../src/wire/index.ts'
import { seededRandom, VirtualTime } from '../net/schedulers.ts'

/** One attempt as the node's end sees it. */
class Attempt implements WatchPort {
  credits: number[] = []
  asked = 0
  closed = false
  readonly request: WireWatchRequest
  readonly sink: WatchSink

  constructor(request: WireWatchRequest, sink: WatchSink) {
    this.request = request
    this.sink = sink
  }

  credit(bytes: number): void {
    this.credits.push(bytes)
  }

  progress(): void {
    this.asked++
  }

  close(): void {
    this.closed = true
  }
}

const chunkOf = (revision: number, keys: readonly string[], more: boolean, through = revision): WatchChunk => {
  const writer = new ByteWriter()
  keys.forEach((key, i) =>
    writeEvent(
      writer,
      {
        ...{ revision, position: i, lastOfRevision: true, kind: 'put', key, createRevision: 1, version: 1, lease: 0 },
        value: () => utf8('value'),
        previous: () => undefined,
      },
      i === 0,
      false,
    ),
  )
  return new WatchChunk(writer.take(), more, through)
}
const lost = new NitroError('ConnectionClosed', 'cut')
const everything = { start: Uint8Array.of(0), fromKey: true }

class Scene {
  readonly time = new VirtualTime()
  readonly attempts: Attempt[] = []
  readonly heard: unknown[] = []
  unreachable = false
  readonly session = new WatchSession({
    scheduler: this.time,
    random: seededRandom(1),
    channel: {
      watch: (request, sink) => {
        if (this.unreachable) return new NitroError('Unavailable', 'nobody there')
        this.attempts.push(new Attempt(request, sink))
        return this.last
      },
    },
  })

  get last(): Attempt {
    return this.attempts.at(-1) as Attempt
  }

  open(fromRevision: number, more: { creditBytes?: number; progressMs?: number } = {}) {
    const listener: WatchListener = {
      opened: (revision) => this.heard.push(['opened', revision]),
      delivered: (delivery) => {
        for (const { revision, events } of delivery.revisions()) {
          this.heard.push([revision, ...events.map(({ key }) => String.fromCharCode(...key))])
        }
      },
      progress: (revision) => this.heard.push(['progress', revision]),
      ended: (error) => this.heard.push(error),
    }
    const kinds = { puts: true, deletes: true, emits: true, previous: false }
    return this.session.watch(
      { range: everything, fromRevision, ...kinds, creditBytes: 1000, progressMs: 0, ...more },
      listener,
    )
  }
}

describe('a watch over attempts', () => {
  test('is opened at the end of the turn, not within the call', async () => {
    const scene = new Scene()
    scene.open(0)
    expect(scene.attempts).toEqual([])
    await scene.time.pass(0)
    expect(scene.last.request).toMatchObject({ fromRevision: 0, creditBytes: 1000 })
  })

  test('goes on behind what it delivered, and says opened once', async () => {
    const scene = new Scene()
    scene.open(0)
    await scene.time.pass(0)
    scene.last.sink.opened(4)
    scene.last.sink.chunk(chunkOf(6, ['a'], false, 9))
    scene.last.sink.ended(lost)
    await scene.time.pass(1_000)
    expect(scene.last.request.fromRevision).toBe(10)
    scene.last.sink.opened(9)
    expect(scene.heard).toEqual([
      ['opened', 4],
      [6, 'a'],
    ])
  })

  test('that was never opened begins at the present of the next attempt', async () => {
    const scene = new Scene()
    scene.open(0)
    await scene.time.pass(0)
    scene.last.sink.ended(lost)
    await scene.time.pass(1_000)
    expect(scene.last.request.fromRevision).toBe(0)
  })

  test('drops pieces of a revision that was not whole, and gets it again', async () => {
    const scene = new Scene()
    scene.open(5)
    await scene.time.pass(0)
    scene.last.sink.opened(4)
    scene.last.sink.chunk(chunkOf(5, ['a', 'b'], true))
    scene.last.sink.ended(lost)
    await scene.time.pass(1_000)
    expect(scene.last.request.fromRevision).toBe(5)
    scene.last.sink.opened(4)
    scene.last.sink.chunk(chunkOf(5, ['a'], true))
    scene.last.sink.chunk(chunkOf(5, ['b', 'c'], true))
    scene.last.sink.chunk(new WatchChunk(new Uint8Array(), false, 5))
    expect(scene.heard).toEqual([
      ['opened', 4],
      [5, 'a', 'b', 'c'],
    ])
  })

  test('asks for the rest of a revision whatever its owner consumed', async () => {
    const scene = new Scene()
    scene.open(5, { creditBytes: 10 })
    await scene.time.pass(0)
    const piece = chunkOf(5, ['a'], true)
    scene.last.sink.chunk(piece)
    expect(scene.last.credits).toEqual([piece.sizeBytes])
  })

  test('ends with RequestTooLarge at a revision beyond all bounds', async () => {
    const scene = new Scene()
    scene.open(5)
    await scene.time.pass(0)
    for (let i = 0; i < 66; i++) scene.last.sink.chunk(new WatchChunk(new Uint8Array(1 << 20), true, 0))
    expect(scene.heard).toEqual([expect.objectContaining({ code: 'RequestTooLarge' })])
    expect(scene.last.closed).toBe(true)
  })

  test('is not set back by a node that is behind, and moves on by progress', async () => {
    const scene = new Scene()
    scene.open(100)
    await scene.time.pass(0)
    scene.last.sink.opened(99)
    scene.last.sink.progress(40, false)
    scene.last.sink.ended(lost)
    await scene.time.pass(1_000)
    expect(scene.last.request.fromRevision).toBe(100)
    scene.last.sink.progress(150, false)
    scene.last.sink.ended(lost)
    await scene.time.pass(1_000)
    expect(scene.last.request.fromRevision).toBe(151)
    expect(scene.heard).toEqual([['opened', 99]])
  })

  test('counts what its owner holds against the next credit, and gives back what was consumed', async () => {
    const scene = new Scene()
    const handle = scene.open(1, { creditBytes: 100 })
    await scene.time.pass(0)
    const chunk = chunkOf(1, ['abcdefghij'], false)
    scene.last.sink.chunk(chunk)
    scene.last.sink.ended(lost)
    await scene.time.pass(1_000)
    expect(scene.last.request.creditBytes).toBe(100 - chunk.sizeBytes)
    handle.consumed(chunk.sizeBytes)
    scene.last.sink.chunk(chunkOf(2, ['abcdefghij'], false))
    handle.consumed(chunk.sizeBytes)
    const told = scene.last.credits.reduce((sum, bytes) => sum + bytes, 0)
    expect(told).toBeGreaterThan(2 * chunk.sizeBytes - 25)
    expect(told).toBeLessThanOrEqual(2 * chunk.sizeBytes)
  })

  test('ends for what will not pass, and only then', async () => {
    const scene = new Scene()
    scene.open(1)
    await scene.time.pass(0)
    const compacted = new NitroError('Compacted', 'gone', { details: { compactRevision: 7 } })
    scene.last.sink.ended(new NitroError('NotBootstrapped', 'not yet'))
    await scene.time.pass(1_000)
    scene.last.sink.ended(compacted)
    await scene.time.pass(10_000)
    expect(scene.attempts.length).toBe(2)
    expect(scene.heard).toEqual([compacted])
    expect(scene.session.size).toBe(0)
  })

  test('waits for somebody to be there, and goes on at once when there is', async () => {
    const scene = new Scene()
    scene.unreachable = true
    scene.open(1)
    await scene.time.pass(5_000)
    scene.unreachable = false
    scene.session.retryNow()
    expect(scene.attempts.length).toBe(1)
  })

  test('asks again for a progress mark that an attempt did not give', async () => {
    const scene = new Scene()
    const handle = scene.open(5)
    await scene.time.pass(0)
    handle.requestProgress()
    handle.requestProgress()
    expect(scene.last.asked).toBe(1)
    scene.last.sink.ended(lost)
    await scene.time.pass(1_000)
    expect(scene.last.asked).toBe(1)
    scene.last.sink.progress(8, true)
    expect(scene.heard).toEqual([['progress', 8]])
  })

  test('asks for progress by itself after a silence, not before', async () => {
    const scene = new Scene()
    scene.open(5, { progressMs: 100 })
    await scene.time.pass(0)
    scene.last.sink.opened(4)
    await scene.time.pass(60)
    scene.last.sink.chunk(chunkOf(5, ['a'], false))
    await scene.time.pass(60)
    expect(scene.last.asked).toBe(0)
    await scene.time.pass(60)
    expect(scene.last.asked).toBe(1)
    scene.last.sink.progress(5, true)
    await scene.time.pass(110)
    expect(scene.last.asked).toBe(2)
  })

  test('hears nothing after it was closed, and the node is told', async () => {
    const scene = new Scene()
    const handle = scene.open(5)
    await scene.time.pass(0)
    handle.close()
    expect(scene.last.closed).toBe(true)
    handle.close()
    scene.session.close()
    expect(scene.heard).toEqual([])
  })

  test('ends with Closed when the engine is closed, also one that was just made', async () => {
    const scene = new Scene()
    scene.open(5)
    await scene.time.pass(0)
    scene.open(6)
    scene.session.close()
    scene.open(7)
    await scene.time.pass(0)
    expect(scene.heard.length).toBe(3)
    for (const error of scene.heard) expect(error).toMatchObject({ code: 'Closed' })
    expect(scene.attempts.length).toBe(1)
  })
})
