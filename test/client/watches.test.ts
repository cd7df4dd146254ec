import { describe, expect, test } from 'vitest'
import { NitroError } from '../../base/index.ts'
import { ConnectionWatches } from '../../src/client/watches.ts'
import { readWatchAsks, WatchTellWriter } from '../../src/wire/index.ts'
import type { WatchPort, WatchSink, WireWatchRequest } from '../../src/wire/index.ts'

const request: WireWatchRequest = {
  ...{ range: { start: Uint8Array.of(97) }, fromRevision: 50, creditBytes: 1000 },
  ...{ puts: true, deletes: true, emits: true, previous: false },
}

class Scene {
  asked = 0
  readonly heard: unknown[] = []
  readonly watches = new ConnectionWatches(() => this.asked++)

  open(name: string): WatchPort {
    const sink: WatchSink = {
      opened: (revision) => this.heard.push([name, 'opened', revision]),
      chunk: (chunk) => this.heard.push([name, chunk]),
      progress: (revision, asked) => this.heard.push([name, asked ? 'asked' : 'progress', revision]),
      ended: (error) => this.heard.push([name, error.code]),
    }
    return this.watches.open(request, sink)
  }

  tell(write: (writer: WatchTellWriter) => void): void {
    const writer = new WatchTellWriter()
    write(writer)
    this.watches.message(writer.take())
  }

  asks(): unknown[] {
    const out: unknown[] = []
    readWatchAsks(this.watches.asks.take(), {
      open: (id, { fromRevision }) => out.push(['open', id, fromRevision]),
      close: (id) => out.push(['close', id]),
      credit: (id, bytes) => out.push(['credit', id, bytes]),
      progress: (id) => out.push(['progress', id]),
    })
    return out
  }
}

describe('the watches of a connection', () => {
  test('progress of all is not for a watch that the node has not opened: its events may still be to come', () => {
    const scene = new Scene()
    scene.open('a')
    scene.open('b')
    scene.tell((node) => node.opened(1, 49))
    scene.tell((node) => node.progressAll(100, []))
    expect(scene.heard).toEqual([
      ['a', 'opened', 49],
      ['a', 'progress', 100],
    ])
  })

  test('progress of all is not for those it names', () => {
    const scene = new Scene()
    for (const name of ['a', 'b', 'c']) scene.open(name)
    scene.tell((node) => [1, 2, 3].forEach((id) => node.opened(id, 49)))
    scene.heard.length = 0
    scene.tell((node) => node.progressAll(100, [2]))
    expect(scene.heard).toEqual([
      ['a', 'progress', 100],
      ['c', 'progress', 100],
    ])
  })

  test('watches that see the same share one chunk, which is not the memory of the frame', () => {
    const scene = new Scene()
    scene.open('a')
    scene.open('b')
    const writer = new WatchTellWriter()
    writer.events([1, 2], false, 7, Uint8Array.of(1, 2, 3))
    const frame = writer.take()
    scene.watches.message(frame)
    const [[, first], [, second]] = scene.heard as [[string, { bytes: Uint8Array }], [string, unknown]]
    expect(first).toBe(second)
    frame.fill(0)
    expect(first.bytes).toEqual(Uint8Array.of(1, 2, 3))
  })

  test('what is asked in a turn leaves in one frame, and nothing is asked of a watch that is closed', () => {
    const scene = new Scene()
    const port = scene.open('a')
    scene.open('b')
    port.credit(10)
    port.progress()
    port.close()
    port.credit(11)
    port.close()
    expect(scene.asks()).toEqual([
      ['open', 1, 50],
      ['open', 2, 50],
      ['credit', 1, 10],
      ['progress', 1],
      ['close', 1],
    ])
    scene.tell((node) => node.events([1, 2], false, 7, new Uint8Array()))
    expect(scene.heard).toMatchObject([['b', { through: 7 }]])
  })

  test('each hears once of the end of the connection, and nothing of a watch that has ended', () => {
    const scene = new Scene()
    scene.open('a')
    scene.open('b')
    scene.tell((node) => node.ended(1, new NitroError('Compacted', 'gone')))
    scene.watches.endAll(new NitroError('ConnectionClosed', 'cut'))
    scene.watches.endAll(new NitroError('ConnectionClosed', 'cut'))
    scene.tell((node) => node.opened(2, 3))
    expect(scene.heard).toEqual([
      ['a', 'Compacted'],
      ['b', 'ConnectionClosed'],
    ])
  })
})
