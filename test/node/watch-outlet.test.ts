import { describe, expect, test } from 'vitest'
import { NitroError } from '../../base/index.ts'
import { RemoteOutlet, specOf } from '../../src/node/watch-outlet.ts'
import { WatchHub } from '../../src/replica/index.ts'
import { frameKinds, readWatchTells, WatchAskWriter } from '../../src/wire/index.ts'
import { VirtualTime } from '../net/schedulers.ts'
import { FakeSource } from '../support/event-source.ts'

const range = { start: Uint8Array.of(0), fromKey: true }
const kinds = { puts: true, deletes: true, emits: true, previous: false }

class Scene {
  readonly time = new VirtualTime()
  readonly source = new FakeSource()
  readonly frames: unknown[][] = []
  unsentBytes = 0
  forming = false
  readonly hub = new WatchHub({
    ...{ clock: this.time, scheduler: this.time, source: () => this.source },
    ...{ barrier: (waiter) => waiter.run(), failed: () => undefined },
  })
  readonly outlet = new RemoteOutlet({
    hub: () => (this.forming ? undefined : this.hub),
    scheduler: this.time,
    caller: () => 'owner',
    send: (kind, payload) => {
      if (kind !== frameKinds.watchEvents) throw new Error(`a message of kind ${kind}`)
      const told: unknown[] = []
      readWatchTells(payload, {
        opened: (id, revision) => told.push(['opened', id, revision]),
        events: (ids, more, through, events) => told.push(['events', ids, more, through, events.length]),
        progress: (id, revision) => told.push(['progress', id, revision]),
        progressAll: (revision, except) => told.push(['all', revision, except]),
        ended: (id, error) => told.push(['ended', id, error.code]),
      })
      this.frames.push(told)
    },
    unsentBytes: () => this.unsentBytes,
  })

  ask(write: (writer: WatchAskWriter) => void): void {
    const writer = new WatchAskWriter()
    write(writer)
    this.outlet.message(writer.take())
  }

  open(...ids: readonly number[]): void {
    this.ask((client) => {
      for (const id of ids) client.open(id, { range, ...kinds, fromRevision: 1, creditBytes: 1 << 20 })
    })
  }

  put(value: string): void {
    this.source.write({ type: 'put', key: 'k', value })
    this.hub.wake()
  }
}

describe('the watches of a client on the serving end', () => {
  test('a turn is one frame, and events that several watches see are in it once', async () => {
    const scene = new Scene()
    scene.open(1, 2, 3)
    scene.put('v')
    await scene.time.pass(0)
    expect(scene.frames).toEqual([
      [
        ['opened', 1, 0],
        ['opened', 2, 0],
        ['opened', 3, 0],
        ['events', [1, 2, 3], false, 1, expect.any(Number)],
      ],
    ])
  })

  test('a connection whose bytes do not leave is given no more until they do', async () => {
    const scene = new Scene()
    scene.open(1)
    await scene.time.pass(0)
    scene.unsentBytes = 5 << 20
    for (let i = 0; i < 50; i++) {
      scene.put('v'.repeat(100_000))
      await scene.time.pass(5)
    }
    expect(scene.frames.length).toBe(1)
    scene.unsentBytes = 3 << 20
    await scene.time.pass(100)
    expect(scene.frames.length).toBe(1)
    scene.unsentBytes = 0
    await scene.time.pass(100)
    // Its credit is a mebibyte: that, and the piece that goes beyond it.
    const bytes = scene.frames.flat().reduce<number>((sum, told) => sum + Number((told as unknown[])[4] ?? 0), 0)
    expect(bytes).toBeGreaterThan(1 << 20)
    expect(bytes).toBeLessThan(3 << 19)
  })

  test('an id that is in use, and keys that are too long', async () => {
    const scene = new Scene()
    scene.open(1)
    expect(() => scene.open(1)).toThrow(NitroError)
    const long = { start: new Uint8Array(4_097) }
    scene.ask((client) => client.open(2, { range: long, ...kinds, fromRevision: 1, creditBytes: 1 }))
    expect(scene.frames.flat()).toContainEqual(['ended', 2, 'KeyTooLarge'])
  })

  test('a node that has no cluster yet refuses, so that the client tries elsewhere', () => {
    const scene = new Scene()
    scene.forming = true
    scene.open(1)
    scene.ask((client) => {
      client.credit(1, 5)
      client.progress(1)
      client.close(1)
    })
    expect(scene.frames).toEqual([[['ended', 1, 'NotBootstrapped']]])
  })

  test('a connection that is gone leaves no watch behind', async () => {
    const scene = new Scene()
    scene.open(1, 2)
    scene.ask((client) => client.close(1))
    expect(scene.hub.watchers).toBe(1)
    scene.outlet.drop()
    expect(scene.hub.watchers).toBe(0)
    scene.put('v')
    await scene.time.pass(100)
    expect(scene.frames).toEqual([])
  })

  test('one key, a range and an open range become what the hub looks for', () => {
    const base = { ...kinds, fromRevision: 1, creditBytes: 1 }
    const [a, b] = [Uint8Array.of(97), Uint8Array.of(98)]
    expect(specOf({ ...base, range: { start: a } })).toMatchObject({ start: 'a', end: 'a\0' })
    expect(specOf({ ...base, range: { start: a, end: b } })).toMatchObject({ start: 'a', end: 'b' })
    expect(specOf({ ...base, range: { start: a, fromKey: true } })).toMatchObject({ start: 'a', end: undefined })
    // Reserved keys are for those who ask for nothing else.
    const zero = Uint8Array.of(0)
    const one = Uint8Array.of(1)
    expect(specOf({ ...base, range: { start: zero, fromKey: true } })).toMatchObject({ start: '\x01', end: undefined })
    expect(specOf({ ...base, range: { start: new Uint8Array(), end: b } })).toMatchObject({ start: '\x01', end: 'b' })
    expect(specOf({ ...base, range: { start: zero, end: one } })).toMatchObject({ start: '\0', end: '\x01' })
  })
})
